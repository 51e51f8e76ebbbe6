/** A worker of the subscription. `VERSION` picks the version of its code; where it connects to is the SDK's own environment configuration. */

import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Worker } from '@temporalio/worker';
import * as activities from './billing';

async function main(): Promise<void> {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  const worker = await Worker.create({
    connection,
    namespace,
    identity: 'subscription-worker',
    taskQueue: 'subscriptions',
    workflowsPath: require.resolve(`./versions/${process.env.VERSION ?? 'same'}`),
    activities,
  });
  // Stops at SIGINT and SIGTERM: the runtime listens to both.
  await worker.run();
  await connection.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

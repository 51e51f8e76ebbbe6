import { sleep } from '@temporalio/workflow';

export async function month(): Promise<string> {
  await sleep('30 days');
  return 'a month later';
}

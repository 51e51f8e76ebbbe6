import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { month } from './readme_workflow';

test('a month', async (t) => {
  const path = process.env.FORETIME!; // the path of the binary
  const env = await TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } } });
  t.after(() => env.teardown());
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue: 'months',
    workflowsPath: require.resolve('./readme_workflow'),
  });

  const startMs = await env.currentTimeMs();
  const answer = await worker.runUntil(env.client.workflow.execute(month, { workflowId: 'month', taskQueue: 'months' }));
  assert.equal(answer, 'a month later');
  assert.ok((await env.currentTimeMs()) - startMs >= 30 * 24 * 60 * 60 * 1000);
});

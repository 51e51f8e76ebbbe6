/** The subscription on both of the server's modes. The gateway, the outbox and the human are the test's own. */

import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { Billing } from './billing';
import { cancel, status, type Status } from './subscription';
import { bundle, EventType, HOUR_MS, lastedMs, MINUTE_MS, MODES, testIn, type World } from './world';

const { RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED } = temporal.api.enums.v1.RetryState;
const YEAR_WITH_DISCOUNT: Status = { state: 'completed', charges: 13, paidCents: 7 * 2999 + 6 * 2499 };
const ACTIVE: Status = { state: 'active', charges: 1, paidCents: 2999 };
const CANCELLED: Status = { state: 'cancelled', charges: 1, paidCents: 2999 };

/** The retries waited for so many first intervals, and not for another one twice as long. */
function assertBackoff(durationMs: number, { firstRetryMs }: World, intervals: number): void {
  const waitedMs = firstRetryMs * intervals;
  assert.ok(waitedMs <= durationMs && durationMs < 2 * waitedMs + 5000, `${durationMs} ms for a backoff of ${waitedMs} ms`);
}

for (const mode of MODES) {
  describe(mode, () => {
    testIn(mode, 'a year is thirteen charges and one welcome', async (world) => {
      const billing = new Billing();
      const handle = await world.subscribe();
      const result = await world.withWorker(billing, () => handle.result());
      assert.deepEqual(result, YEAR_WITH_DISCOUNT);
      const keys = Array.from({ length: 13 }, (_, month) => `${handle.workflowId}/${month}`);
      assert.deepEqual([...billing.takenCents.keys()], keys);
      assert.deepEqual(billing.emails, [{ customer: 'ada', text: 'welcome' }]);
      assert.deepEqual(billing.escalations, []);
    });

    testIn(mode, 'a flaky gateway is tried until it answers', async (world) => {
      const billing = new Billing({ failures: 2 });
      const handle = await world.subscribe({ renewals: 0 });
      const result = await world.withWorker(billing, () => handle.result());
      assert.deepEqual(result, { state: 'completed', charges: 1, paidCents: 2999 });
      assert.deepEqual([...billing.attempts], [[`${handle.workflowId}/0`, 3]]);
      const started = (await world.event(handle, EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED)).activityTaskStartedEventAttributes;
      assert.equal(started?.attempt, 3);
      assert.equal(started?.lastFailure?.message, 'the gateway is down');
      assertBackoff(await lastedMs(handle), world, 1 + 2);
    });

    testIn(mode, 'a dead gateway is escalated after five attempts', async (world) => {
      const billing = new Billing({ failures: 5 });
      const handle = await world.subscribe();
      const result = await world.withWorker(billing, () => handle.result());
      assert.deepEqual(result, { state: 'escalated', charges: 0, paidCents: 0 });
      assert.deepEqual([...billing.attempts], [[`${handle.workflowId}/0`, 5]]);
      const failed = (await world.event(handle, EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED)).activityTaskFailedEventAttributes;
      assert.equal(failed?.retryState, RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
      assert.deepEqual(billing.escalations, [{ customer: 'ada', text: 'month 0 cannot be charged' }]);
      assert.deepEqual(billing.emails, []);
      assertBackoff(await lastedMs(handle), world, 1 + 2 + 4 + 8);
    });

    testIn(mode, 'a lost reply does not charge twice', async (world) => {
      const billing = new Billing({ lostReplies: 1 });
      const handle = await world.subscribe({ renewals: 2 });
      const result = await world.withWorker(billing, () => handle.result());
      assert.equal(result.charges, 3);
      assert.deepEqual([...billing.attempts.values()], [2, 2, 2]);
      assert.deepEqual([...billing.timesTaken.values()], [1, 1, 1]);
    });

    testIn(mode, 'a cancel in the first month ends the subscription', async (world) => {
      const billing = new Billing();
      const handle = await world.subscribe({ monthMs: HOUR_MS });
      await world.withWorker(billing, async () => {
        await world.event(handle, EventType.EVENT_TYPE_TIMER_STARTED);
        await handle.signal(cancel);
        assert.deepEqual(await handle.result(), CANCELLED);
      });
      await world.event(handle, EventType.EVENT_TYPE_TIMER_CANCELED);
      assert.ok((await lastedMs(handle)) < MINUTE_MS);
      assert.equal(billing.takenCents.size, 1);
    });

    testIn(mode, 'a query answers before and after the end', async (world) => {
      const handle = await world.subscribe({ monthMs: HOUR_MS });
      await world.withWorker(new Billing(), async () => {
        await world.event(handle, EventType.EVENT_TYPE_TIMER_STARTED);
        assert.deepEqual(await handle.query(status), ACTIVE);
        await handle.signal(cancel);
        await handle.result();
        assert.deepEqual(await handle.query(status), CANCELLED);
      });
    });

    testIn(mode, 'a new worker answers queries of a stopped one', async (world) => {
      const handle = await world.subscribe({ monthMs: HOUR_MS });
      await world.withWorker(new Billing(), () => world.event(handle, EventType.EVENT_TYPE_TIMER_STARTED));
      await world.withWorker(new Billing(), async () => {
        assert.deepEqual(await handle.query(status), ACTIVE);
      });
    });

    testIn(mode, 'changed code takes over a running subscription', async (world) => {
      const billing = new Billing();
      const handle = await world.subscribe({ monthMs: 2 * world.monthMs });
      await world.withWorker(billing, () => world.event(handle, EventType.EVENT_TYPE_TIMER_STARTED), 'first-deploy');
      const result = await world.withWorker(billing, () => handle.result(), 'subscription');
      assert.deepEqual(result, YEAR_WITH_DISCOUNT);
      const { events } = await handle.fetchHistory();
      assert.equal(events?.filter((event) => event.eventType === EventType.EVENT_TYPE_MARKER_RECORDED).length, 1);
    });

    testIn(mode, 'a finished history replays on changed code', async (world) => {
      const handle = await world.subscribe();
      const result = await world.withWorker(new Billing(), () => handle.result(), 'first-deploy');
      assert.equal(result.paidCents, 13 * 2999);
      const history = await handle.fetchHistory();
      assert.equal(history.events?.at(-1)?.eventType, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
      await Worker.runReplayHistory({ workflowBundle: await bundle('subscription') }, history, handle.workflowId);
    });

    testIn(mode, 'fifty clients awaiting at once all get their results', async (world) => {
      const billing = new Billing();
      const customers = Array.from({ length: 50 }, (_, n) => `customer-${n}`);
      const results = await world.withWorker(billing, async () => {
        const handles = await Promise.all(customers.map((customer) => world.subscribe({ customer, renewals: 3 })));
        return await Promise.all(handles.map((handle) => handle.result()));
      });
      assert.deepEqual(results, customers.map(() => ({ state: 'completed', charges: 4, paidCents: 4 * 2999 })));
      assert.equal(billing.takenCents.size, 200);
    });
  });
}

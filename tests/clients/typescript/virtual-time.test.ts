/** What only a clock that skips can show: the time a subscription takes, and the time it does not. */

import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { Billing } from './billing';
import { cancel, DAY_MS, status } from './subscription';
import { EventType, lastedMs, MINUTE_MS, testIn } from './world';

/** The time passed is so many days, and a little more for the work done. */
function assertDays(passedMs: number, days: number): void {
  const lateMs = passedMs - days * DAY_MS;
  assert.ok(lateMs >= 0 && lateMs < MINUTE_MS, `${passedMs / DAY_MS} days instead of ${days}`);
}

describe('virtual time', () => {
  testIn('time-skipping', 'a year takes 360 days of virtual time', async (world, diagnostic) => {
    await world.withWorker(new Billing(), async () => {
      const wallStartMs = performance.now();
      const virtualStartMs = await world.env.currentTimeMs();
      const handle = await world.subscribe();
      const result = await handle.result();
      const virtualMs = (await world.env.currentTimeMs()) - virtualStartMs;
      const wallMs = Math.round(performance.now() - wallStartMs);
      diagnostic(`a year of subscription: ${virtualMs / DAY_MS} days of virtual time in ${wallMs} ms`);
      assert.equal(result.charges, 13);
      assertDays(await lastedMs(handle), 360);
      assertDays(virtualMs, 360);
    });
  });

  testIn('time-skipping', 'the clock stays at the end of finished workflows', async (world) => {
    await world.withWorker(new Billing(), async () => {
      for (let run = 0; run < 5; run++) {
        const handle = await world.subscribe({ renewals: 1 });
        await handle.result();
        const { closeTime } = await handle.describe();
        assertDays((await world.env.currentTimeMs()) - Number(closeTime), 0);
      }
    });
  });

  testIn('time-skipping', 'time stands while nobody awaits', async (world) => {
    await world.withWorker(new Billing(), async () => {
      const handle = await world.subscribe();
      const { startTime } = await handle.describe();
      await world.event(handle, EventType.EVENT_TYPE_TIMER_STARTED);
      assert.deepEqual(await handle.query(status), { state: 'active', charges: 1, paidCents: 2999 });
      assertDays((await world.env.currentTimeMs()) - startTime.getTime(), 0);
    });
  });

  testIn('time-skipping', 'sleep moves time by what it was told', async (world) => {
    for (const days of [1, 7, 30]) {
      const beforeMs = await world.env.currentTimeMs();
      await world.env.sleep(days * DAY_MS);
      assertDays((await world.env.currentTimeMs()) - beforeMs, days);
    }
  });

  testIn('time-skipping', 'a cancel in mid-month stops the year there', async (world) => {
    const billing = new Billing();
    const handle = await world.subscribe();
    await world.withWorker(billing, async () => {
      await world.env.sleep('45 days');
      assert.deepEqual(await handle.query(status), { state: 'active', charges: 2, paidCents: 2 * 2999 });
      await handle.signal(cancel);
      assert.deepEqual(await handle.result(), { state: 'cancelled', charges: 2, paidCents: 2 * 2999 });
    });
    assertDays(await lastedMs(handle), 45);
    assert.equal(billing.takenCents.size, 2);
  });

  testIn('time-skipping', 'changed code takes over on day 100 and keeps the dates', async (world) => {
    const billing = new Billing();
    const handle = await world.subscribe();
    await world.withWorker(billing, () => world.env.sleep('100 days'), 'first-deploy');
    assert.equal(billing.takenCents.size, 4);
    const result = await world.withWorker(billing, () => handle.result());
    assert.deepEqual(result, { state: 'completed', charges: 13, paidCents: 7 * 2999 + 6 * 2499 });
    assertDays(await lastedMs(handle), 360);
  });

  testIn('time-skipping', 'a year with a flaky gateway waits for each retry', async (world) => {
    const billing = new Billing({ failures: 2 });
    const handle = await world.subscribe();
    const result = await world.withWorker(billing, () => handle.result());
    assert.equal(result.charges, 13);
    assert.deepEqual([...billing.attempts.values()], Array(13).fill(3));
    const retriesMs = 13 * (2000 + 4000);
    assertDays((await lastedMs(handle)) - retriesMs, 360);
  });
});

/** Updates as the samples use them: validators, handlers that take turns, waiting for handlers, lazy initialisation. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe } from 'node:test';
import { WithStartWorkflowOperation, type WorkflowHandle, WorkflowUpdateFailedError, WorkflowUpdateStage } from '@temporalio/client';
import { Billing } from './billing';
import { add, cart, checkOut } from './cart';
import { HOUR_MS, MODES, type Mode, TASK_QUEUE, testIn, type World } from './world';

/** How long a reservation takes: an hour where time skips. */
const reserveMs = (mode: Mode): number => (mode === 'time-skipping' ? HOUR_MS : 50);

/** Runs the body with a worker and an open cart. */
async function withCart(world: World, mode: Mode, body: (open: WorkflowHandle<typeof cart>) => Promise<void>): Promise<void> {
  await world.withWorker(
    new Billing(),
    async () => {
      const start = { workflowId: `cart-${randomUUID()}`, taskQueue: TASK_QUEUE, args: [reserveMs(mode)] as [number] };
      await body(await world.env.client.workflow.start(cart, start));
    },
    'cart',
  );
}

for (const mode of MODES) {
  describe(`updates, ${mode}`, () => {
    testIn(mode, 'an update has a result', async (world) => {
      await withCart(world, mode, async (open) => {
        assert.equal(await open.executeUpdate(add, { args: ['apple', 2] }), 2);
        assert.equal(await open.executeUpdate(add, { args: ['pear', 1] }), 3);
        await open.signal(checkOut);
        assert.deepEqual(await open.result(), { apple: 2, pear: 1 });
      });
    });

    testIn(mode, 'an update that the validator refuses leaves no trace', async (world) => {
      await withCart(world, mode, async (open) => {
        assert.equal(await open.executeUpdate(add, { args: ['apple', 1] }), 1);
        const before = (await open.fetchHistory()).events?.length;
        await assert.rejects(open.executeUpdate(add, { args: ['apple', 0] }), (error) => {
          assert.ok(error instanceof WorkflowUpdateFailedError);
          assert.equal(error.cause?.message, '0 of apple');
          return true;
        });
        assert.equal((await open.fetchHistory()).events?.length, before);
      });
    });

    testIn(mode, 'handlers take turns', async (world) => {
      await withCart(world, mode, async (open) => {
        const adding = [1, 2, 3, 4, 5].map(() => open.executeUpdate(add, { args: ['apple', 1] }));
        assert.deepEqual((await Promise.all(adding)).sort(), [1, 2, 3, 4, 5]);
      });
    });

    testIn(mode, 'a cart ends after its handlers', async (world) => {
      await withCart(world, mode, async (open) => {
        const options = { args: ['apple', 1] as [string, number], waitForStage: WorkflowUpdateStage.ACCEPTED, updateId: 'first' };
        const adding = await open.startUpdate(add, options);
        await open.signal(checkOut);
        assert.equal(await adding.result(), 1);
        assert.deepEqual(await open.result(), { apple: 1 });
      });
    });

    testIn(mode, 'the first update opens the cart', async (world) => {
      await world.withWorker(
        new Billing(),
        async () => {
          const runs = new Set<string | undefined>();
          for (const count of [1, 2]) {
            const startWorkflowOperation = new WithStartWorkflowOperation(cart, {
              workflowId: 'cart-ada',
              taskQueue: TASK_QUEUE,
              args: [reserveMs(mode)],
              workflowIdConflictPolicy: 'USE_EXISTING',
            });
            const adding = { args: ['apple', 1] as [string, number], startWorkflowOperation };
            assert.equal(await world.env.client.workflow.executeUpdateWithStart(add, adding), count);
            runs.add((await (await startWorkflowOperation.workflowHandle()).describe()).runId);
          }
          assert.equal(runs.size, 1);
        },
        'cart',
      );
    });
  });
}

/** The server under test, started by the SDK's own test environment, and how its two modes measure a month. */

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { Billing } from './billing';
import { DAY_MS, type Plan, type subscription } from './subscription';

export const EventType = temporal.api.enums.v1.EventType;
export type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
export type Subscription = WorkflowHandle<typeof subscription>;

/** What a worker runs: a version of the subscription, as first deployed or with its patch, or the cart. */
export type Deploy = 'first-deploy' | 'subscription' | 'cart';
export type Mode = 'time-skipping' | 'local';

export const MODES: Mode[] = ['time-skipping', 'local'];
export const HOUR_MS = DAY_MS / 24;
export const MINUTE_MS = HOUR_MS / 60;

const FORETIME = process.env.FORETIME ?? resolve(__dirname, '../../../../target/debug/foretime');
const TEST_LIMIT_MS = 40_000;
export const TASK_QUEUE = 'subscriptions';
const bundles = new Map<Deploy, ReturnType<typeof bundleWorkflowCode>>();

const logger = new DefaultLogger('ERROR');
Runtime.install({ logger });

/** A fresh server, and the lengths that suit its clock. */
export class World {
  private constructor(
    readonly env: TestWorkflowEnvironment,
    readonly monthMs: number,
    readonly firstRetryMs: number,
  ) {}

  /** A server in one of the two modes: the test server's, with real months; the dev server's, with short ones. */
  static async start(mode: Mode): Promise<World> {
    if (!existsSync(FORETIME)) throw new Error(`no server at ${FORETIME}`);
    const server = { executable: { type: 'existing-path', path: FORETIME } } as const;
    return mode === 'local'
      ? new World(await TestWorkflowEnvironment.createLocal({ server }), 200, 50)
      : new World(await TestWorkflowEnvironment.createTimeSkipping({ server }), 30 * DAY_MS, 2000);
  }

  /** Runs the body with a worker that has one version of the workflow. */
  async withWorker<T>(activities: Billing, body: () => Promise<T>, deploy: Deploy = 'subscription'): Promise<T> {
    const worker = await Worker.create({
      connection: this.env.nativeConnection,
      taskQueue: TASK_QUEUE,
      workflowBundle: await bundle(deploy),
      activities: { charge: activities.charge, sendEmail: activities.sendEmail, escalate: activities.escalate },
    });
    return await worker.runUntil(body);
  }

  /** Starts a subscription. */
  async subscribe(plan: Partial<Plan> = {}): Promise<Subscription> {
    const whole = { customer: 'ada', priceCents: 2999, renewals: 12, monthMs: this.monthMs, firstRetryMs: this.firstRetryMs, ...plan };
    return await this.env.client.workflow.start<typeof subscription>('subscription', {
      workflowId: `${whole.customer}-${randomUUID()}`,
      taskQueue: TASK_QUEUE,
      args: [whole],
    });
  }

  /** Waits for the event of this type that is the `number`th in the history. */
  async event(handle: Subscription, eventType: temporal.api.enums.v1.EventType, number = 1): Promise<HistoryEvent> {
    let nextPageToken: Uint8Array | undefined;
    do {
      const page = await this.env.client.workflowService.getWorkflowExecutionHistory({
        namespace: this.env.namespace ?? 'default',
        execution: { workflowId: handle.workflowId },
        waitNewEvent: true,
        nextPageToken,
      });
      for (const event of page.history?.events ?? []) {
        if (event.eventType === eventType && --number === 0) return event;
      }
      nextPageToken = page.nextPageToken;
    } while (nextPageToken?.length);
    throw new Error(`the workflow closed without ${EventType[eventType]}`);
  }
}

/** A test with a server of its own. */
export function testIn(mode: Mode, name: string, body: (world: World, diagnostic: (message: string) => void) => Promise<void>): void {
  test(name, { timeout: TEST_LIMIT_MS }, async (t) => {
    const world = await World.start(mode);
    t.after(() => world.env.teardown());
    await body(world, (message) => t.diagnostic(message));
  });
}

/** The code of one version, bundled once. */
export function bundle(deploy: Deploy): ReturnType<typeof bundleWorkflowCode> {
  const known = bundles.get(deploy) ?? bundleWorkflowCode({ workflowsPath: require.resolve(`./${deploy}`), logger });
  bundles.set(deploy, known);
  return known;
}

/** The time between a workflow's start and its close, by the server's clock. */
export async function lastedMs(handle: Subscription): Promise<number> {
  const { startTime, closeTime } = await handle.describe();
  if (!closeTime) throw new Error(`${handle.workflowId} is open`);
  return closeTime.getTime() - startTime.getTime();
}

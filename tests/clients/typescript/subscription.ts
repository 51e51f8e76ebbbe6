/** The subscription workflow: one charge at the start, then one a month, until the year is over or the customer leaves. */

import {
  ActivityFailure,
  condition,
  defineQuery,
  defineSignal,
  patched,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Billing } from './billing';

export const DAY_MS = 24 * 60 * 60 * 1000;
const LOYALTY_DISCOUNT_CENTS = 500;

/** What the customer signed up for, and how long a month is. */
export interface Plan {
  customer: string;
  priceCents: number;
  renewals: number;
  monthMs: number;
  firstRetryMs: number;
}

/** What the query `status` answers, and what the workflow returns. */
export interface Status {
  state: 'active' | 'completed' | 'cancelled' | 'escalated';
  charges: number;
  paidCents: number;
}

/** The customer leaves. */
export const cancel = defineSignal('cancel');
/** Where the subscription stands. */
export const status = defineQuery<Status>('status');

/** The workflow as it is today. */
export async function subscription(plan: Plan): Promise<Status> {
  return await bill(plan, priceCents);
}

/** A change made while subscriptions were running: from the seventh month on, loyalty costs less. */
function priceCents(plan: Plan, month: number): number {
  return month > 6 && patched('loyalty-discount') ? plan.priceCents - LOYALTY_DISCOUNT_CENTS : plan.priceCents;
}

/** Charges now and after each month; ends `completed`, `cancelled` or `escalated`. */
export async function bill(plan: Plan, price: (plan: Plan, month: number) => number): Promise<Status> {
  const current: Status = { state: 'active', charges: 0, paidCents: 0 };
  let cancelRequested = false;
  setHandler(cancel, () => {
    cancelRequested = true;
  });
  setHandler(status, () => current);

  const { sendEmail, escalate } = proxyActivities<Billing>({ startToCloseTimeout: '1 minute' });
  const { charge } = proxyActivities<Billing>({
    startToCloseTimeout: '1 minute',
    retry: { initialInterval: plan.firstRetryMs, backoffCoefficient: 2, maximumAttempts: 5 },
  });

  for (let month = 0; month <= plan.renewals; month++) {
    if (month > 0 && (await condition(() => cancelRequested, plan.monthMs))) {
      current.state = 'cancelled';
      return current;
    }
    const amountCents = price(plan, month);
    try {
      await charge({ idempotencyKey: `${workflowInfo().workflowId}/${month}`, customer: plan.customer, amountCents });
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      await escalate({ customer: plan.customer, text: `month ${month} cannot be charged` });
      current.state = 'escalated';
      return current;
    }
    current.charges += 1;
    current.paidCents += amountCents;
    if (month === 0) await sendEmail({ customer: plan.customer, text: 'welcome' });
  }
  current.state = 'completed';
  return current;
}

/** The subscription that production runs: a charge at the start, one after each month, until the plan ends or the customer leaves. */

import {
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  executeChild,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type * as billing from './billing';

const LOYALTY_DISCOUNT_CENTS = 500;

/** What the customer signed up for. */
export interface Plan {
  customer: string;
  priceCents: number;
  renewals: number;
}

/** What the query `status` answers, and what the workflow returns. */
export interface Status {
  state: 'active' | 'completed' | 'cancelled';
  charges: number;
  paidCents: number;
}

/** The customer leaves. */
export const cancel = defineSignal('cancel');
/** Where the subscription stands. */
export const status = defineQuery<Status>('status');
/** From the next charge on, a month costs this; answers what it cost before. */
export const changePrice = defineUpdate<number, [number]>('change_price');

export const { charge, sendLetter, sendMessage } = proxyActivities<typeof billing>({ startToCloseTimeout: '1 minute' });
export const { rate, quota } = proxyLocalActivities<typeof billing>({ startToCloseTimeout: '1 minute' });

/** Writes down what was paid first. */
export async function Receipt(letter: billing.Letter): Promise<void> {
  await sendLetter(letter);
}

/** The receipt under the name that one later version gives it. */
export const Invoice = Receipt;

/** The code that the histories were recorded with. What a later version changes is a method of its own. */
export class Deployed {
  protected receiptType = 'Receipt';
  protected month = '30 days' as '30 days' | '31 days';
  protected readonly current: Status = { state: 'active', charges: 0, paidCents: 0 };
  private priceCents: number;
  private cancelRequested = false;

  constructor(protected readonly plan: Plan) {
    this.priceCents = plan.priceCents;
    setHandler(cancel, () => {
      this.cancelRequested = true;
    });
    setHandler(status, () => this.current);
    setHandler(changePrice, async (priceCents) => {
      const beforeCents = this.priceCents;
      this.priceCents = priceCents;
      await this.announcePrice(priceCents);
      return beforeCents;
    });
  }

  /** Charges now and after each month; ends `completed` or `cancelled`. */
  async run(): Promise<Status> {
    await this.begin();
    for (let month = 1; month <= this.plan.renewals; month++) {
      await this.beforeMonth(month);
      if (await condition(() => this.cancelRequested, this.month)) {
        this.current.state = 'cancelled';
        return this.current;
      }
      await this.charge(month);
    }
    this.current.state = 'completed';
    return this.current;
  }

  /** The first charge, a welcome, and the receipt. */
  protected async begin(): Promise<void> {
    await this.charge(0);
    await this.welcome();
    await this.receipt();
  }

  /** What is done before the wait of a month: nothing. */
  protected async beforeMonth(_month: number): Promise<void> {}

  /** The first letter. */
  protected async welcome(): Promise<void> {
    await this.send('welcome');
  }

  /** Tells the customer of a new price. */
  protected async announcePrice(priceCents: number): Promise<void> {
    await this.send(`the price is now ${priceCents}`);
  }

  /** A change made while subscriptions were running: from the seventh month on, loyalty costs less. */
  protected loyal(month: number): boolean {
    return month >= 7 && patched('loyalty-discount');
  }

  /** Takes the money for one month. */
  protected async charge(month: number): Promise<void> {
    await this.take(month, await this.amountCents(month));
  }

  /** What the month costs, tax included. */
  protected async amountCents(month: number): Promise<number> {
    return await rate(this.loyal(month) ? this.priceCents - LOYALTY_DISCOUNT_CENTS : this.priceCents);
  }

  /** Takes so much money for one month. */
  protected async take(month: number, amountCents: number): Promise<void> {
    await charge({ idempotencyKey: this.chargeKey(month), customer: this.plan.customer, amountCents });
    this.current.charges += 1;
    this.current.paidCents += amountCents;
  }

  /** The idempotency key of one month's charge. */
  protected chargeKey(month: number): string {
    return `${workflowInfo().workflowId}/${month}`;
  }

  /** Sends one letter. */
  protected async send(text: string): Promise<void> {
    await sendLetter({ customer: this.plan.customer, text });
  }

  /** The child workflow that writes the receipt. */
  protected async receipt(): Promise<void> {
    await executeChild(this.receiptType, {
      workflowId: `${workflowInfo().workflowId}-receipt`,
      args: [{ customer: this.plan.customer, text: `paid: ${this.current.paidCents}` }],
    });
  }
}

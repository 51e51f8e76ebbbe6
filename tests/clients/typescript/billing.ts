/** The world outside the workflow: a payment gateway that can fail, and an outbox. Both remember what happened. */

/** One payment; the gateway takes the money once for an idempotency key. */
export interface Charge {
  idempotencyKey: string;
  customer: string;
  amountCents: number;
}

/** A message to, or about, a customer. */
export interface Letter {
  customer: string;
  text: string;
}

/** How the gateway fails: the first `failures` attempts of a charge before it is taken, the next `lostReplies` after it. */
export interface Faults {
  failures?: number;
  lostReplies?: number;
}

/** The activities of the subscription. */
export class Billing {
  readonly attempts = new Map<string, number>();
  readonly takenCents = new Map<string, number>();
  readonly timesTaken = new Map<string, number>();
  readonly emails: Letter[] = [];
  readonly escalations: Letter[] = [];
  private readonly failures: number;
  private readonly lostReplies: number;

  constructor({ failures = 0, lostReplies = 0 }: Faults = {}) {
    this.failures = failures;
    this.lostReplies = lostReplies;
  }

  /** Takes the money, once for a key. */
  charge = async ({ idempotencyKey: key, amountCents }: Charge): Promise<void> => {
    const attempt = increment(this.attempts, key);
    if (attempt <= this.failures) throw new Error('the gateway is down');
    if (!this.takenCents.has(key)) {
      this.takenCents.set(key, amountCents);
      increment(this.timesTaken, key);
    }
    if (attempt <= this.failures + this.lostReplies) throw new Error('the reply was lost');
  };

  /** Writes to the customer. */
  sendEmail = async (letter: Letter): Promise<void> => {
    this.emails.push(letter);
  };

  /** Tells a human. */
  escalate = async (letter: Letter): Promise<void> => {
    this.escalations.push(letter);
  };
}

function increment(counts: Map<string, number>, key: string): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

/** What the subscription does outside of workflow code. Every activity leaves one line in the file that `EFFECTS` names. */

import { appendFileSync } from 'node:fs';

/** One payment. */
export interface Charge {
  idempotencyKey: string;
  customer: string;
  amountCents: number;
}

/** A message to a customer. */
export interface Letter {
  customer: string;
  text: string;
}

/** What a month costs with today's tax, in cents. A local activity. */
export async function rate(priceCents: number): Promise<number> {
  leaveALine(`rate ${priceCents}`);
  return priceCents + Math.floor(priceCents / 10);
}

/** How many letters a month may bring. A local activity of one later version. */
export async function quota(month: number): Promise<number> {
  leaveALine(`quota ${month}`);
  return 3;
}

/** Takes the money. */
export async function charge({ idempotencyKey, amountCents }: Charge): Promise<void> {
  leaveALine(`charge ${idempotencyKey} ${amountCents}`);
}

/** Writes to the customer. */
export async function sendLetter({ customer, text }: Letter): Promise<void> {
  leaveALine(`sendLetter ${customer} ${text}`);
}

/** Writes to the customer's phone, in one later version. */
export async function sendMessage({ customer, text }: Letter): Promise<void> {
  leaveALine(`sendMessage ${customer} ${text}`);
}

/** Appends to the file of effects, so that whoever runs the worker sees what it did. */
function leaveALine(text: string): void {
  if (process.env.EFFECTS) appendFileSync(process.env.EFFECTS, `${text}\n`);
}

/** The subscription workflow as it was first deployed, before the loyalty discount. */

import { bill, type Plan, type Status } from './subscription';

/** Today's workflow without its patch: one price for ever. */
export async function subscription(plan: Plan): Promise<Status> {
  return await bill(plan, () => plan.priceCents);
}

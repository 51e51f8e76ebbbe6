/** A local activity before each month's timer. */

import { Deployed, type Plan, type Status, quota } from '../subscription';

export { Invoice, Receipt } from '../subscription';

class Changed extends Deployed {
  protected override async beforeMonth(month: number): Promise<void> {
    await quota(month);
  }
}

export async function Subscription(plan: Plan): Promise<Status> {
  return await new Changed(plan).run();
}

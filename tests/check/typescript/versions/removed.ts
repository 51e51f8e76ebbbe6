/** The patch of the discount is gone, though histories with its marker are still replayed. */

import { Deployed, type Plan, type Status } from '../subscription';

export { Invoice, Receipt } from '../subscription';

class Changed extends Deployed {
  protected override loyal(month: number): boolean {
    return month >= 7;
  }
}

export async function Subscription(plan: Plan): Promise<Status> {
  return await new Changed(plan).run();
}

/** A month is a day longer. */

import { Deployed, type Plan, type Status } from '../subscription';

export { Invoice, Receipt } from '../subscription';

class Changed extends Deployed {
  protected override month = '31 days' as const;
}

export async function Subscription(plan: Plan): Promise<Status> {
  return await new Changed(plan).run();
}

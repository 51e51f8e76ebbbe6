/** The child workflow's type has a new name. */

import { Deployed, type Plan, type Status } from '../subscription';

export { Invoice, Receipt } from '../subscription';

class Changed extends Deployed {
  protected override receiptType = 'Invoice';
}

export async function Subscription(plan: Plan): Promise<Status> {
  return await new Changed(plan).run();
}

/** The reminder of `added`, rightly guarded by a patch: only months that begin after the deployment have it. */

import { patched } from '@temporalio/workflow';
import { Deployed, type Plan, type Status } from '../subscription';

export { Invoice, Receipt } from '../subscription';

class Changed extends Deployed {
  protected override async beforeMonth(month: number): Promise<void> {
    if (patched('reminder')) await this.send(`month ${month} begins`);
  }
}

export async function Subscription(plan: Plan): Promise<Status> {
  return await new Changed(plan).run();
}

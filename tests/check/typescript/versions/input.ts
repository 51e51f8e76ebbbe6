/** The idempotency key of a charge, which is part of an activity's input, looks different. */

import { workflowInfo } from '@temporalio/workflow';
import { Deployed, type Plan, type Status } from '../subscription';

export { Invoice, Receipt } from '../subscription';

class Changed extends Deployed {
  protected override chargeKey(month: number): string {
    return `${workflowInfo().workflowId}-${month}`;
  }
}

export async function Subscription(plan: Plan): Promise<Status> {
  return await new Changed(plan).run();
}

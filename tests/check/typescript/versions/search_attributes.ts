/** The customer can be searched for. */

import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import { Deployed, type Plan, type Status } from '../subscription';

export { Invoice, Receipt } from '../subscription';

class Changed extends Deployed {
  protected override async begin(): Promise<void> {
    upsertSearchAttributes([{ key: defineSearchAttributeKey('Customer', SearchAttributeType.KEYWORD), value: this.plan.customer }]);
    await super.begin();
  }
}

export async function Subscription(plan: Plan): Promise<Status> {
  return await new Changed(plan).run();
}

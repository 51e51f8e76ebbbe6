/** The welcome became an activity of another type, and the patch was forgotten. */

import { Deployed, type Plan, type Status, sendMessage } from '../subscription';

export { Invoice, Receipt } from '../subscription';

class Changed extends Deployed {
  protected override async welcome(): Promise<void> {
    await sendMessage({ customer: this.plan.customer, text: 'welcome' });
  }
}

export async function Subscription(plan: Plan): Promise<Status> {
  return await new Changed(plan).run();
}

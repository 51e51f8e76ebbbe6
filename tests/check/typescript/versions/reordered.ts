/** The welcome is sent before the first charge. */

import { Deployed, type Plan, type Status } from '../subscription';

export { Invoice, Receipt } from '../subscription';

class Changed extends Deployed {
  protected override async begin(): Promise<void> {
    const amountCents = await this.amountCents(0);
    await this.welcome();
    await this.take(0, amountCents);
    await this.receipt();
  }
}

export async function Subscription(plan: Plan): Promise<Status> {
  return await new Changed(plan).run();
}

/** The update sends a second letter before it answers. */

import { Deployed, type Plan, type Status } from '../subscription';

export { Invoice, Receipt } from '../subscription';

class Changed extends Deployed {
  protected override async announcePrice(priceCents: number): Promise<void> {
    await super.announcePrice(priceCents);
    await this.send('we are sorry');
  }
}

export async function Subscription(plan: Plan): Promise<Status> {
  return await new Changed(plan).run();
}

/** The code that the histories were recorded with. */

import { Deployed, type Plan, type Status } from '../subscription';

export { Invoice, Receipt } from '../subscription';

export async function Subscription(plan: Plan): Promise<Status> {
  return await new Deployed(plan).run();
}

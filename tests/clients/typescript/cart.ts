/** A shopping cart that lives on updates: validated, one at a time, begun by the first, and finished before the cart ends. */

import { allHandlersFinished, condition, defineSignal, defineUpdate, setHandler, sleep } from '@temporalio/workflow';

export const add = defineUpdate<number, [item: string, quantity: number]>('add');
export const checkOut = defineSignal('checkOut');

/** Holds items until it is checked out. A reservation takes `reserveMs`. */
export async function cart(reserveMs: number): Promise<Record<string, number>> {
  const items: Record<string, number> = {};
  let checkedOut = false;
  let turn: Promise<unknown> = Promise.resolve();

  const reserve = async (item: string, quantity: number): Promise<number> => {
    const inCart = Object.values(items).reduce((sum, count) => sum + count, 0);
    await sleep(reserveMs);
    items[item] = (items[item] ?? 0) + quantity;
    return inCart + quantity;
  };
  const inTurn = (item: string, quantity: number): Promise<number> => {
    const reserved = turn.then(() => reserve(item, quantity));
    turn = reserved;
    return reserved;
  };
  const validator = (item: string, quantity: number): void => {
    if (quantity < 1) throw new Error(`${quantity} of ${item}`);
  };
  setHandler(add, inTurn, { validator });
  setHandler(checkOut, () => {
    checkedOut = true;
  });
  await condition(() => checkedOut && allHandlersFinished());
  return items;
}

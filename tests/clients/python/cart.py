"""A shopping cart that lives on updates: validated, one at a time, begun by the first, and finished before the cart ends."""

import asyncio
from datetime import timedelta

from temporalio import workflow


@workflow.defn
class Cart:
    """Holds items until it is checked out."""

    @workflow.init
    def __init__(self, reserve_ms: int) -> None:
        self._reserve = timedelta(milliseconds=reserve_ms)
        self._items: dict[str, int] = {}
        self._turn = asyncio.Lock()
        self._checked_out = False

    @workflow.run
    async def run(self, reserve_ms: int) -> dict[str, int]:
        """Ends once the customer has checked out and no item is being reserved."""
        await workflow.wait_condition(lambda: self._checked_out and workflow.all_handlers_finished())
        return self._items

    @workflow.update
    async def add(self, item: str, quantity: int) -> int:
        """Reserves so many of an item, which takes a while. Returns how many things are in the cart."""
        async with self._turn:
            in_cart = sum(self._items.values())
            await asyncio.sleep(self._reserve.total_seconds())
            self._items[item] = self._items.get(item, 0) + quantity
            return in_cart + quantity

    @add.validator
    def check_add(self, item: str, quantity: int) -> None:
        """Nobody buys less than one."""
        if quantity < 1:
            raise ValueError(f"{quantity} of {item}")

    @workflow.signal
    def check_out(self) -> None:
        """The customer is done."""
        self._checked_out = True

"""The subscription that production runs: a charge at the start, one after each month, until the plan ends or the customer leaves."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from billing import Charge, Letter, charge, rate, send_letter

LOYALTY_DISCOUNT_CENTS = 500
ONE_MINUTE = timedelta(minutes=1)


@dataclass
class Plan:
    """What the customer signed up for."""

    customer: str
    price_cents: int = 2999
    renewals: int = 12


@dataclass
class Status:
    """What the query `status` answers, and what the workflow returns."""

    state: str = "active"
    charges: int = 0
    paid_cents: int = 0


@workflow.defn
class Receipt:
    """Writes down what was paid first."""

    @workflow.run
    async def run(self, letter: Letter) -> None:
        """Ends once the letter is sent."""
        await workflow.execute_activity(send_letter, letter, start_to_close_timeout=ONE_MINUTE)


@workflow.defn(name="Invoice")
class Invoice(Receipt):
    """The receipt under the name that one later version gives it."""

    @workflow.run
    async def run(self, letter: Letter) -> None:
        """As the receipt's."""
        await super().run(letter)


@workflow.defn
class Subscription:
    """The workflow that the histories were recorded with. What a later version changes is a method of its own."""

    receipt_type = "Receipt"
    month = timedelta(days=30)

    def __init__(self) -> None:
        self._status = Status()
        self._cancel_requested = False
        self._price_cents = 0

    @workflow.run
    async def run(self, plan: Plan) -> Status:
        """Charges now and after each month; ends `completed` or `cancelled`."""
        self._price_cents = plan.price_cents
        await self.begin(plan)
        for month in range(1, plan.renewals + 1):
            await self.before_month(plan, month)
            if await self._cancelled_within_a_month():
                self._status.state = "cancelled"
                return self._status
            await self.charge(plan, month)
        self._status.state = "completed"
        return self._status

    @workflow.signal
    def cancel(self) -> None:
        """The customer leaves."""
        self._cancel_requested = True

    @workflow.query
    def status(self) -> Status:
        """Where the subscription stands."""
        return self._status

    @workflow.update
    async def change_price(self, price_cents: int) -> int:
        """From the next charge on, a month costs this; answers what it cost before."""
        before_cents, self._price_cents = self._price_cents, price_cents
        await self.announce_price(price_cents)
        return before_cents

    async def begin(self, plan: Plan) -> None:
        """The first charge, a welcome, and the receipt."""
        await self.charge(plan, 0)
        await self.welcome(plan)
        await self.receipt(plan)

    async def before_month(self, plan: Plan, month: int) -> None:
        """What is done before the wait of a month: nothing."""

    async def welcome(self, plan: Plan) -> None:
        """The first letter."""
        await self.send(plan.customer, "welcome")

    async def announce_price(self, price_cents: int) -> None:
        """Tells the customer of a new price."""
        await self.send(workflow.info().workflow_id, f"the price is now {price_cents}")

    def loyal(self, month: int) -> bool:
        """A change made while subscriptions were running: from the seventh month on, loyalty costs less."""
        return month >= 7 and workflow.patched("loyalty-discount")

    async def charge(self, plan: Plan, month: int) -> None:
        """Takes the money for one month."""
        await self.take(plan, month, await self.amount_cents(month))

    async def amount_cents(self, month: int) -> int:
        """What the month costs, tax included."""
        price_cents = self._price_cents - LOYALTY_DISCOUNT_CENTS if self.loyal(month) else self._price_cents
        return await workflow.execute_local_activity(rate, price_cents, start_to_close_timeout=ONE_MINUTE)

    async def take(self, plan: Plan, month: int, amount_cents: int) -> None:
        """Takes so much money for one month."""
        payment = Charge(self.charge_key(month), plan.customer, amount_cents)
        await workflow.execute_activity(charge, payment, start_to_close_timeout=ONE_MINUTE)
        self._status.charges += 1
        self._status.paid_cents += amount_cents

    def charge_key(self, month: int) -> str:
        """The idempotency key of one month's charge."""
        return f"{workflow.info().workflow_id}/{month}"

    async def send(self, customer: str, text: str) -> None:
        """Sends one letter."""
        await workflow.execute_activity(send_letter, Letter(customer, text), start_to_close_timeout=ONE_MINUTE)

    async def receipt(self, plan: Plan) -> None:
        """The child workflow that writes the receipt."""
        await workflow.execute_child_workflow(
            self.receipt_type,
            Letter(plan.customer, f"paid: {self._status.paid_cents}"),
            id=f"{workflow.info().workflow_id}-receipt",
        )

    async def _cancelled_within_a_month(self) -> bool:
        try:
            await workflow.wait_condition(lambda: self._cancel_requested, timeout=self.month)
        except asyncio.TimeoutError:
            return False
        return True

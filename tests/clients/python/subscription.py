"""The subscription workflow: one charge at the start, then one a month, until the year is over or the customer leaves."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from billing import Billing, Charge, Letter

DAY_MS = 24 * 60 * 60 * 1000
LOYALTY_DISCOUNT_CENTS = 500


@dataclass
class Plan:
    """What the customer signed up for, and how long a month is."""

    customer: str
    price_cents: int = 2999
    renewals: int = 12
    month_ms: int = 30 * DAY_MS
    first_retry_ms: int = 2000


@dataclass
class Status:
    """What the query `status` answers, and what the workflow returns."""

    state: str = "active"
    charges: int = 0
    paid_cents: int = 0


@workflow.defn(name="Subscription")
class Subscription:
    """The workflow as it is today."""

    def __init__(self) -> None:
        self._status = Status()
        self._cancel_requested = False

    @workflow.run
    async def run(self, plan: Plan) -> Status:
        """Charges now and after each month; ends `completed`, `cancelled` or `escalated`."""
        for month in range(plan.renewals + 1):
            if month > 0 and await self._cancelled_within_a_month(plan):
                self._status.state = "cancelled"
                return self._status
            try:
                await self._charge(plan, month)
            except ActivityError:
                await self._send(Billing.escalate, plan, f"month {month} cannot be charged")
                self._status.state = "escalated"
                return self._status
            if month == 0:
                await self._send(Billing.send_email, plan, "welcome")
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

    def price_cents(self, plan: Plan, month: int) -> int:
        """A change made while subscriptions were running: from the seventh month on, loyalty costs less."""
        if month > 6 and workflow.patched("loyalty-discount"):
            return plan.price_cents - LOYALTY_DISCOUNT_CENTS
        return plan.price_cents

    async def _cancelled_within_a_month(self, plan: Plan) -> bool:
        try:
            await workflow.wait_condition(lambda: self._cancel_requested, timeout=timedelta(milliseconds=plan.month_ms))
        except asyncio.TimeoutError:
            return False
        return True

    async def _charge(self, plan: Plan, month: int) -> None:
        amount_cents = self.price_cents(plan, month)
        await workflow.execute_activity_method(
            Billing.charge,
            Charge(f"{workflow.info().workflow_id}/{month}", plan.customer, amount_cents),
            start_to_close_timeout=timedelta(minutes=1),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(milliseconds=plan.first_retry_ms), backoff_coefficient=2.0, maximum_attempts=5
            ),
        )
        self._status.charges += 1
        self._status.paid_cents += amount_cents

    async def _send(self, activity, plan: Plan, text: str) -> None:
        await workflow.execute_activity_method(
            activity, Letter(plan.customer, text), start_to_close_timeout=timedelta(minutes=1)
        )

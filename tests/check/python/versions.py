"""The twelve versions of the subscription's code, each one change away from what the histories were recorded with."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey

with workflow.unsafe.imports_passed_through():
    from billing import Letter, quota, send_message
    from subscription import ONE_MINUTE, Plan, Status, Subscription


@workflow.defn(name="Subscription")
class Reordered(Subscription):
    """The welcome is sent before the first charge."""

    @workflow.run
    async def run(self, plan: Plan) -> Status:
        """As before."""
        return await super().run(plan)

    async def begin(self, plan: Plan) -> None:
        """The welcome first."""
        amount_cents = await self.amount_cents(0)
        await self.welcome(plan)
        await self.take(plan, 0, amount_cents)
        await self.receipt(plan)


@workflow.defn(name="Subscription")
class Added(Subscription):
    """A reminder before each month's timer."""

    @workflow.run
    async def run(self, plan: Plan) -> Status:
        """As before."""
        return await super().run(plan)

    async def before_month(self, plan: Plan, month: int) -> None:
        """The reminder."""
        await self.send(plan.customer, f"month {month} begins")


@workflow.defn(name="Subscription")
class Timer(Subscription):
    """A month is a day longer."""

    month = timedelta(days=31)

    @workflow.run
    async def run(self, plan: Plan) -> Status:
        """As before."""
        return await super().run(plan)


@workflow.defn(name="Subscription")
class Input(Subscription):
    """The idempotency key of a charge, which is part of an activity's input, looks different."""

    @workflow.run
    async def run(self, plan: Plan) -> Status:
        """As before."""
        return await super().run(plan)

    def charge_key(self, month: int) -> str:
        """A dash instead of a slash."""
        return f"{workflow.info().workflow_id}-{month}"


@workflow.defn(name="Subscription")
class Patched(Added):
    """The reminder of `Added`, rightly guarded by a patch."""

    @workflow.run
    async def run(self, plan: Plan) -> Status:
        """As before."""
        return await super().run(plan)

    async def before_month(self, plan: Plan, month: int) -> None:
        """The reminder, for months that begin after the deployment."""
        if workflow.patched("reminder"):
            await super().before_month(plan, month)


@workflow.defn(name="Subscription")
class Forgotten(Subscription):
    """The welcome became an activity of another type, and the patch was forgotten."""

    @workflow.run
    async def run(self, plan: Plan) -> Status:
        """As before."""
        return await super().run(plan)

    async def welcome(self, plan: Plan) -> None:
        """A message instead of a letter."""
        await workflow.execute_activity(send_message, Letter(plan.customer, "welcome"), start_to_close_timeout=ONE_MINUTE)


@workflow.defn(name="Subscription")
class Removed(Subscription):
    """The patch of the discount is gone, though histories with its marker are still replayed."""

    @workflow.run
    async def run(self, plan: Plan) -> Status:
        """As before."""
        return await super().run(plan)

    def loyal(self, month: int) -> bool:
        """Without asking for the patch."""
        return month >= 7


@workflow.defn(name="Subscription")
class LocalActivity(Subscription):
    """A local activity before each month's timer."""

    @workflow.run
    async def run(self, plan: Plan) -> Status:
        """As before."""
        return await super().run(plan)

    async def before_month(self, plan: Plan, month: int) -> None:
        """Asks how many letters the month may bring."""
        await workflow.execute_local_activity(quota, month, start_to_close_timeout=ONE_MINUTE)


@workflow.defn(name="Subscription")
class Child(Subscription):
    """The child workflow's type has a new name."""

    receipt_type = "Invoice"

    @workflow.run
    async def run(self, plan: Plan) -> Status:
        """As before."""
        return await super().run(plan)


@workflow.defn(name="Subscription")
class Update(Subscription):
    """The update sends a second letter before it answers."""

    @workflow.run
    async def run(self, plan: Plan) -> Status:
        """As before."""
        return await super().run(plan)

    async def announce_price(self, price_cents: int) -> None:
        """The letter, and an apology."""
        await super().announce_price(price_cents)
        await self.send(workflow.info().workflow_id, "we are sorry")


@workflow.defn(name="Subscription")
class SearchAttributes(Subscription):
    """The customer can be searched for."""

    @workflow.run
    async def run(self, plan: Plan) -> Status:
        """As before."""
        return await super().run(plan)

    async def begin(self, plan: Plan) -> None:
        """The upsert, then as before."""
        workflow.upsert_search_attributes([SearchAttributeKey.for_keyword("Customer").value_set(plan.customer)])
        await super().begin(plan)


VERSIONS: dict[str, type[Subscription]] = {
    "same": Subscription,
    "reordered": Reordered,
    "added": Added,
    "timer": Timer,
    "input": Input,
    "patched": Patched,
    "forgotten": Forgotten,
    "removed": Removed,
    "local_activity": LocalActivity,
    "child": Child,
    "update": Update,
    "search_attributes": SearchAttributes,
}

"""The subscription workflow as it was first deployed, before the loyalty discount."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from subscription import Plan, Status, Subscription


@workflow.defn(name="Subscription")
class FirstSubscription(Subscription):
    """Today's workflow without its patch."""

    @workflow.run
    async def run(self, plan: Plan) -> Status:
        """As today's."""
        return await super().run(plan)

    def price_cents(self, plan: Plan, month: int) -> int:
        """One price for ever."""
        return plan.price_cents

"""The workflows and activities that the scenes start: small, deterministic, one for each thing that a command can show."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

SOON = timedelta(seconds=60)
# So long that an attempt in backoff is pending for all of a scene.
LONG_BACKOFF = RetryPolicy(initial_interval=timedelta(hours=1))


@activity.defn
async def double(number: int) -> int:
    return number * 2


@activity.defn
async def flaky(failures: int) -> str:
    """Fails as often as it is told to."""
    attempt = activity.info().attempt
    if attempt <= failures:
        raise ApplicationError(f"attempt {attempt} fails", {"attempt": attempt}, type="Flaky")
    return f"attempt {attempt} succeeds"


@activity.defn
async def by_hand() -> str:
    """Ends when somebody completes or fails it by its id."""
    activity.heartbeat("waiting for a hand")
    activity.raise_complete_async()


@workflow.defn
class Answers:
    """Ends at once."""

    @workflow.run
    async def run(self, number: int = 21) -> int:
        return await workflow.execute_activity(double, number, activity_id="double", start_to_close_timeout=SOON, summary="twice")


@workflow.defn
class Waits:
    """Waits until it is told to finish; has a query, an update with a validator, and words about itself."""

    def __init__(self) -> None:
        self.total = 0
        self.answer: str | None = None

    @workflow.run
    async def run(self, total: int = 0) -> str:
        self.total += total
        workflow.set_current_details("waiting for **finish**")
        await workflow.wait_condition(lambda: self.answer is not None)
        return f"{self.answer} with {self.total}"

    @workflow.signal(description="The workflow ends with this answer.")
    def finish(self, answer: str = "told") -> None:
        self.answer = answer

    @workflow.signal
    def note(self, number: int) -> None:
        self.total += number

    @workflow.query(description="The total so far.")
    def sum(self) -> int:
        return self.total

    @workflow.query
    def broken(self) -> int:
        raise ApplicationError("this query always fails")

    @workflow.update(description="Adds to the total.")
    async def add(self, number: int) -> int:
        self.total += number
        return self.total

    @add.validator
    def check(self, number: int) -> None:
        if number < 0:
            raise ApplicationError("only up", type="Negative")

    @workflow.update
    async def fail(self, why: str) -> None:
        raise ApplicationError(why, type="Why")

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def after_finish(self) -> int:
        await workflow.wait_condition(lambda: self.answer is not None)
        return self.total


@workflow.defn
class Retries:
    @workflow.run
    async def run(self, failures: int = 1) -> str:
        policy = RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_attempts=3)
        return await workflow.execute_activity(flaky, failures, activity_id="flaky", start_to_close_timeout=SOON, retry_policy=policy)


@workflow.defn
class Stuck:
    """Its activity fails, and is to be tried again in an hour."""

    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_activity(
            flaky, 1, activity_id="flaky", start_to_close_timeout=SOON, heartbeat_timeout=timedelta(seconds=30), retry_policy=LONG_BACKOFF
        )


@workflow.defn
class ByHand:
    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_activity(by_hand, activity_id="by-hand", start_to_close_timeout=timedelta(hours=1))


@workflow.defn
class Parent:
    @workflow.run
    async def run(self, child_waits: bool = False) -> str:
        name = workflow.info().workflow_id
        if child_waits:
            return await workflow.execute_child_workflow(Waits.run, id=f"{name}-child")
        return await workflow.execute_child_workflow(Answers.run, 4, id=f"{name}-child")


@workflow.defn
class Continues:
    @workflow.run
    async def run(self, more: int = 1) -> str:
        if more > 0:
            # The real server holds back runs that follow each other within a second.
            workflow.continue_as_new(more - 1)
        return "the last"


@workflow.defn
class Fails:
    @workflow.run
    async def run(self) -> None:
        raise ApplicationError("it was not to be", {"because": [1, 2]}, type="NotToBe", non_retryable=True)


@workflow.defn
class Sleeps:
    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(timedelta(hours=1))


@workflow.defn
class Cleans:
    """Does one thing more when it is cancelled."""

    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.sleep(timedelta(hours=1))
        except asyncio.CancelledError:
            await workflow.execute_activity(double, 1, activity_id="clean", start_to_close_timeout=SOON)
            raise
        return "not cancelled"


WORKFLOWS = [Answers, Waits, Retries, Stuck, ByHand, Parent, Continues, Fails, Sleeps, Cleans]
ACTIVITIES = [double, flaky, by_hand]

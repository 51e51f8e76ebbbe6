"""The server under test, started by the SDK's own test environment, and how its two modes measure a month."""

import asyncio
import functools
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from billing import Billing
from subscription import DAY_MS, Plan, Status, Subscription

FORETIME = os.environ.get("FORETIME", str(Path(__file__).parents[3] / "target/debug/foretime"))
TEST_LIMIT_SECONDS = 40.0
TASK_QUEUE = "subscriptions"


@dataclass
class World:
    """A fresh server, and the lengths that suit its clock."""

    env: WorkflowEnvironment
    month_ms: int
    first_retry_ms: int

    def worker(self, billing: Billing, workflow: type = Subscription) -> Worker:
        """A worker on the subscriptions' queue, with one of the two versions of the workflow."""
        return Worker(self.env.client, task_queue=TASK_QUEUE, workflows=[workflow], activities=billing.activities)

    async def subscribe(self, customer: str = "ada", **plan) -> WorkflowHandle[Subscription, Status]:
        """Starts a subscription."""
        lengths = {"month_ms": self.month_ms, "first_retry_ms": self.first_retry_ms}
        return await self.env.client.start_workflow(
            Subscription.run, Plan(customer, **(lengths | plan)), id=f"{customer}-{uuid.uuid4()}", task_queue=TASK_QUEUE
        )


async def time_skipping() -> World:
    """The test server's personality: months are months."""
    env = await WorkflowEnvironment.start_time_skipping(test_server_existing_path=FORETIME)
    return World(env, month_ms=30 * DAY_MS, first_retry_ms=2000)


async def local() -> World:
    """The dev server's personality: no time is skipped, so months are short."""
    env = await WorkflowEnvironment.start_local(dev_server_existing_path=FORETIME)
    return World(env, month_ms=200, first_retry_ms=50)


@pytest_asyncio.fixture
async def skipping() -> AsyncIterator[World]:
    """A world whose time skips."""
    world = await time_skipping()
    async with world.env:
        yield world


@pytest_asyncio.fixture(params=[time_skipping, local], ids=["time-skipping", "local"])
async def world(request) -> AsyncIterator[World]:
    """A world of each mode in turn."""
    world = await request.param()
    async with world.env:
        yield world


async def event(handle: WorkflowHandle, event_type: EventType.ValueType, number: int = 1) -> HistoryEvent:
    """Waits for the event of this type that is the `number`th in the history."""
    async for event in handle.fetch_history_events(wait_new_event=True):
        number -= event.event_type == event_type
        if number == 0:
            return event
    raise AssertionError(f"the workflow closed without {EventType.Name(event_type)}")


async def lasted(handle: WorkflowHandle) -> timedelta:
    """The time between a workflow's start and its close, by the server's clock."""
    description = await handle.describe()
    return description.close_time - description.start_time


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """A test whose server never answers is cancelled, so that its worker and its server still stop in order."""
    for item in items:
        item.obj = cancelled_after(TEST_LIMIT_SECONDS, item.obj)


def cancelled_after(seconds: float, test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """The test with a limit on its wall time."""

    @functools.wraps(test)
    async def limited(*args, **kwargs) -> None:
        await asyncio.wait_for(test(*args, **kwargs), seconds)

    return limited


def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends the run with the plain line that CI reads."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    passed, failed, errors = (len(reporter.stats.get(kind, [])) for kind in ("passed", "failed", "error"))
    reporter.write_line(f"python: {passed} passed, {failed + errors} failed")

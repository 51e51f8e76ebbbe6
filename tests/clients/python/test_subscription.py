"""The subscription on both of the server's modes. The gateway, the outbox and the human are the test's own."""

import asyncio
from datetime import timedelta

from temporalio.api.enums.v1 import EventType, RetryState
from temporalio.worker import Replayer

from billing import Billing
from conftest import event, lasted
from first_deploy import FirstSubscription
from subscription import Status, Subscription

HOUR_MS = 60 * 60 * 1000


async def test_a_year_is_thirteen_charges_and_one_welcome(world):
    billing = Billing()
    async with world.worker(billing):
        handle = await world.subscribe()
        status = await handle.result()
    assert status == Status("completed", charges=13, paid_cents=7 * 2999 + 6 * 2499)
    assert list(billing.taken_cents) == [f"{handle.id}/{month}" for month in range(13)]
    assert [letter.text for letter in billing.emails] == ["welcome"]
    assert billing.escalations == []


async def test_a_flaky_gateway_is_tried_until_it_answers(world):
    billing = Billing(failures=2)
    async with world.worker(billing):
        handle = await world.subscribe(renewals=0)
        status = await handle.result()
        started = await event(handle, EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED)
        duration = await lasted(handle)
    assert status == Status("completed", charges=1, paid_cents=2999)
    assert billing.attempts == {f"{handle.id}/0": 3}
    assert started.activity_task_started_event_attributes.attempt == 3
    assert started.activity_task_started_event_attributes.last_failure.message == "the gateway is down"
    assert_backoff(duration, world, intervals=1 + 2)


async def test_a_dead_gateway_is_escalated_after_five_attempts(world):
    billing = Billing(failures=5)
    async with world.worker(billing):
        handle = await world.subscribe()
        status = await handle.result()
        failed = await event(handle, EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED)
        duration = await lasted(handle)
    assert status == Status("escalated", charges=0, paid_cents=0)
    assert billing.attempts == {f"{handle.id}/0": 5}
    assert failed.activity_task_failed_event_attributes.retry_state == RetryState.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED
    assert [letter.text for letter in billing.escalations] == ["month 0 cannot be charged"]
    assert billing.emails == []
    assert_backoff(duration, world, intervals=1 + 2 + 4 + 8)


def assert_backoff(duration, world, intervals):
    """The retries waited for so many first intervals, and not for another one twice as long."""
    waited = timedelta(milliseconds=world.first_retry_ms * intervals)
    assert waited <= duration < 2 * waited + timedelta(seconds=5)


async def test_a_lost_reply_does_not_charge_twice(world):
    billing = Billing(lost_replies=1)
    async with world.worker(billing):
        handle = await world.subscribe(renewals=2)
        status = await handle.result()
    assert status.charges == 3
    assert set(billing.attempts.values()) == {2}
    assert set(billing.times_taken.values()) == {1}


async def test_a_cancel_in_the_first_month_ends_the_subscription(world):
    billing = Billing()
    async with world.worker(billing):
        handle = await world.subscribe(month_ms=HOUR_MS)
        await event(handle, EventType.EVENT_TYPE_TIMER_STARTED)
        await handle.signal(Subscription.cancel)
        assert await handle.result() == Status("cancelled", charges=1, paid_cents=2999)
        await event(handle, EventType.EVENT_TYPE_TIMER_CANCELED)
        assert await lasted(handle) < timedelta(minutes=1)
    assert len(billing.taken_cents) == 1


async def test_a_query_answers_before_and_after_the_end(world):
    async with world.worker(Billing()):
        handle = await world.subscribe(month_ms=HOUR_MS)
        await event(handle, EventType.EVENT_TYPE_TIMER_STARTED)
        assert await handle.query(Subscription.status) == Status("active", charges=1, paid_cents=2999)
        await handle.signal(Subscription.cancel)
        await handle.result()
        assert await handle.query(Subscription.status) == Status("cancelled", charges=1, paid_cents=2999)


async def test_a_new_worker_answers_queries_of_a_stopped_one(world):
    async with world.worker(Billing()):
        handle = await world.subscribe(month_ms=HOUR_MS)
        await event(handle, EventType.EVENT_TYPE_TIMER_STARTED)
    async with world.worker(Billing()):
        assert await handle.query(Subscription.status) == Status("active", charges=1, paid_cents=2999)


async def test_changed_code_takes_over_a_running_subscription(world):
    billing = Billing()
    async with world.worker(billing, FirstSubscription):
        handle = await world.subscribe(month_ms=world.month_ms * 2)
        await event(handle, EventType.EVENT_TYPE_TIMER_STARTED)
    async with world.worker(billing, Subscription):
        status = await handle.result()
        history = await handle.fetch_history()
    assert status == Status("completed", charges=13, paid_cents=7 * 2999 + 6 * 2499)
    assert [e.event_type for e in history.events].count(EventType.EVENT_TYPE_MARKER_RECORDED) == 1


async def test_a_finished_history_replays_on_changed_code(world):
    async with world.worker(Billing(), FirstSubscription):
        handle = await world.subscribe()
        status = await handle.result()
    history = await handle.fetch_history()
    assert status.paid_cents == 13 * 2999
    assert history.events[-1].event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED
    await Replayer(workflows=[Subscription]).replay_workflow(history)


async def test_fifty_clients_awaiting_at_once_all_get_their_results(world):
    billing = Billing()
    async with world.worker(billing):
        handles = await asyncio.gather(*(world.subscribe(f"customer-{n}", renewals=3) for n in range(50)))
        statuses = await asyncio.gather(*(handle.result() for handle in handles))
    assert statuses == [Status("completed", charges=4, paid_cents=4 * 2999)] * 50
    assert len(billing.taken_cents) == 200

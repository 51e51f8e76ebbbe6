"""What only a clock that skips can show: the time a subscription takes, and the time it does not."""

import time
from datetime import timedelta

from temporalio.api.enums.v1 import EventType

from billing import Billing
from conftest import event, lasted
from first_deploy import FirstSubscription
from subscription import Status, Subscription

MINUTE = timedelta(minutes=1)


def days(number: int) -> timedelta:
    return timedelta(days=number)


async def test_a_year_takes_360_days_of_virtual_time(skipping, capsys):
    async with skipping.worker(Billing()):
        began = time.monotonic()
        virtual_start = await skipping.env.get_current_time()
        handle = await skipping.subscribe()
        status = await handle.result()
        virtual_time = await skipping.env.get_current_time() - virtual_start
        wall_seconds = time.monotonic() - began
        duration = await lasted(handle)
    with capsys.disabled():
        print(f"\na year of subscription: {virtual_time} of virtual time in {wall_seconds:.3f} s")
    assert status.charges == 13
    assert days(360) <= duration < days(360) + MINUTE
    assert days(360) <= virtual_time < days(360) + MINUTE


async def test_the_clock_stays_at_the_end_of_finished_workflows(skipping):
    async with skipping.worker(Billing()):
        for _ in range(5):
            handle = await skipping.subscribe(renewals=1)
            await handle.result()
            closed = (await handle.describe()).close_time
            assert await skipping.env.get_current_time() - closed < MINUTE


async def test_time_stands_while_nobody_awaits(skipping):
    async with skipping.worker(Billing()):
        handle = await skipping.subscribe()
        timer = await event(handle, EventType.EVENT_TYPE_TIMER_STARTED)
        due = timer.event_time.ToDatetime(tzinfo=(await handle.describe()).start_time.tzinfo) + days(30)
        assert due - await skipping.env.get_current_time() > days(29)
        assert await handle.query(Subscription.status) == Status("active", charges=1, paid_cents=2999)


async def test_sleep_moves_time_by_what_it_was_told(skipping):
    for number in (1, 7, 30):
        before = await skipping.env.get_current_time()
        await skipping.env.sleep(days(number))
        assert days(number) <= await skipping.env.get_current_time() - before < days(number) + MINUTE


async def test_a_cancel_in_mid_month_stops_the_year_there(skipping):
    billing = Billing()
    async with skipping.worker(billing):
        handle = await skipping.subscribe()
        await skipping.env.sleep(days(45))
        assert await handle.query(Subscription.status) == Status("active", charges=2, paid_cents=2 * 2999)
        await handle.signal(Subscription.cancel)
        assert await handle.result() == Status("cancelled", charges=2, paid_cents=2 * 2999)
        assert days(45) <= await lasted(handle) < days(45) + MINUTE
    assert len(billing.taken_cents) == 2


async def test_changed_code_takes_over_on_day_100_and_keeps_the_dates(skipping):
    billing = Billing()
    async with skipping.worker(billing, FirstSubscription):
        handle = await skipping.subscribe()
        await skipping.env.sleep(days(100))
        assert len(billing.taken_cents) == 4
    async with skipping.worker(billing, Subscription):
        status = await handle.result()
        duration = await lasted(handle)
    assert status == Status("completed", charges=13, paid_cents=7 * 2999 + 6 * 2499)
    assert days(360) <= duration < days(360) + MINUTE


async def test_a_year_with_a_flaky_gateway_waits_for_each_retry(skipping):
    billing = Billing(failures=2)
    async with skipping.worker(billing):
        handle = await skipping.subscribe()
        status = await handle.result()
        duration = await lasted(handle)
    assert status.charges == 13
    assert list(billing.attempts.values()) == [3] * 13
    waited = days(360) + 13 * timedelta(seconds=2 + 4)
    assert waited <= duration < waited + MINUTE

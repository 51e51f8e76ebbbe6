"""Updates as the samples use them: validators, handlers that take turns, waiting for handlers, lazy initialisation."""

import asyncio
import time
import uuid

import pytest
from temporalio.client import WithStartWorkflowOperation, WorkflowUpdateFailedError, WorkflowUpdateStage
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError

from billing import Billing
from cart import Cart
from conftest import TASK_QUEUE

HOUR_MS = 60 * 60 * 1000


def reserve_ms(world) -> int:
    """How long a reservation takes: an hour where time skips."""
    return HOUR_MS if world.env.supports_time_skipping else 50


async def open_cart(world):
    """A cart without items."""
    return await world.env.client.start_workflow(
        Cart.run, reserve_ms(world), id=f"cart-{uuid.uuid4()}", task_queue=TASK_QUEUE
    )


def cart_of(world, customer: str) -> WithStartWorkflowOperation:
    """The cart of a customer, which is opened if there is none."""
    return WithStartWorkflowOperation(
        Cart.run,
        reserve_ms(world),
        id=f"cart-{customer}",
        task_queue=TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )


async def event_names(handle) -> list[str]:
    """The types of the events so far."""
    return [event.WhichOneof("attributes") async for event in handle.fetch_history_events()]


async def test_an_update_has_a_result(world):
    async with world.worker(Billing(), Cart):
        cart = await open_cart(world)
        assert await cart.execute_update(Cart.add, args=["apple", 2]) == 2
        assert await cart.execute_update(Cart.add, args=["pear", 1]) == 3
        await cart.signal(Cart.check_out)
        assert await cart.result() == {"apple": 2, "pear": 1}


async def test_an_update_that_the_validator_refuses_leaves_no_trace(world):
    async with world.worker(Billing(), Cart):
        cart = await open_cart(world)
        assert await cart.execute_update(Cart.add, args=["apple", 1]) == 1
        before = await event_names(cart)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await cart.execute_update(Cart.add, args=["apple", 0])
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.message == "0 of apple"
        assert await event_names(cart) == before


async def test_handlers_take_turns(world):
    async with world.worker(Billing(), Cart):
        cart = await open_cart(world)
        counts = await asyncio.gather(*(cart.execute_update(Cart.add, args=["apple", 1]) for _ in range(5)))
        assert sorted(counts) == [1, 2, 3, 4, 5]


async def test_a_cart_ends_after_its_handlers(world):
    async with world.worker(Billing(), Cart):
        cart = await open_cart(world)
        adding = await cart.start_update(
            Cart.add, args=["apple", 1], wait_for_stage=WorkflowUpdateStage.ACCEPTED, id="first"
        )
        await cart.signal(Cart.check_out)
        assert await adding.result() == 1
        assert await cart.result() == {"apple": 1}
        # Who asks again with the same id hears the same, though the cart is closed.
        assert await cart.execute_update(Cart.add, args=["apple", 1], id="first") == 1


async def test_the_first_update_opens_the_cart(world):
    async with world.worker(Billing(), Cart):
        client = world.env.client
        for count in (1, 2):
            start = cart_of(world, "ada")
            assert count == await client.execute_update_with_start_workflow(
                Cart.add, args=["apple", 1], start_workflow_operation=start
            )
        cart = await start.workflow_handle()
        assert (await event_names(cart)).count("workflow_execution_started_event_attributes") == 1


async def test_an_hour_passes_at_once_while_an_update_is_awaited(skipping):
    async with skipping.worker(Billing(), Cart):
        cart = await open_cart(skipping)
        began = time.monotonic()
        before = await skipping.env.get_current_time()
        assert await cart.execute_update(Cart.add, args=["apple", 1]) == 1
        assert (await skipping.env.get_current_time() - before).total_seconds() >= HOUR_MS / 1000
        assert time.monotonic() - began < 20

"""What the Web UI is to show: workflows in every state, with a worker that goes on with them.

    python world.py ADDRESS

Prints "ready" when all is as the pages expect it, and works until its standard input ends.
"""

import asyncio
import logging
import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from temporalio.client import (  # noqa: E402
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleCalendarSpec,
    ScheduleRange,
    ScheduleSpec,
    WorkflowHandle,
)
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes  # noqa: E402
from temporalio.runtime import Runtime, TelemetryConfig  # noqa: E402
from temporalio.worker import UnsandboxedWorkflowRunner, Worker  # noqa: E402

from workflows import ACTIVITIES, WORKFLOWS, Answers, Cleans, Continues, Fails, Parent, Retries, Sleeps, Stuck, Waits  # noqa: E402

QUEUE = "cli"
COLOUR = SearchAttributeKey.for_keyword("Colour")


def colour(name: str) -> TypedSearchAttributes:
    return TypedSearchAttributes([SearchAttributePair(COLOUR, name)])


async def until(handle: WorkflowHandle, done) -> None:
    """Waits until the workflow's description is so."""
    while not done(await handle.describe()):
        await asyncio.sleep(0.05)


async def populate(client: Client) -> None:
    async def start(run, *arguments, id: str, **options) -> WorkflowHandle:
        return await client.start_workflow(run, *arguments, id=id, task_queue=QUEUE, **options)

    summary = {"static_summary": "A **waiting** workflow", "static_details": "Line one\n\nLine two", "memo": {"colour": "red"}}
    waits = await start(Waits.run, 5, id="waits", search_attributes=colour("red"), **summary)
    await waits.execute_update(Waits.add, 2)
    await waits.signal(Waits.note, 3)
    await start(Waits.run, id="asked", search_attributes=colour("blue"))
    await start(Waits.run, id="cancelled-by-page")
    await start(Waits.run, id="terminated-by-page")
    for number in range(1, 4):
        await start(Waits.run, id=f"batch-{number}", search_attributes=colour("green"))
    for number in range(1, 3):
        await start(Sleeps.run, id=f"sleeps-{number}")
    stuck = await start(Stuck.run, id="stuck")
    await start(Parent.run, True, id="family")
    ends = [
        await start(Answers.run, 21, id="answers"),
        await start(Retries.run, 1, id="retries"),
        await start(Fails.run, id="fails"),
        await start(Parent.run, id="parent"),
        await start(Continues.run, 1, id="continues"),
    ]
    cleans = await start(Cleans.run, id="cleans")
    await until(cleans, lambda description: description.history_length >= 5)
    await cleans.cancel()
    ended = await start(Sleeps.run, id="ended")
    await ended.terminate("enough of it")
    for handle in [*ends, cleans]:
        await asyncio.gather(handle.result(), return_exceptions=True)
    await until(stuck, lambda description: description.raw_description.pending_activities[0].attempt == 2)

    yearly = ScheduleCalendarSpec(month=[ScheduleRange(1)], day_of_month=[ScheduleRange(1)], hour=[ScheduleRange(12)])
    action = ScheduleActionStartWorkflow(Answers.run, 4, id="yearly-run", task_queue=QUEUE, execution_timeout=timedelta(hours=1))
    await client.create_schedule("yearly", Schedule(action=action, spec=ScheduleSpec(calendars=[yearly])), memo={"owner": "me"})


async def main(address: str) -> None:
    # Workflows and activities fail on purpose here.
    logging.disable(logging.CRITICAL)
    # Pages of workers show those that have told of themselves, which is once a minute if nothing else is said.
    runtime = Runtime(telemetry=TelemetryConfig(), worker_heartbeat_interval=timedelta(seconds=1))
    client = await Client.connect(address, identity="the worker", runtime=runtime)
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=WORKFLOWS,
        activities=ACTIVITIES,
        workflow_runner=UnsandboxedWorkflowRunner(),
        build_id="1",
        identity="the worker",
    )
    async with worker:
        await populate(client)
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main(sys.argv[1]))

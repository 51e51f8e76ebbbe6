"""Records the histories again: runs the version `same` of the workers on Foretime, and keeps what `temporal workflow show` prints.

    target/clients-venv/bin/python tests/check/record.py [python] [typescript] [rust]

`FORETIME` names the server's binary (target/debug/foretime by default), `TEMPORAL_CLI` the CLI's (`temporal` by default).
The TypeScript worker must be built: node_modules/.bin/tsc -p . in tests/check/typescript. So must the Rust worker:
cargo build -p foretime-scenarios --bin check_worker.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

CHECK = Path(__file__).resolve().parent
ROOT = CHECK.parents[1]
FORETIME = os.environ.get("FORETIME", str(ROOT / "target/debug/foretime"))
TEMPORAL_CLI = os.environ.get("TEMPORAL_CLI", "temporal")
RECORDED_AT = "2026-03-01T09:00:00Z"
TIMER_STARTED = EventType.EVENT_TYPE_TIMER_STARTED
WORKERS = {
    "python": [sys.executable, str(CHECK / "python/worker.py")],
    "typescript": ["node", str(CHECK / "typescript/lib/worker.js")],
    "rust": [str(ROOT / "target/debug/check_worker")],
}


class Recorder:
    """One server, one worker, and where their histories go."""

    def __init__(self, sdk: str, address: str, client: Client) -> None:
        self.sdk, self.address, self.client = sdk, address, client

    async def record_all(self) -> None:
        """The five histories, one after another, so that no skip of time touches an open one before it is kept."""
        await self.completed("completed", renewals=2)
        await self.completed("discounted", renewals=8)
        await self.cancelled()
        await self.waiting()
        await self.updated()

    async def completed(self, name: str, renewals: int) -> None:
        """A plan that ran to its end."""
        await (await self.subscribe(name, renewals)).result()
        self.keep(name)

    async def cancelled(self) -> None:
        """The customer leaves in the second month."""
        handle = await self.in_second_month("cancelled")
        await handle.signal("cancel")
        await handle.result()
        self.keep("cancelled")

    async def waiting(self) -> None:
        """Open, in its second timer."""
        await self.in_second_month("waiting")
        self.keep("waiting")

    async def updated(self) -> None:
        """Open, in its second timer, and its price was changed."""
        handle = await self.in_second_month("updated")
        await handle.execute_update("change_price", 3999)
        self.keep("updated")

    async def in_second_month(self, name: str) -> WorkflowHandle:
        """A subscription that waits in its second timer."""
        handle = await self.subscribe(name, renewals=12)
        await seen(handle, TIMER_STARTED, 1)
        subprocess.run([FORETIME, "time", "skip", "30d", "--address", self.address], check=True, stdout=subprocess.DEVNULL)
        await seen(handle, TIMER_STARTED, 2)
        return handle

    async def subscribe(self, name: str, renewals: int) -> WorkflowHandle:
        """Starts a subscription whose workflow id is the history's name."""
        plan = {"customer": "ada", "renewals": renewals}
        price = "priceCents" if self.sdk == "typescript" else "price_cents"
        return await self.client.start_workflow("Subscription", plan | {price: 2999}, id=name, task_queue="subscriptions")

    def keep(self, name: str) -> None:
        """Writes what the CLI shows of the workflow."""
        show = [TEMPORAL_CLI, "workflow", "show", "--workflow-id", name, "--output", "json", "--address", self.address]
        shown = subprocess.run(show, check=True, stdout=subprocess.PIPE).stdout
        (CHECK / "histories" / self.sdk / f"{name}.json").write_bytes(shown)


async def seen(handle: WorkflowHandle, event_type: EventType.ValueType, number: int) -> None:
    """Waits for the event of this type that is the `number`th in the history."""
    async for event in handle.fetch_history_events(wait_new_event=True):
        number -= event.event_type == event_type
        if number == 0:
            return


@asynccontextmanager
async def server() -> AsyncIterator[str]:
    """The address of a server whose ids come from one seed and whose time begins at one instant."""
    flags = ["--port", "0", "--time", "awaited", "--seed", "1", "--start-time", RECORDED_AT]
    process = await asyncio.create_subprocess_exec(FORETIME, "serve", *flags, stdout=subprocess.PIPE)
    try:
        first_line = (await process.stdout.readline()).decode()
        yield next(word.rstrip(".,") for word in first_line.split() if word.startswith("127.0.0.1:"))
    finally:
        process.terminate()
        await process.wait()


async def record(sdk: str, command: list[str]) -> None:
    """Records the histories of one SDK's worker."""
    async with server() as address:
        environment = os.environ | {"TEMPORAL_ADDRESS": address, "VERSION": "same"}
        worker = await asyncio.create_subprocess_exec(*command, env=environment)
        try:
            client = await Client.connect(address, identity="record")
            await Recorder(sdk, address, client).record_all()
        finally:
            worker.terminate()
            await worker.wait()


async def main() -> None:
    """Records with the workers that are named, or all, in turn."""
    for sdk in sys.argv[1:] or WORKERS:
        await record(sdk, WORKERS[sdk])


if __name__ == "__main__":
    asyncio.run(main())

"""A server for a scene: started on a free port, awaited, ended."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client


@dataclass(frozen=True)
class Kind:
    """The real server or ours: how it is called, and the program that has the subcommand `server start-dev`."""

    name: str
    program: str


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.asynccontextmanager
async def serve(kind: Kind, arguments: list[str], log: Path) -> AsyncIterator[str]:
    """The address of a running server, for as long as the caller wants it."""
    port = free_port()
    command = [kind.program, "server", "start-dev", "--headless", "--port", str(port), "--log-level", "error", *arguments]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output, env=os.environ | {"HOME": str(log.parent)})
    try:
        address = f"127.0.0.1:{port}"
        await answers(address, process, log)
        yield address
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def answers(address: str, process: asyncio.subprocess.Process, log: Path) -> None:
    """Waits until the server answers for its namespace."""
    for _ in range(200):
        if process.returncode is not None:
            raise SystemExit(f"the server has ended:\n{log.read_text()}")
        try:
            client = await Client.connect(address)
            if await client.service_client.check_health():
                return
        except RuntimeError:
            pass
        await asyncio.sleep(0.05)
    raise SystemExit(f"the server does not answer on {address}:\n{log.read_text()}")

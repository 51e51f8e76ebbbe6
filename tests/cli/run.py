"""Plays the scenes: commands of the official `temporal` against a server, whose answers must be those of the real server.

    python run.py [SCENE...]            ours against what is recorded
    python run.py --record [SCENE...]   the real server again, and its answers become the record
    python run.py --record-ours [SCENE...]  what ours answers differently on purpose: the commands with `apart`
    python run.py --both [SCENE...]     the real server and ours now, one against the other; the record is not read
    python run.py --verify [SCENE...]   the real server against the record: is it still so, and always so?

FORETIME names our binary; by default it is target/debug/foretime. The real server is that of the `temporal` which also is the client.
Exit code: 0 if all is the same, else 1.
"""

import argparse
import asyncio
import difflib
import json
import logging
import os
import re
import shlex
import sys
import time
from collections import Counter
from pathlib import Path

from temporalio.client import Client
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

import workflows
from normalise import normalise
from scenes import Run, Scene, Until, all_scenes
from servers import Kind, serve

ROOT = Path(__file__).parents[2]
WORK = ROOT / "target" / "cli"
TEMPORAL = Path(sys.executable).parent / "temporal"
OURS = Kind("ours", os.environ.get("FORETIME", str(ROOT / "target" / "debug" / "foretime")))
REAL = Kind("the real server", str(TEMPORAL))

# A command that takes longer hangs.
LIMIT_S = 30
# How long a state may take to come about.
UNTIL_S = 15


class Played:
    """What a scene was seen to do: for each of its steps what it printed, normalised."""

    def __init__(self, scene: Scene, address: str) -> None:
        self.scene = scene
        self.address = address
        self.names: dict[str, str] = {}
        self.outputs: list[tuple[Run, str]] = []
        self.late: list[str] = []

    async def play(self) -> None:
        for step in self.scene.steps:
            if isinstance(step, Until):
                await self.until(step)
            else:
                await self.run(step)

    async def temporal(self, text: str) -> tuple[str, str]:
        """The command's output as it is compared, and its plain standard output."""
        for name, value in self.names.items():
            text = text.replace(f"{{{name}}}", value)
        environment = {
            "PATH": os.environ["PATH"],
            # No configuration, no colour.
            "HOME": str(WORK),
            "TEMPORAL_ADDRESS": self.address,
            "NO_COLOR": "1",
            "TZ": "UTC",
        }
        process = await asyncio.create_subprocess_exec(
            TEMPORAL, *shlex.split(text), env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=-1, stderr=-1, cwd=WORK
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            return f"does not end within {LIMIT_S} s", ""
        said = f"exit {process.returncode}\n"
        for label, stream in (("", out), ("stderr: ", err)):
            said += "".join(f"{label}{line}\n" for line in normalise(stream.decode(), self.names).splitlines())
        return said, out.decode()

    async def run(self, step: Run) -> None:
        said, out = await self.temporal(step.text)
        if step.sorted:
            said = "".join(sorted(said.splitlines(keepends=True)))
        for name, path in step.saves:
            try:
                self.names[name] = at(json.loads(out), path)
            except (ValueError, KeyError, IndexError, TypeError):
                said += f"has no {path} to save as {name}\n"
        self.outputs.append((step, said))

    async def until(self, step: Until) -> None:
        end = time.monotonic() + UNTIL_S
        while True:
            said, out = await self.temporal(step.text)
            if step.regex.search(said) or step.regex.search(out):
                return
            # What a server does not serve does not come about.
            if time.monotonic() > end or "is not implemented by Foretime" in said:
                self.late.append(f"line {step.line}: {step.regex.pattern!r} does not come within {UNTIL_S} s of\n  temporal {step.text}\n{said}")
                return
            await asyncio.sleep(0.1)

    def transcript(self, wanted=lambda step: True) -> dict[str, str]:
        """The outputs by their commands; a command that is given again has its number."""
        entries: dict[str, str] = {}
        times = Counter()
        for step, said in self.outputs:
            times[step.text] += 1
            again = f"  # {times[step.text]}" if times[step.text] > 1 else ""
            if wanted(step):
                entries[step.text + again] = said
        return entries


def at(value, path: str):
    """The value at a path such as `.a.b[0]`."""
    for name, index in re.findall(r"\.(\w+)|\[(-?\d+)\]", path):
        value = value[name] if name else value[int(index)]
    return value


async def play(scene: Scene, kind: Kind) -> Played:
    log = WORK / f"{scene.name}-{kind.name.split()[-1]}.log"
    async with serve(kind, scene.server, log) as address:
        client = await Client.connect(address, identity="the worker")
        worker = Worker(
            client,
            task_queue="cli",
            workflows=workflows.WORKFLOWS,
            activities=workflows.ACTIVITIES,
            workflow_runner=UnsandboxedWorkflowRunner(),
            build_id="1",
            identity="the worker",
        )
        played = Played(scene, address)
        async with worker:
            await played.play()
        return played


SEPARATOR = "=" * 100


def write(path: Path, transcript: dict[str, str]) -> None:
    path.parent.mkdir(exist_ok=True)
    if not transcript:
        path.unlink(missing_ok=True)
        return
    path.write_text("".join(f"$ temporal {command}\n{said}{SEPARATOR}\n" for command, said in transcript.items()))


def recorded(path: Path) -> dict[str, str]:
    entries: dict[str, str] = {}
    if not path.exists():
        return entries
    for entry in path.read_text().split(f"{SEPARATOR}\n"):
        if entry:
            command, _, said = entry.partition("\n")
            entries[command.removeprefix("$ temporal ")] = said
    return entries


def with_ours(real: dict[str, str], ours: dict[str, str]) -> dict[str, str]:
    """What ours is to answer: as the real server does, or apart from it."""
    stale = [command for command, said in ours.items() if real.get(command) == said]
    if stale:
        raise SystemExit(f"no longer apart from the real server: {stale}")
    return real | ours


def compare(expected: dict[str, str], found: dict[str, str]) -> int:
    """Prints what differs; the number of commands that do."""
    different = 0
    for command in expected.keys() | found.keys():
        if command not in expected or command not in found:
            print(f"  only {'recorded' if command in expected else 'played'}: temporal {command}")
            different += 1
    for command, said in found.items():
        if command in expected and expected[command] != said:
            different += 1
            print(f"  differs: temporal {command}")
            lines = difflib.unified_diff(expected[command].splitlines(), said.splitlines(), "the real server", "found", lineterm="", n=2)
            print("".join(f"    {line}\n" for line in list(lines)[2:]), end="")
    return different


async def scene_differs(scene: Scene, arguments: argparse.Namespace, at_once: asyncio.Semaphore) -> int:
    async with at_once:
        began = time.monotonic()
        played = await play(scene, REAL if arguments.record or arguments.verify else OURS)
        expected = (await play(scene, REAL)).transcript() if arguments.both else None
        took_s = time.monotonic() - began
    found = played.transcript()
    if arguments.record:
        write(scene.record("recorded"), found)
    if arguments.record_ours:
        write(scene.record("ours"), played.transcript(lambda step: step.apart))
    if expected is None:
        expected = recorded(scene.record("recorded"))
        if not arguments.verify and not arguments.record:
            expected = with_ours(expected, recorded(scene.record("ours")))
    different = compare(expected, found) + len(played.late)
    for late in played.late:
        print(f"  {late}")
    same = f"{different} differ" if different else "all the same"
    print(f"{scene.name}: {len(found)} commands, {same}, {took_s:.1f} s", flush=True)
    return different


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="*", metavar="SCENE")
    mode = parser.add_mutually_exclusive_group()
    for name in ("record", "record-ours", "both", "verify"):
        mode.add_argument(f"--{name}", action="store_true")
    # Scenes mostly wait: for a client to start, for the server to have done something.
    parser.add_argument("--jobs", type=int, default=4, help="scenes that are played at once")
    arguments = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    # Workflows and activities fail on purpose here.
    logging.basicConfig(filename=WORK / "worker.log", filemode="w", level=logging.INFO)
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter="OFF"))))
    scenes = all_scenes(arguments.scenes)
    at_once = asyncio.Semaphore(arguments.jobs)
    different = sum(await asyncio.gather(*(scene_differs(scene, arguments, at_once) for scene in scenes)))
    print(f"cli: {sum(len([s for s in scene.steps if isinstance(s, Run)]) for scene in scenes)} commands, {different} differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

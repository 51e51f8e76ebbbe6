"""Checks every version of the workers against their recorded histories, and compares the verdicts with those that are expected.

    tests/check/verdicts.py [python] [typescript] [go] [java] [rust]

`FORETIME` names the binary (target/debug/foretime by default). ci/check.sh builds the workers and calls this. Nothing may be executed: the
file that the workers' activities write to must stay empty.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CHECK = Path(__file__).resolve().parent
ROOT = CHECK.parents[1]
FORETIME = os.environ.get("FORETIME", str(ROOT / "target/debug/foretime"))
WORKERS = {
    "python": [str(ROOT / "target/clients-venv/bin/python"), str(CHECK / "python/worker.py")],
    "typescript": ["node", str(CHECK / "typescript/lib/worker.js")],
    "go": [str(ROOT / "target/check-go")],
    "java": ["java", "-jar", str(CHECK / "java/target/check.jar")],
    "rust": [str(ROOT / "target/debug/check_worker")],
}


def expected(sdk: str) -> dict:
    """The verdicts by version and history."""
    of_all = {}
    for file in ("expected.json", "expected-go-java.json"):
        of_all.update(json.loads((CHECK / file).read_text()))
    return of_all[sdk]


def checked(sdk: str, version: str, effects: Path, *options: str) -> dict:
    """What the check says of each history, by its name."""
    environment = {**os.environ, "VERSION": version, "EFFECTS": str(effects)}
    command = [FORETIME, "check", str(CHECK / "histories" / sdk), "--all", "--json", *options, "--", *WORKERS[sdk]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    if not done.stdout:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return {Path(it["file"]).stem: it for it in json.loads(done.stdout)["checked"]}


def wrong(said: dict, wanted: dict, strict: bool) -> str:
    """What is wrong with a verdict; empty if nothing is."""
    verdict = "replays" if wanted["verdict"] == "differs" and not strict else wanted["verdict"]
    if said["verdict"] != verdict:
        return f"{said['verdict']}, not {verdict}: {said['why']}"
    event = wanted.get("event", (wanted.get("events") or [None])[0])
    task = wanted.get("task", (wanted.get("tasks") or [None])[0])
    if verdict != "replays" and event is not None and said["event_id"] != event:
        return f"event {said['event_id']}, not {event}: {said['why']}"
    if verdict != "replays" and task is not None and said["task"] != task:
        return f"task {said['task']}, not {task}: {said['why']}"
    return ""


def main() -> None:
    """Checks the SDKs that are named, or all."""
    passed = failed = 0
    for sdk in sys.argv[1:] or WORKERS:
        for version, histories in expected(sdk).items():
            for options in ([], ["--strict"]):
                with tempfile.TemporaryDirectory() as folder:
                    effects = Path(folder) / "effects"
                    said = checked(sdk, version, effects, *options)
                    faults = [f"{name}: {fault}" for name, wanted in histories.items() if (fault := wrong(said[name], wanted, bool(options)))]
                    if effects.exists() and effects.read_text():
                        faults.append(f"executed: {effects.read_text()!r}")
                for fault in faults:
                    print(f"{sdk} {version} {' '.join(options)} {fault}")
                failed += len(faults)
                passed += len(histories) - len(faults)
    print(f"check: {passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

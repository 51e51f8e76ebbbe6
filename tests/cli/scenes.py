"""Scenes as data: the lines of a file in `scenes/`, read into steps.

    # a remark
    server --search-attribute Colour=Keyword       the server of this scene is started with these arguments, too
    temporal workflow start --workflow-id one      a command; its exit code and its output are compared
    sorted temporal operator namespace list        the same, but the lines of its output are compared in any order
    save first .runId                              a value of the JSON that the command before has printed, for `{first}` in later ones
    apart REASON                                   ours answers the command before in its own way, on purpose: as recorded in `ours/`
    until REGEX: temporal workflow show ...        the command again and again, until its output matches; only that it does is compared

A command's words are split as a shell does it.
"""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass
class Run:
    """A command, and what to keep of its output: names with paths into its JSON."""

    line: int
    text: str
    sorted: bool = False
    apart: str | None = None
    saves: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Until:
    line: int
    regex: re.Pattern[str]
    text: str


@dataclass
class Scene:
    name: str
    server: list[str]
    steps: list[Run | Until]

    def record(self, whose: str) -> Path:
        """Where the answers are: `recorded` has those of the real server, `ours` those that differ on purpose."""
        return HERE / whose / f"{self.name}.txt"


def read(path: Path) -> Scene:
    scene = Scene(path.stem, [], [])
    for number, line in enumerate(path.read_text().splitlines(), 1):
        word, _, rest = line.partition(" ")
        match word:
            case "" | "#":
                continue
            case "server":
                scene.server += shlex.split(rest)
            case "temporal":
                scene.steps.append(Run(number, rest))
            case "sorted":
                scene.steps.append(Run(number, rest.removeprefix("temporal "), sorted=True))
            case "save" if scene.steps and isinstance(scene.steps[-1], Run):
                name, _, where = rest.partition(" ")
                scene.steps[-1].saves.append((name, where))
            case "apart" if scene.steps and isinstance(scene.steps[-1], Run):
                scene.steps[-1].apart = rest
            case "until":
                regex, _, command = rest.partition(": temporal ")
                scene.steps.append(Until(number, re.compile(regex), command))
            case _:
                raise SystemExit(f"{path}:{number}: no step begins with {word!r}")
    return scene


def all_scenes(names: list[str]) -> list[Scene]:
    """The scenes of these names, or all."""
    paths = sorted((HERE / "scenes").glob("*.txt"))
    unknown = set(names) - {path.stem for path in paths}
    if unknown:
        raise SystemExit(f"no scene {', '.join(sorted(unknown))}; there are {', '.join(path.stem for path in paths)}")
    return [read(path) for path in paths if not names or path.stem in names]

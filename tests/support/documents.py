"""Run the commands that documents print, and compare what they answer with what the documents show."""

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from support.serving import POLL_SECONDS, address_of, command

ROOT = Path(__file__).parents[2]
ADDRESS = "localhost:8080"
FLOAT32_ON_ANOTHER_PROCESSOR = 1e-5
LEARNED_ON_ANOTHER_PROCESSOR = 0.05
"""Learning adds up many roundings, which processors with other vector registers order otherwise."""
MOST_LOOKS = 600
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


class Command(NamedTuple):
    """A command of a console block.

    Attributes:
        line: The command, without the `$`.
        shown: Output that the document shows below it.
    """

    line: str
    shown: str


def blocks(text: str, language: str) -> Iterator[tuple[str, str]]:
    """Yield title and content of each fenced block of a language; the title is empty where there is none."""
    pattern = rf'^```{language}(?: title="([^"]*)")?\n(.*?)^```$'
    for block in re.finditer(pattern, text, flags=re.DOTALL | re.MULTILINE):
        yield block[1] or "", block[2]


def commands(text: str) -> list[Command]:
    """Return the commands of all console blocks, in order."""
    found = re.findall(
        r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(block for _, block in blocks(text, "console")), re.MULTILINE
    )
    return [Command(line, shown.strip()) for line, shown in found]


def run(line: str, address: str, folder: Path = ROOT) -> str:
    """Return the output of a command, with the address of a service in place of localhost:8080."""
    own = line.replace(ADDRESS, address)
    return (
        subprocess.run(["bash", "-c", own], cwd=folder, capture_output=True, text=True, check=True)
        .stdout.rstrip()
        .strip("\n")
    )


def same(found: object, shown: object, tolerance: float = FLOAT32_ON_ANOTHER_PROCESSOR) -> bool:
    """Return whether two JSON values agree; floats may differ by a tolerance."""
    if isinstance(shown, float):
        return found == pytest.approx(shown, rel=tolerance, abs=tolerance)
    if isinstance(shown, dict) and isinstance(found, dict):
        return list(found) == list(shown) and all(same(found[key], value, tolerance) for key, value in shown.items())
    if isinstance(shown, list) and isinstance(found, list):
        return len(found) == len(shown) and all(same(*pair, tolerance) for pair in zip(found, shown, strict=True))
    return found == shown


def same_output(found: str, shown: str, tolerance: float) -> bool:
    """Return whether two outputs agree, as JSON values or as text in which numbers may differ by a tolerance."""
    try:
        return same(json.loads(found), json.loads(shown), tolerance)
    except json.JSONDecodeError:
        numbers = [[float(number) for number in NUMBER.findall(text)] for text in (found, shown)]
        words = [NUMBER.sub("#", text).split() for text in (found, shown)]
        return words[0] == words[1] and same(numbers[0], numbers[1], tolerance)


@contextmanager
def walkthrough(text: str, folder: Path) -> Iterator["Walkthrough"]:
    """Save the files of a tutorial in a folder, and yield an object that runs its commands there."""
    for title, content in blocks(text, "python"):
        (folder / title).write_text(content)
    with ExitStack() as stack:
        yield Walkthrough(folder, stack)


class Walkthrough:
    """Run the commands of a tutorial in order.

    Args:
        folder: Folder to work in.
        stack: Stops the service that a command starts.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._address = ADDRESS

    def run(self, line: str) -> str:
        """Return the output of a command; `enn-serve` goes on to run on a free port, and returns nothing."""
        if not line.startswith("enn-serve"):
            return run(line, self._address, self._folder)
        (models,) = re.findall(r"^enn-serve --models (\S+)$", line)
        log = self._folder / "service.log"
        process = self._stack.enter_context(command(self._folder / models, log, workers=1))
        self._address = address_of(process, log, 1, wait_until).removeprefix("http://")
        for file in self._folder.glob("*.py"):
            file.write_text(file.read_text().replace(ADDRESS, self._address))
        return ""


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail after many looks."""
    pause = threading.Event()
    for _ in range(MOST_LOOKS):
        if holds():
            return
        pause.wait(POLL_SECONDS)
    raise AssertionError("it did not come to hold")

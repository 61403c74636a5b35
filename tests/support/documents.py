"""Run the commands of the documentation, and compare their output with the output that it shows."""

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
"""Relative and absolute tolerance of outputs of one model on different processors."""
LEARNED_ON_ANOTHER_PROCESSOR = 0.05
"""Tolerance of outputs after training: sums round differently on processors with other vector registers."""
MAX_POLLS = 600
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
    """Yield title and content of each fenced block of a language; the title is empty if the block has none."""
    pattern = rf'^```{language}(?: title="([^"]*)")?\n(.*?)^```$'
    for block in re.finditer(pattern, text, flags=re.DOTALL | re.MULTILINE):
        yield block[1] or "", block[2]


def commands(text: str) -> list[Command]:
    """Return the commands of all console blocks, in order."""
    matches = re.findall(
        r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(block for _, block in blocks(text, "console")), re.MULTILINE
    )
    return [Command(line, shown.strip()) for line, shown in matches]


def run(line: str, address: str, folder: Path = ROOT) -> str:
    """Run a command in bash and return its output.

    Args:
        line: Command; localhost:8080 in it is replaced by the address.
        address: Host and port of the running service.
        folder: Working directory.
    """
    addressed = line.replace(ADDRESS, address)
    return (
        subprocess.run(["bash", "-c", addressed], cwd=folder, capture_output=True, text=True, check=True)
        .stdout.rstrip()
        .strip("\n")
    )


def json_equal(actual: object, shown: object, tolerance: float = FLOAT32_ON_ANOTHER_PROCESSOR) -> bool:
    """Return True if two JSON values are equal; floats may differ by a tolerance."""
    if isinstance(shown, float):
        return actual == pytest.approx(shown, rel=tolerance, abs=tolerance)
    if isinstance(shown, dict) and isinstance(actual, dict):
        return list(actual) == list(shown) and all(
            json_equal(actual[key], value, tolerance) for key, value in shown.items()
        )
    if isinstance(shown, list) and isinstance(actual, list):
        return len(actual) == len(shown) and all(
            json_equal(*pair, tolerance) for pair in zip(actual, shown, strict=True)
        )
    return actual == shown


def output_equal(actual: str, shown: str, tolerance: float) -> bool:
    """Return True if two outputs are equal, as JSON or as text; numbers may differ by a tolerance."""
    try:
        return json_equal(json.loads(actual), json.loads(shown), tolerance)
    except json.JSONDecodeError:
        numbers = [[float(number) for number in NUMBER.findall(text)] for text in (actual, shown)]
        words = [NUMBER.sub("#", text).split() for text in (actual, shown)]
        return words[0] == words[1] and json_equal(numbers[0], numbers[1], tolerance)


@contextmanager
def walkthrough(text: str, folder: Path) -> Iterator["Walkthrough"]:
    """Write the Python files of a tutorial to a folder, and yield an object that runs its commands there."""
    for title, content in blocks(text, "python"):
        (folder / title).write_text(content)
    with ExitStack() as stack:
        yield Walkthrough(folder, stack)


class Walkthrough:
    """Run the commands of a tutorial in order.

    Args:
        folder: Working directory.
        stack: Exit stack that stops the service started by a command.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._address = ADDRESS

    def run(self, line: str) -> str:
        """Run a command and return its output; `enn-serve` starts in the background on a free port and returns ""."""
        if not line.startswith("enn-serve"):
            return run(line, self._address, self._folder)
        (models,) = re.findall(r"^enn-serve --models (\S+)$", line)
        log = self._folder / "service.log"
        process = self._stack.enter_context(command(self._folder / models, log, workers=1))
        self._address = address_of(process, log, 1, wait_until).removeprefix("http://")
        for file in self._folder.glob("*.py"):
            file.write_text(file.read_text().replace(ADDRESS, self._address))
        return ""


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll a condition until it is true.

    Raises:
        AssertionError: The condition is still false after MAX_POLLS polls.
    """
    pause = threading.Event()
    for _ in range(MAX_POLLS):
        if condition():
            return
        pause.wait(POLL_SECONDS)
    raise AssertionError(f"the condition is false after {MAX_POLLS} polls of {POLL_SECONDS} s")

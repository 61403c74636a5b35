"""Write the reference page of the command lines, from what the commands print with `--help`."""

import argparse
import re
from collections.abc import Iterator
from functools import partial

import typer
from typer.testing import CliRunner

from enn_service.scoring import command as scoring
from enn_training.__main__ import application

COLUMNS = "110"
HEAD = """# Command line

Use this page to look up a command and its options. `enn-train` (also `python -m enn_training`) learns and publishes
models; `enn-serve` (also `python -m enn_service`) serves them; `enn-score` (also `python -m enn_service.scoring`)
answers the rows of files. All print this with `--help`.

## enn-serve

`enn-serve` starts the service. Its options are the [settings](settings.md): `--models` is `ENN_MODELS`, and so on.
"""


def page() -> str:
    """Return the page."""
    sections = (f"\n## {name}\n\n```text\n{help_of(name)}```\n" for name in commands())
    return HEAD + "".join(sections)


def commands() -> Iterator[str]:
    """Yield the name of each command: `enn-score`, `enn-train`, `enn-train table`, ..."""
    yield "enn-score"
    yield from _walk("enn-train", typer.main.get_command(application()))


def help_of(name: str) -> str:
    """Return what a command prints with `--help`.

    Args:
        name: Name of the command, such as `enn-train table`.
    """
    program, *arguments = name.split()
    if program == "enn-score":
        made = scoring.parser()
        made.formatter_class = partial(argparse.HelpFormatter, width=int(COLUMNS))  # type: ignore[assignment]
        return made.format_help()
    environment = {"COLUMNS": COLUMNS, "TERMINAL_WIDTH": COLUMNS, "NO_COLOR": "1"}
    result = CliRunner(env=environment).invoke(application(), [*arguments, "--help"], prog_name=program)
    return result.output.strip() + "\n"


def options(name: str) -> set[str]:
    """Return the options of a command.

    Args:
        name: Name of the command, such as `enn-train table`.
    """
    return set(re.findall(r"^\s+(?:-[a-z], )?(--[a-z-]+)", help_of(name), flags=re.MULTILINE))


def _walk(name: str, command: object) -> Iterator[str]:
    yield name
    for child, each in getattr(command, "commands", {}).items():
        yield from _walk(f"{name} {child}", each)

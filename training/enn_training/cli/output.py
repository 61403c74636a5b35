"""Output of a command: lines, warnings, progress bars, and the result as JSON."""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from enn_training.errors import OptionError

STANDARD_OUTPUT = Path("-")


@dataclass(frozen=True, eq=False)
class Output:
    """Print what a command finds, and collect it for a JSON document.

    Attributes:
        quiet: True to print nothing but errors.
        json_file: File of the JSON document; "-" is standard output, which then has no lines; None for no document.
        document: Result of the command in JSON types, with the list "warnings".

    Raises:
        OptionError: The folder of the JSON document does not exist.
    """

    quiet: bool = False
    json_file: Path | None = None
    document: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        """Check the folder, so that no result is lost after long work."""
        file = self.json_file
        if file is not None and file != STANDARD_OUTPUT and (file.is_dir() or not file.parent.is_dir()):
            raise OptionError(f"--json {file}: expected a file in a folder that exists, or - for standard output")
        self.document.setdefault("warnings", [])

    @property
    def has_lines(self) -> bool:
        """True if lines are printed on standard output."""
        return not self.quiet and self.json_file != STANDARD_OUTPUT

    @property
    def bar_disabled(self) -> bool | None:
        """Argument `disable` of a progress bar of tqdm: without a terminal there is no bar either."""
        return True if self.quiet else None

    def line(self, text: str) -> None:
        """Print a line on standard output."""
        if self.has_lines:
            typer.echo(text)

    def note(self, text: str) -> None:
        """Print a line on standard error, for a command whose standard output is its result."""
        if not self.quiet:
            typer.echo(text, err=True)

    def warn(self, text: str) -> None:
        """Print a warning on standard error."""
        self.document["warnings"].append(text)
        if not self.quiet:
            typer.echo(f"warning: {text}", err=True)

    @contextmanager
    def printed_warnings(self, category: type[Warning]) -> Iterator[None]:
        """Print warnings at the end, each of a category even if it is not the first."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", category)
            yield
        for warning in caught:
            self.warn(str(warning.message))

    def write(self) -> None:
        """Write the JSON document, if one is asked for.

        Raises:
            OptionError: The file cannot be written.
        """
        text = json.dumps(self.document, ensure_ascii=False, indent=2)
        if self.json_file == STANDARD_OUTPUT:
            typer.echo(text)
        elif self.json_file is not None:
            try:
                self.json_file.write_text(text + "\n", encoding="utf-8")
            except OSError as error:
                raise OptionError(f"--json {self.json_file}: cannot be written: {error}") from None

"""What was measured: one small JSON file a table, a line for every model and fold."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from enn_training.errors import DataError, OptionError
from enn_training.experiments.tables.measures import Measured

# The modes of a run.
DEFAULT, SEARCHED = "default", "searched"


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        folds: Of the cross-validation.
        repeats: Cross-validations of the default settings, each with another seed.
        searched: Of these, how many are measured with the search too.
    """

    folds: int = 3
    repeats: int = 1
    searched: int = 1


@dataclass(frozen=True)
class Run:
    """What is measured once.

    Attributes:
        mode: DEFAULT, or SEARCHED.
        contender: Name of the kind of model.
        repeat: Number of the cross-validation, from 0; its seed.
        fold: Number of the fold, from 0.
    """

    mode: str
    contender: str
    repeat: int
    fold: int

    @property
    def key(self) -> str:
        """The text that stands for it in a file."""
        return f"{self.mode}/{self.contender}/{self.repeat}/{self.fold}"

    @classmethod
    def of(cls, key: str) -> "Run":
        """Return the run of a key."""
        mode, contender, repeat, fold = key.split("/")
        return cls(mode, contender, int(repeat), int(fold))


@dataclass(frozen=True)
class Found:
    """All that was measured on a table.

    Attributes:
        rows: Of the table.
        columns: Of the table, without the target.
        classes: How many there are; 0 for a regression.
        runs: What was measured; None for a fit that was given up.
    """

    rows: int
    columns: int
    classes: int
    runs: dict[Run, Measured | None]

    def unfinished(self, one: Run) -> bool:
        """Return whether the contender of a run did not finish one of its mode, and so is not tried again."""
        return any(
            measured is None and (run.mode, run.contender) == (one.mode, one.contender)
            for run, measured in self.runs.items()
        )


class Results:
    """The results in a folder.

    Args:
        folder: Where the files are; made with the first result.
        plan: What they are made with.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan

    def read(self, table: str) -> Found | None:
        """Return what is known of a table; None where nothing is.

        Raises:
            OptionError: The results have another number of folds.
            DataError: The file is not what this class writes.
        """
        path = self.folder / f"{table}.json"
        if not path.exists():
            return None
        try:
            text = json.loads(path.read_text())
            runs = {Run.of(key): fields and Measured(**fields) for key, fields in text["runs"].items()}
            found, folds = Found(text["rows"], text["columns"], text["classes"], runs), text["folds"]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{path}: not a file of results ({error}); remove it to measure again") from None
        if folds != self.plan.folds:
            raise OptionError(f"{path}: made with {folds} folds, not {self.plan.folds}; choose another --output")
        return found

    def write(self, table: str, found: Found) -> None:
        """Keep what is known of a table; a reader never sees half a file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{table}.json"
        lines = sorted(f"{json.dumps(run.key)}: {json.dumps(one and asdict(one))}" for run, one in found.runs.items())
        head = {"folds": self.plan.folds, "rows": found.rows, "columns": found.columns, "classes": found.classes}
        hidden = path.with_name(f".{path.name}.{os.getpid()}")
        hidden.write_text(json.dumps(head)[:-1] + ', "runs": {\n' + ",\n".join(lines) + "\n}}\n")
        hidden.replace(path)

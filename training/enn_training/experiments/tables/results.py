"""Store measurements as one JSON file per table, with a line per model and fold."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from enn_training.errors import DataError, OptionError
from enn_training.experiments.tables.measures import Measurement

# The modes of a run.
DEFAULT, SEARCHED = "default", "searched"


@dataclass(frozen=True)
class Plan:
    """Extent of the measurements.

    Attributes:
        folds: Number of folds of each cross-validation.
        repeats: Number of cross-validations with default settings, each with another seed.
        searched: Number of these cross-validations that are also measured after a search.
    """

    folds: int = 3
    repeats: int = 1
    searched: int = 1


@dataclass(frozen=True)
class Run:
    """One planned measurement.

    Attributes:
        mode: DEFAULT or SEARCHED.
        contender: Name of the model.
        repeat: Number of the cross-validation, from 0; also its seed.
        fold: Number of the fold, from 0.
    """

    mode: str
    contender: str
    repeat: int
    fold: int

    @property
    def key(self) -> str:
        """Key in the file."""
        return f"{self.mode}/{self.contender}/{self.repeat}/{self.fold}"

    @classmethod
    def of(cls, key: str) -> "Run":
        """Return the run of a key."""
        mode, contender, repeat, fold = key.split("/")
        return cls(mode, contender, int(repeat), int(fold))


@dataclass(frozen=True)
class TableResults:
    """All measurements of a table.

    Attributes:
        rows: Number of rows.
        columns: Number of columns without the target.
        classes: Number of classes; 0 for a regression.
        runs: Measurements; None for a fit that exceeded the time limit.
    """

    rows: int
    columns: int
    classes: int
    runs: dict[Run, Measurement | None]

    def unfinished(self, planned: Run) -> bool:
        """Return True if this model exceeded the time limit in a run of this mode; it is then not tried again."""
        return any(
            measured is None and (run.mode, run.contender) == (planned.mode, planned.contender)
            for run, measured in self.runs.items()
        )


class Results:
    """Results in a folder.

    Args:
        folder: Folder of the files; created with the first result.
        plan: Extent of the measurements.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan

    def read(self, table: str) -> TableResults | None:
        """Return the measurements of a table; None if there are none.

        Raises:
            OptionError: The results have another number of folds.
            DataError: The file is not a results file.
        """
        path = self.folder / f"{table}.json"
        if not path.exists():
            return None
        try:
            fields = json.loads(path.read_text())
            runs = {
                Run.of(key): measurement and Measurement(**measurement) for key, measurement in fields["runs"].items()
            }
            results, folds = TableResults(fields["rows"], fields["columns"], fields["classes"], runs), fields["folds"]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{path}: not a file of results ({error}); remove it to measure again") from None
        if folds != self.plan.folds:
            raise OptionError(f"{path}: made with {folds} folds, not {self.plan.folds}; choose another --output")
        return results

    def write(self, table: str, results: TableResults) -> None:
        """Store the measurements of a table; the file is replaced atomically."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{table}.json"
        lines = sorted(
            f"{json.dumps(run.key)}: {json.dumps(measurement and asdict(measurement))}"
            for run, measurement in results.runs.items()
        )
        head = {"folds": self.plan.folds, "rows": results.rows, "columns": results.columns, "classes": results.classes}
        hidden = path.with_name(f".{path.name}.{os.getpid()}")
        hidden.write_text(json.dumps(head)[:-1] + ', "runs": {\n' + ",\n".join(lines) + "\n}}\n")
        hidden.replace(path)

"""Command `report`: write a published model and everything known about it as one HTML file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from enn_training.cli import options
from enn_training.cli.output import Output
from enn_training.errors import DataError, OptionError

if TYPE_CHECKING:
    from enn_models.package import Package
    from enn_training.data.reading.options import ReadingOptions
    from enn_training.evaluation.report.judged import Judged


def report(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    *,
    models: options.Models,
    version: Annotated[str | None, typer.Option("--version", help="Version to report. Default: the highest.")] = None,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")],
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Table to judge by: the training table, whose test rows are used, or new rows."),
    ] = None,
    target: Annotated[str | None, typer.Option("--target", help="Target column of the table.")] = None,
    weight: Annotated[str | None, typer.Option("--weight", help="Column of the weights of the rows.")] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", help="Column of groups: scores of each; of new rows any column, else a feature."),
    ] = None,
    separator: options.Separator = None,
    encoding: options.EncodingName = None,
    decimal: options.Decimal = None,
    missing: options.Missing = None,
    keep: options.Keep = None,
    quiet: options.Quiet = False,
) -> None:
    """Write one HTML file with scores, errors, importance, effects and the model itself; it works without a network."""
    if (data is None) != (target is None):
        raise OptionError("--data and --target: expected both, or neither")
    if out.suffix not in (".html", ".htm"):
        raise OptionError(f"--out {out}: expected a .html file")
    output = Output(quiet)
    reading = options.parse_reading_options(separator, encoding, decimal, missing, keep)
    from enn_models import repository
    from enn_models.package import open_package
    from enn_training.evaluation.report.behaviour import behaviour, card_section
    from enn_training.evaluation.report.judgement import judgement
    from enn_training.evaluation.report.page import render
    from enn_training.pruning.report_section import pruning_section

    version = version or repository.latest_version(models, name)
    package = open_package(repository.read_model(models, name, version))
    card, network = package.card, package.network
    judged = _Rows(package, data, target, weight, by, reading).judged()
    sections = [card_section(card, network)]
    if judged is not None:
        sections += judgement(card, network, judged)
    sections += behaviour(card, network)
    if judged is not None:
        sections.append(pruning_section(card, network, judged))
    try:
        out.write_text(render(name, version, card, network, sections), encoding="utf-8")
    except OSError as error:
        raise OptionError(f"--out {out}: cannot be written: {error}") from None
    output.line(f"wrote {out}")


@dataclass(frozen=True, eq=False)
class _Rows:
    """Hold the options that choose the rows to judge by."""

    package: "Package"
    file: Path | None
    target: str | None
    weight: str | None
    by: str | None
    reading: "ReadingOptions"

    def judged(self) -> "Judged | None":
        """Return the rows to judge by; None if there are none.

        Raises:
            DataError: The table cannot be read, or a column is absent.
        """
        from enn_training.evaluation.baselines import baselines
        from enn_training.evaluation.report.judged import judge
        from enn_training.pruning.training_data import load_problem_data, load_table_data

        card, network = self.package.card, self.package.network
        try:
            if self.file is None or self.target is None:
                dataset = load_problem_data(card)
            else:
                dataset = load_table_data(card, self.file, self.target, self.weight, self.reading)
        except DataError:  # the rows are new: nothing is known about their part in the training
            return self._new_rows()
        self._check_group(card.feature_names)
        text = f"{len(dataset.test.y)} test rows, from which the model has not learned."
        return judge(card, network, dataset.test, text, by=self.by, baselines=baselines(dataset))

    def _new_rows(self) -> "Judged | None":
        """Return all rows of the file; None without a file."""
        from enn_training.data.reading.table import read_table
        from enn_training.evaluation.report.new_rows import judge_new_rows

        card, network = self.package.card, self.package.network
        if self.file is None or self.target is None:
            if self.by is not None:
                raise OptionError(f"--by {self.by}: expected --data and --target too, for the rows of the groups")
            return None
        table = read_table(self.file, self.reading)
        self._check_group(list(table.frame.columns))
        return judge_new_rows(card, network, table, self.target, weight=self.weight, by=self.by)

    def _check_group(self, names: list[str]) -> None:
        if self.by is not None and self.by not in names:
            raise OptionError(f"--by {self.by}: no such column; expected one of {', '.join(names[:40])}")

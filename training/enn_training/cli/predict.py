"""Commands `predict` and `explain`: the service's answers to the rows of a table, without a server."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from enn_training.cli import options
from enn_training.cli.output import STANDARD_OUTPUT, Output
from enn_training.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from enn_training.data.reading.options import ReadingOptions
    from enn_training.evaluation.prediction.published_model import PublishedModel
    from enn_training.evaluation.prediction.rows import EncodedRows

Name = Annotated[str, typer.Argument(help="Name of the model.")]
File = Annotated[
    Path, typer.Argument(help="A .csv, .tsv or .txt file with a header, a .parquet file, or - for standard input.")
]
Version = Annotated[str | None, typer.Option("--version", help="Version to use. Default: the highest.")]
Out = Annotated[
    Path | None, typer.Option("--out", help="File to write, .csv or .json. Default: CSV on standard output.")
]


class MethodName(StrEnum):
    """Methods of attribution."""

    SHAPLEY = "shapley"
    INTEGRATED_GRADIENTS = "integrated_gradients"
    SAMPLED_SHAPLEY = "sampled_shapley"


def predict(
    name: Name,
    file: File,
    *,
    models: options.Models,
    version: Version = None,
    out: Out = None,
    separator: options.Separator = None,
    encoding: options.EncodingName = None,
    decimal: options.Decimal = None,
    missing: options.Missing = None,
    keep: options.Keep = None,
    quiet: options.Quiet = False,
    json_file: options.Json = None,
) -> None:
    """Predict the rows of a table: one line per row with label and probabilities, label and score, or values."""
    report = _check_out(out, Output(quiet, json_file))
    reading = options.parse_reading_options(separator, encoding, decimal, missing, keep)
    from enn_training.evaluation.prediction import explaining, tables
    from enn_training.publishing.load import load

    model, rows = _read(load(models, name, version), file, reading, report)
    found = explaining.predict(model, rows.columns)
    _write(report, out, lambda: {"predictions": found}, lambda: tables.predictions_table(found))


def explain(
    name: Name,
    file: File,
    *,
    models: options.Models,
    version: Version = None,
    output: Annotated[
        str | None, typer.Option("--output", help="Class or value to explain. Default: the predicted class.")
    ] = None,
    top: Annotated[int | None, typer.Option("--top", min=1, help="Number of bumps, the largest first.")] = None,
    attributions: Annotated[
        MethodName | None, typer.Option("--attributions", help="Divide the pre-activation among the features.")
    ] = None,
    out: Out = None,
    separator: options.Separator = None,
    encoding: options.EncodingName = None,
    decimal: options.Decimal = None,
    missing: options.Missing = None,
    keep: options.Keep = None,
    quiet: options.Quiet = False,
    json_file: options.Json = None,
) -> None:
    """Predict and explain the rows of a table: one line per row with bumps, and attributions of features on request."""
    report = _check_out(out, Output(quiet, json_file))
    reading = options.parse_reading_options(separator, encoding, decimal, missing, keep)
    from enn_training.evaluation.prediction import explaining, tables
    from enn_training.publishing.load import load

    model, rows = _read(load(models, name, version), file, reading, report)
    chosen: explaining.ExplainOptions = {"output": output, "top": top}
    if attributions is not None:
        chosen["attributions"] = attributions.value
    found = explaining.Explainer(model, chosen).explain(rows)
    _write(report, out, lambda: tables.explanations_body(found), lambda: tables.explanations_table(found))


def _check_out(out: Path | None, report: Output) -> Output:
    """Return the output of a command; refuse a file of another kind."""
    if out is not None and out.suffix not in (".csv", ".json"):
        raise OptionError(f"--out {out}: expected a .csv or .json file")
    return report


def _read(
    model: "PublishedModel", file: Path, reading: "ReadingOptions", report: Output
) -> "tuple[PublishedModel, EncodedRows]":
    """Return a model and the encoded rows of a file; print warnings about the table on standard error."""
    from enn_training.data.reading.column_reports import words_to_booleans
    from enn_training.data.reading.table import read_table
    from enn_training.errors import DataError, TableWarning
    from enn_training.evaluation.prediction.rows import encode_rows

    with report.printed_warnings(TableWarning):
        table = read_table(file, reading)
        booleans = {feature.name for feature in model.features if feature.kind == "boolean"}
        frame = words_to_booleans(table.frame, booleans & set(table.frame.columns))
        try:
            return model, encode_rows(model, frame, table.row)
        except DataError as error:
            raise DataError(f"{file}: {error}") from None


def _write(
    report: Output, out: Path | None, body: "Callable[[], dict[str, Any]]", table: "Callable[[], pd.DataFrame]"
) -> None:
    """Write a body as JSON, or else a table as CSV, to files or to standard output."""
    import orjson

    def to_json() -> bytes:
        return orjson.dumps(body(), option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)

    files = {} if report.json_file is None else {report.json_file: to_json}
    if out is not None or not files:
        is_json = out is not None and out.suffix == ".json"
        files[out or STANDARD_OUTPUT] = to_json if is_json else lambda: table().to_csv(index=False).encode()
    for file, content in files.items():
        if file == STANDARD_OUTPUT:
            sys.stdout.buffer.write(content())
            sys.stdout.flush()
        else:
            file.write_bytes(content())
            report.note(f"wrote {file}")

"""Commands `predict` and `explain`: the service's answers to the rows of a table, without a server."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from enn_training.cli import options
from enn_training.cli.output import Output

if TYPE_CHECKING:
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
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, as the service answers.")]


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
    separator: options.Separator = None,
    encoding: options.EncodingName = None,
    decimal: options.Decimal = None,
    missing: options.Missing = None,
    keep: options.Keep = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Predict the rows of a table: one line per row with label and probabilities, label and score, or values."""
    _check_out(out)
    from enn_training.evaluation.prediction import explaining, tables

    reading = options.parse_reading_options(separator, encoding, decimal, missing, keep)
    model, rows = _read(models, name, version, file, reading)
    found = explaining.predict(model, rows.columns)
    as_json = as_json or (out is not None and out.suffix == ".json")
    _write(out, {"predictions": found} if as_json else tables.predictions_table(found))


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
    separator: options.Separator = None,
    encoding: options.EncodingName = None,
    decimal: options.Decimal = None,
    missing: options.Missing = None,
    keep: options.Keep = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Predict and explain the rows of a table: one line per row with bumps, and attributions of features on request."""
    _check_out(out)
    from enn_training.evaluation.prediction import explaining, tables

    reading = options.parse_reading_options(separator, encoding, decimal, missing, keep)
    model, rows = _read(models, name, version, file, reading)
    chosen: explaining.ExplainOptions = {"output": output, "top": top}
    if attributions is not None:
        chosen["attributions"] = attributions.value
    found = explaining.Explainer(model, chosen).explain(rows)
    as_json = as_json or (out is not None and out.suffix == ".json")
    _write(out, tables.explanations_body(found) if as_json else tables.explanations_table(found))


def _check_out(out: Path | None) -> None:
    from enn_training.errors import OptionError

    if out is not None and out.suffix not in (".csv", ".json"):
        raise OptionError(f"--out {out}: expected a .csv or .json file")


def _read(
    models: Path, name: str, version: str | None, file: Path, reading: "ReadingOptions"
) -> "tuple[PublishedModel, EncodedRows]":
    """Return a model and the encoded rows of a file; print warnings about the table on standard error."""
    from enn_training.data.reading.column_reports import words_to_booleans
    from enn_training.data.reading.table import read_table
    from enn_training.errors import DataError, TableWarning
    from enn_training.evaluation.prediction.rows import encode_rows
    from enn_training.publishing.load import load

    model = load(models, name, version)
    with Output().printed_warnings(TableWarning):
        table = read_table(file, reading)
        booleans = {feature.name for feature in model.features if feature.kind == "boolean"}
        frame = words_to_booleans(table.frame, booleans & set(table.frame.columns))
        try:
            return model, encode_rows(model, frame, table.row)
        except DataError as error:
            raise DataError(f"{file}: {error}") from None


def _write(out: Path | None, content: "pd.DataFrame | dict[str, Any]") -> None:
    """Write a table as CSV, or a body as JSON, to a file or to standard output."""
    import orjson

    if isinstance(content, dict):
        data = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)
    else:
        data = content.to_csv(index=False).encode()
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    else:
        out.write_bytes(data)
        typer.echo(f"wrote {out}", err=True)

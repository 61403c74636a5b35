"""The command `enn-score`: its options, and what it prints."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from enn_models.errors import ModelError
from enn_models.explanations.methods import Method
from enn_models.repository import latest_version
from enn_service.errors import InvalidRequestError
from enn_service.runtime.model import load_model
from enn_service.scoring.answers import ScoreOptions
from enn_service.scoring.csv_blocks import CsvOptions
from enn_service.scoring.errors import ScoreError
from enn_service.scoring.files import STANDARD, Place, place
from enn_service.scoring.jobs import Counts, Job, JobOptions, run_job
from enn_service.scoring.parts import plan, unfinished
from enn_service.scoring.scorer import Scorer

FORMATS = ("csv", "parquet", "arrow")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="enn-score",
        description="Score files of any size with the service's answers, without a server. A file or folder is CSV,"
        " Parquet or Arrow by its name; addresses are paths, - for standard input and output, or those of fsspec"
        " (s3://bucket/rows.parquet). A folder of rows becomes a folder of parts; a part or file that exists is"
        " complete, and a repeated command scores only the parts that are missing.",
    )
    add = made.add_argument
    add("model", metavar="MODEL", help="Name of the model.")
    add("input", metavar="INPUT", help="File or folder of rows, with the features as columns, or -.")
    add("--out", required=True, help="File or folder of the answers, or -.")
    add("--models", required=True, type=Path, help="Folder of the model repository.")
    add("--model-version", metavar="VERSION", help="Version of the model. Default: the highest.")
    add("--bumps", action="store_true", help="Add the bumps of the explained output, its bias and pre-activation.")
    add("--attributions", choices=get_args(Method), help="Add the attribution of each feature.")
    add("--output", help="Class or value to explain. Default: the predicted class.")
    add("--coverage", type=float, help="Add intervals or label sets that have the truth in this share of rows.")
    add("--keep", action="append", default=[], metavar="COLUMN", help="Copy a column of the input; may be repeated.")
    add(
        "--bad-rows",
        choices=("refuse", "mark"),
        default="refuse",
        help="refuse: end at the first row that the service"
        " would refuse. mark: leave its answers empty and give the reason in a column error. Default: refuse.",
    )
    add("--input-format", choices=FORMATS, help="Format of the input. Default: by its name, csv for -.")
    add("--format", choices=FORMATS, help="Format of the answers. Default: by the name, or that of the input.")
    add("--separator", help="Character between two cells of CSV, or tab. Default: comma, tab for .tsv.")
    add("--decimal", default=".", help="Character before the decimals in CSV. Default: a point.")
    add("--threads", type=int, default=len(os.sched_getaffinity(0)), help="Number of threads. Default: all cores.")
    add("--overwrite", action="store_true", help="Score complete parts of a folder again.")
    add("--quiet", action="store_true", help="Show no progress; it is shown only on a terminal.")
    return made


def run(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and score; return the exit status.

    Args:
        arguments: Arguments of the command; None for those of the process.
    """
    made = parser()
    options = made.parse_args(arguments)
    _check(made, options)
    try:
        counts = _score(options)
    except (InvalidRequestError, ModelError, ScoreError, ArithmeticError, OSError) as error:
        sys.stderr.write(f"enn-score: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    if counts.refused:
        sys.stderr.write(f"enn-score: {counts.refused} of {counts.rows} rows are marked\n")
    return 0


def _check(made: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End with the usage if an option is impossible."""
    if options.separator == "tab":
        options.separator = "\t"
    if len(options.separator or ",") != 1:
        made.error(f"--separator {options.separator!r}: expected one character, or tab")
    if len(options.decimal) != 1:
        made.error(f"--decimal {options.decimal!r}: expected one character")
    if options.threads < 1:
        made.error(f"--threads {options.threads}: expected at least 1")
    if options.coverage is not None and not 0 < options.coverage < 1:
        made.error(f"--coverage {options.coverage:g}: expected a number between 0 and 1, without both")


def _score(options: argparse.Namespace) -> Counts:
    """Score what the command line names."""
    version = options.model_version or latest_version(options.models, options.model)
    model = load_model(options.models, options.model, version)
    answers = ScoreOptions(options.bumps, options.attributions, options.coverage, options.output)
    scorer = Scorer(model, answers, options.keep)
    csv = CsvOptions(options.separator, options.decimal)
    settings = JobOptions(options.threads, options.bad_rows == "mark", options.quiet, csv)
    source, target = place(options.input), place(options.out)
    total = Counts()
    for job in _jobs(options, source, target, scorer):
        counts = run_job(scorer, job, settings)
        total.rows += counts.rows
        total.refused += counts.refused
    return total


def _jobs(options: argparse.Namespace, source: Place, target: Place, scorer: Scorer) -> list[Job]:
    """Return the jobs that are not complete."""
    if source.is_folder:
        if target.files is None:
            raise ScoreError(f"{source.path} is a folder; expected a folder as --out")
        jobs = plan(source, target, options.format)
        return unfinished(jobs, target, _record(options, scorer), overwrite=options.overwrite)
    if options.out.endswith("/") or target.is_folder:
        raise ScoreError(f"--out {options.out} is a folder; expected a file, because the input is one")
    kind = options.input_format or source.kind or ("csv" if options.input == STANDARD else None)
    if kind is None:
        raise ScoreError(f"{options.input}: expected a name that ends with .csv, .parquet or .arrow, or --input-format")
    chosen = options.format or target.kind or kind
    return [Job(source, kind, target, "stream" if target.files is None and chosen == "arrow" else chosen)]


def _record(options: argparse.Namespace, scorer: Scorer) -> dict[str, Any]:
    """Return what the parts of a folder depend on besides their files."""
    model = scorer.model
    names = ("bumps", "attributions", "output", "coverage", "keep", "bad_rows", "separator", "decimal")
    given = {f"--{name.replace('_', '-')}": getattr(options, name) for name in names}
    return {"model": f"{model.name}/{model.version}", "digest": model.digest, **given}

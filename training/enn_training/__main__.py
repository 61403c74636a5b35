"""Command line `enn-train` (`python -m enn_training`): train, inspect, prune and publish networks."""

import sys

import typer

from enn_models.errors import ModelError
from enn_training.cli import benchmark, options
from enn_training.cli.image import image
from enn_training.cli.predict import explain, predict
from enn_training.cli.problem import problem
from enn_training.cli.prune import prune
from enn_training.cli.published.inspect import inspect
from enn_training.cli.published.plain import plain
from enn_training.cli.published.report import report
from enn_training.cli.published.sign import sign
from enn_training.cli.table import table
from enn_training.errors import TrainingError


def application() -> typer.Typer:
    """Return the command line application with all commands."""
    app = typer.Typer(
        help="Learn Expressive Neural Networks and publish them as model packages.",
        epilog=(
            "Exit status: 0 after success, 2 if an option, a file or a model is refused (one line on standard error),"
            " 130 after Ctrl+C, and 1 after any other error."
        ),
        callback=options.parse_program_options,
        context_settings={"help_option_names": ["-h", "--help"]},
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.command()(problem)
    app.command()(table)
    app.command()(image)
    app.command()(predict)
    app.command()(explain)
    app.command()(inspect)
    app.command()(plain)
    app.command()(prune)
    app.command()(report)
    app.command()(sign)
    app.add_typer(benchmark.app, name="benchmark")
    return app


def main() -> None:
    """Run the command line; print an expected error as one line on standard error and exit with status 2."""
    try:
        application()()
    except (TrainingError, ModelError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()

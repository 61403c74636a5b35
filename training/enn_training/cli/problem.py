"""Command `problem`: train on one of the paper's fifteen problems and publish the model."""

from typing import Annotated

import typer

from enn_models.repository import check_name
from enn_training.cli import options
from enn_training.cli.output import Output


def problem(
    name: Annotated[str, typer.Argument(help="line-1..line-4, ring, ..., product; an unknown name lists all.")],
    *,
    models: options.Models,
    published_name: Annotated[
        str | None, typer.Option("--name", help="Name of the model. Default: the problem.")
    ] = None,
    samples: Annotated[int, typer.Option("--samples", min=16, help="Number of samples to train on.")] = 20_000,
    hidden: options.Hidden = None,
    harmonics: options.Harmonics = 6,
    head: options.Head = options.HeadName.DCT,
    learner: options.Learners = "lm",
    seed: options.Seed = 0,
    background: options.Background = 100,
    starts: options.Starts = None,
    passes: options.Passes = None,
    spread: options.Spread = None,
    pace: options.Pace = None,
    decay: options.Decay = None,
    optimize: options.Optimize = None,
    unrolling: options.UnrollingName = None,
    quiet: options.Quiet = False,
    json_file: options.Json = None,
) -> None:
    """Train on one of the paper's problems over the square [-1, 1]^2 and publish the model."""
    check_name(published_name or name)
    output = Output(quiet, json_file)
    export_options = options.parse_export_options(optimize, unrolling)
    # Imported here: torch and numba take seconds that --help should not.
    from enn_training.cli import console
    from enn_training.data import problems

    data = problems.problem(name).dataset(samples, seed)
    given = {"starts": starts, "passes": passes, "spread": spread, "pace": pace, "decay": decay}
    method = options.parse_learner(learner, hidden=hidden, defaults={}, **given)
    console.train_and_publish(
        data,
        method,
        hidden=options.parse_hidden(hidden, (6,)),
        harmonics=harmonics,
        head=head.value,
        seed=seed,
        background=background,
        models=models,
        name=published_name or name,
        export_options=export_options,
        output=output,
    )
    output.write()

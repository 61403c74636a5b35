"""The command `benchmark paper`: the paper's fifteen problems, its claims and what came out."""

from pathlib import Path
from typing import Annotated

import typer

from enn_training.cli import options


def paper(
    *,
    output: Annotated[
        Path, typer.Option("--output", help="Folder with benchmarks/paper.md, its results, and pictures/.")
    ] = Path("docs"),
    problems: options.Problems = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Seeds 0 to this less one.")] = 5,
    again: Annotated[str | None, typer.Option("--again", help="Contenders to learn anew, as in enn-6,kan-3.")] = None,
    samples: options.Samples = 20_000,
    judged: options.Judged = 20_000,
    passes: options.EveryPasses = 200,
) -> None:
    """Learn the paper's problems with the ENN and its peers; goes on where it was stopped."""
    # Imported here: torch, numba and matplotlib take seconds that --help should not.
    import torch  # noqa: PLC0415

    from enn_training.data.problems import problems as every  # noqa: PLC0415
    from enn_training.experiments.paper import document, experiment, pictures  # noqa: PLC0415
    from enn_training.experiments.paper.results import Budget, Results  # noqa: PLC0415

    chosen = options.problems(problems)
    torch.set_num_threads(1)  # the times of all contenders are those of one core
    results = Results(output / "benchmarks" / "paper", Budget(samples, judged, passes))
    experiment.run(results, chosen, seeds, tuple(again.split(",")) if again else ())
    found = experiment.complete(results, every())
    text = document.text(found, results.budget)
    (output / "benchmarks" / "paper.md").write_text(text)
    for one in chosen:
        pictures.save(pictures.draw(one, found[one.name]), output / "pictures" / f"paper-{one.name}.png")
    typer.echo(text)

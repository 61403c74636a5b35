"""The command `benchmark pruning`: how many coefficients of the paper's networks can go, and what that costs."""

from pathlib import Path
from typing import Annotated

import typer

from enn_training.cli import options


def pruning(
    *,
    output: Annotated[Path, typer.Option("--output", help="Folder with benchmarks/pruning.md and its results.")] = Path(
        "docs"
    ),
    problems: options.Problems = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Seeds 0 to this less one.")] = 3,
    samples: options.Samples = 20_000,
    judged: options.Judged = 20_000,
    passes: options.EveryPasses = 200,
) -> None:
    """Cut the coefficients of the networks of `benchmark paper`; goes on where it was stopped."""
    # Imported here: torch and numba take seconds that --help should not.
    import torch  # noqa: PLC0415

    from enn_training.data.problems import problems as every  # noqa: PLC0415
    from enn_training.experiments.paper.results import Budget, Results  # noqa: PLC0415
    from enn_training.experiments.pruning import document, experiment  # noqa: PLC0415

    chosen = options.problems(problems)
    torch.set_num_threads(1)  # the times are those of one core
    folder, budget = output / "benchmarks", Budget(samples, judged, passes)
    results, paper = Results(folder / "pruning", budget), Results(folder / "paper", budget)
    experiment.run(results, paper, chosen, seeds)
    whole = (one.name for one in every() if not experiment.missing(results, (one,), 1))
    text = document.text({name: results.read(name) for name in whole}, budget)
    (folder / "pruning.md").write_text(text)
    typer.echo(text)

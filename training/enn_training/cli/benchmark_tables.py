"""The command `benchmark tables`: real tables, the ENN and the models that people use for them."""

from pathlib import Path
from typing import Annotated

import typer


def tables(
    *,
    output: Annotated[Path, typer.Option("--output", help="Folder with benchmarks/tables.md and its results.")] = Path(
        "docs"
    ),
    names: Annotated[str | None, typer.Option("--tables", help="Some of the tables, as in iris,wine.")] = None,
    folds: Annotated[int, typer.Option("--folds", min=2, help="Of each cross-validation.")] = 3,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Cross-validations with default settings.")] = 1,
    searched: Annotated[int, typer.Option("--searched", min=0, help="Of these, those with a search too.")] = 1,
) -> None:
    """Hold the ENN against its peers on real tables; goes on where it was stopped. Needs the extra `benchmark`."""
    # Imported here: torch, numba and scikit-learn take seconds that --help should not.
    import torch  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    from enn_training.experiments.tables import document, experiment  # noqa: PLC0415
    from enn_training.experiments.tables.results import Plan, Results  # noqa: PLC0415
    from enn_training.experiments.tables.tables import named  # noqa: PLC0415

    results = Results(output / "benchmarks" / "tables", Plan(folds, repeats, searched))
    chosen = named(names)
    torch.set_num_threads(1)  # the times of all contenders are those of one core
    with threadpool_limits(1):
        experiment.run(results, chosen)
    text = document.text(results)
    (output / "benchmarks" / "tables.md").write_text(text)
    typer.echo(text)

"""Commands `benchmark ...`: run experiments, print their tables and write their results and pages."""

from pathlib import Path
from typing import Annotated

import typer

from enn_training.cli import options

app = typer.Typer(help="Compare the ENN with other models.", no_args_is_help=True)


@app.command()
def paper(
    *,
    output: Annotated[
        Path, typer.Option("--output", help="Folder with benchmarks/paper.md, its results, and pictures/.")
    ] = Path("docs"),
    problems: options.Problems = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Number of seeds, counted from 0.")] = 5,
    again: Annotated[str | None, typer.Option("--again", help="Contenders to train again, as in enn-6,kan-3.")] = None,
    samples: options.Samples = 20_000,
    judged: options.Judged = 20_000,
    passes: options.EveryPasses = 200,
) -> None:
    """Train the ENN and other models on the paper's problems; an interrupted run resumes."""
    # Imported here: torch, numba and matplotlib take seconds that --help should not.
    import torch

    from enn_training.data.problems import problems as all_problems
    from enn_training.experiments.paper import document, experiment, pictures
    from enn_training.experiments.paper.results import Budget, Results

    chosen = options.parse_problems(problems)
    torch.set_num_threads(1)  # times of all contenders are for one core
    results = Results(output / "benchmarks" / "paper", Budget(samples, judged, passes))
    experiment.run(results, chosen, seeds, tuple(again.split(",")) if again else ())
    found = experiment.complete_results(results, all_problems())
    text = document.render(found, results.budget)
    _publish(output / "benchmarks" / "paper.md", text)
    for problem in chosen:
        pictures.save(pictures.draw(problem, found[problem.name]), output / "pictures" / f"paper-{problem.name}.png")


@app.command()
def learners(
    *,
    output: Annotated[
        Path, typer.Option("--output", help="Folder with benchmarks/learners.md, its results, and pictures/.")
    ] = Path("docs"),
    problems: options.Problems = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Number of seeds of the default efforts.")] = 5,
    curve_seeds: Annotated[int, typer.Option("--curve-seeds", min=1, help="Number of seeds of other efforts.")] = 2,
    samples: options.Samples = 20_000,
    judged: options.Judged = 20_000,
) -> None:
    """Compare Levenberg-Marquardt with the LMS over processor time; an interrupted run resumes."""
    # Imported here: numba and matplotlib take seconds that --help should not.
    from enn_training.data.problems import problems as all_problems
    from enn_training.experiments.learners import document, experiment, picture
    from enn_training.experiments.paper import pictures
    from enn_training.experiments.paper.results import Budget, Results

    chosen = options.parse_problems(problems)
    results = Results(output / "benchmarks" / "learners", Budget(samples, judged))
    experiment.run(results, chosen, seeds, curve_seeds)
    complete = [one.name for one in all_problems() if not any(experiment.missing_runs(results, (one,), 1, 1))]
    found = {name: results.read(name) for name in complete}
    text = document.render(found, results.budget)
    _publish(output / "benchmarks" / "learners.md", text)
    pictures.save(picture.draw(found), output / "pictures" / "learners.png")


@app.command()
def activations(
    *,
    output: Annotated[
        Path, typer.Option("--output", help="Folder with benchmarks/activations.md and its results.")
    ] = Path("docs"),
    problems: options.Problems = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Number of seeds, counted from 0.")] = 5,
    samples: options.Samples = 20_000,
    judged: options.Judged = 20_000,
) -> None:
    """Compare activations with one second-order learner on the paper's problems; an interrupted run resumes."""
    # Imported here: numba takes a second that --help should not.
    from enn_training.data.problems import problems as all_problems
    from enn_training.experiments.activations import document, experiment
    from enn_training.experiments.paper.results import Budget, Results

    chosen = options.parse_problems(problems)
    results = Results(output / "benchmarks" / "activations", Budget(samples, judged))
    experiment.run(results, chosen, seeds)
    complete = [one.name for one in all_problems() if not any(experiment.missing_runs(results, (one,), 1))]
    text = document.render({name: results.read(name) for name in complete}, results.budget)
    _publish(output / "benchmarks" / "activations.md", text)


@app.command()
def pruning(
    *,
    output: Annotated[Path, typer.Option("--output", help="Folder with benchmarks/pruning.md and its results.")] = Path(
        "docs"
    ),
    problems: options.Problems = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Number of seeds, counted from 0.")] = 3,
    samples: options.Samples = 20_000,
    judged: options.Judged = 20_000,
    passes: options.EveryPasses = 200,
) -> None:
    """Prune the coefficients of the networks of `benchmark paper`; an interrupted run resumes."""
    # Imported here: torch and numba take seconds that --help should not.
    import torch

    from enn_training.data.problems import problems as all_problems
    from enn_training.experiments.paper.results import Budget, Results
    from enn_training.experiments.pruning import document, experiment

    chosen = options.parse_problems(problems)
    torch.set_num_threads(1)  # times are for one core
    folder, budget = output / "benchmarks", Budget(samples, judged, passes)
    results, paper_results = Results(folder / "pruning", budget), Results(folder / "paper", budget)
    experiment.run(results, paper_results, chosen, seeds)
    complete = (problem.name for problem in all_problems() if not experiment.missing_runs(results, (problem,), 1))
    text = document.render({name: results.read(name) for name in complete}, budget)
    _publish(folder / "pruning.md", text)


@app.command()
def tables(
    *,
    output: Annotated[Path, typer.Option("--output", help="Folder with benchmarks/tables.md and its results.")] = Path(
        "docs"
    ),
    names: Annotated[str | None, typer.Option("--tables", help="Comma-separated tables, as in iris,wine.")] = None,
    folds: Annotated[int, typer.Option("--folds", min=2, help="Folds of each cross-validation.")] = 3,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Cross-validations with default settings.")] = 1,
    searched: Annotated[
        int, typer.Option("--searched", min=0, help="Cross-validations that also search the settings.")
    ] = 1,
) -> None:
    """Compare the ENN with other models on real tables; an interrupted run resumes. Needs the extra `benchmark`."""
    # Imported here: torch, numba and scikit-learn take seconds that --help should not.
    import torch
    from threadpoolctl import threadpool_limits

    from enn_training.experiments.tables import document, experiment
    from enn_training.experiments.tables.results import Plan, Results
    from enn_training.experiments.tables.tables import parse_tables

    results = Results(output / "benchmarks" / "tables", Plan(folds, repeats, searched))
    chosen = parse_tables(names)
    torch.set_num_threads(1)  # times of all contenders are for one core
    with threadpool_limits(1):
        experiment.run(results, chosen)
    text = document.render(results)
    _publish(output / "benchmarks" / "tables.md", text)


def _publish(page: Path, text: str) -> None:
    """Write a page and print it."""
    page.write_text(text, encoding="utf-8")
    typer.echo(text)

"""Render the page of the activations from template.md and the results."""

from importlib.resources import files
from statistics import median

from enn_training.data.problems import problems
from enn_training.experiments.activations.experiment import STARTS
from enn_training.experiments.activations.families import FAMILIES, OURS, Family
from enn_training.experiments.paper.results import Budget
from enn_training.experiments.paper.spread import Outcome, Spread, best_contender, collect_spreads, markdown_table

LABELS = {family.name: family.label for family in FAMILIES}


def render(outcomes: dict[str, Outcome], budget: Budget) -> str:
    """Return the page in Markdown.

    Args:
        outcomes: Problem -> family -> seed -> result; each problem has results of all families.
        budget: Rows of every run.
    """
    spreads = {
        problem.name: collect_spreads(problem.task, outcomes[problem.name], tuple(LABELS))
        for problem in problems()
        if problem.name in outcomes
    }
    fields = {
        "samples": budget.samples,
        "judged": budget.judged,
        "starts": STARTS,
        "count": len(spreads),
        "seeds": len({seed for outcome in outcomes.values() for results in outcome.values() for seed in results}),
        "table": markdown_table(("problem", *LABELS.values()), [_row(name, found) for name, found in spreads.items()]),
        "wins": "\n".join(f"- {LABELS[name]}: {_describe_wins(spreads, name)}" for name in OURS),
        "families": "\n".join(f"- {_describe(family, outcomes)}" for family in FAMILIES),
    }
    return files("enn_training.experiments.activations").joinpath("template.md").read_text().format(**fields)


def _row(name: str, found: dict[str, Spread]) -> tuple[str, ...]:
    """Return the table row of a problem, the best median in bold."""
    best = best_contender(found)
    cells = {each: found[each].describe_exactly() for each in LABELS}
    return (name, *(f"**{cell}**" if each == best else cell for each, cell in cells.items()))


def _describe_wins(spreads: dict[str, dict[str, Spread]], own: str) -> str:
    """Return on how many problems a network of ours is ahead of the best of the others, level with it, or behind."""
    verdicts: dict[str, list[str]] = {"ahead": [], "level": [], "behind": []}
    for name, found in spreads.items():
        others = {each: spread for each, spread in found.items() if each not in OURS}
        best = others[best_contender(others)]
        # `reaches` says that every seed of the best is at least as good as our median.
        verdict = "behind" if best.reaches(found[own].median) else "level"
        verdicts[verdict if best.better(found[own]) else "ahead"].append(name)
    ahead, level, behind = (f"{len(names)} ({', '.join(names) or 'none'})" for names in verdicts.values())
    return (
        f"the median is at least that of the best of them on {ahead}; within the seeds of the best on {level}; behind "
        f"every seed of the best on {behind}."
    )


def _describe(family: Family, outcomes: dict[str, Outcome]) -> str:
    """Return the size, the gains and the median time of a family."""
    seconds = median(result.seconds for outcome in outcomes.values() for result in outcome[family.name].values())
    low, high = family.gains
    return f"{family.label}: {family.parameters.size} parameters, gains from {low:g} to {high:g}, {seconds:.1f} s."

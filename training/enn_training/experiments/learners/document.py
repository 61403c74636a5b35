"""Render the page of the learners from template.md and the results."""

from collections.abc import Iterator
from importlib.resources import files

from enn_training.data.problems import problems
from enn_training.experiments.learners.experiment import DEFAULT_LMS, LM, RUNS
from enn_training.experiments.paper.results import Budget
from enn_training.experiments.paper.spread import Outcome, collect_spreads, format_score, markdown_table

TARGETS = {
    **dict.fromkeys(("line-1", "line-2", "line-3", "line-4", "ring", "quadratic", "cubic", "stripes", "sine"), 0.9985),
    "circle-ellipse": 0.998,
    "face": 0.996,
    "high-frequency-sine": 0.998,
    **dict.fromkeys(("sum", "norm", "product"), 1e-9),
}
"""Minimum accuracy, or maximum mean squared error, of the worst seed with the default settings."""
MAX_SECONDS = 5.0
"""Maximum processor seconds of a fit."""


def render(outcomes: dict[str, Outcome], budget: Budget) -> str:
    """Return the page in Markdown.

    Args:
        outcomes: Problem -> run -> seed -> result; each problem has results of all runs.
        budget: Rows of every run.
    """
    rows = list(_rows(outcomes))
    header = ("problem", "target", "lm, median / worst", "slowest, s", "", "lms, median / worst", "slowest, s")
    others = [run for run in RUNS if not run.default]
    fields = {
        "samples": budget.samples,
        "judged": budget.judged,
        "seeds": max(len(outcome[LM.name]) for outcome in outcomes.values()),
        "curve_seeds": max(len(outcome[others[0].name]) for outcome in outcomes.values()),
        "met": f"{sum(row[4] == 'met' for row in rows)} of {len(rows)}",
        "seconds": MAX_SECONDS,
        "table": markdown_table(header, rows),
        "starts": LM.effort,
        "passes": DEFAULT_LMS.effort,
        "efforts": ", ".join(run.name for run in RUNS),
    }
    return files("enn_training.experiments.learners").joinpath("template.md").read_text().format(**fields)


def _rows(outcomes: dict[str, Outcome]) -> Iterator[tuple[str, ...]]:
    """Yield the table row of each problem that has results."""
    for problem in problems():
        if outcome := outcomes.get(problem.name):
            spreads = collect_spreads(problem.task, outcome, (LM.name, DEFAULT_LMS.name))
            slowest = {name: max(result.seconds for result in outcome[name].values()) for name in spreads}
            target, own = TARGETS[problem.name], spreads[LM.name]
            met = own.reaches(target) and slowest[LM.name] <= MAX_SECONDS
            yield (
                problem.name,
                f"≥ {target:g}" if problem.task == "classification" else f"≤ {format_score(problem.task, target)}",
                own.describe_exactly(),
                f"{slowest[LM.name]:.1f}",
                "met" if met else "**not met**",
                str(spreads[DEFAULT_LMS.name]),
                f"{slowest[DEFAULT_LMS.name]:.1f}",
            )

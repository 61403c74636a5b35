"""Render the page on pruning from template.md and the results."""

from importlib.resources import files
from statistics import median

from enn_training.data.problems import Problem, problems
from enn_training.experiments.paper.results import Budget
from enn_training.experiments.paper.spread import Line, Outcome, markdown_table
from enn_training.experiments.pruning.experiment import PERCENTAGES, TUNED, WHOLE, result_names
from enn_training.pruning import fine_tuning as tuning
from enn_training.pruning.search import CRITERIA

MAX_POINTS = 0.5
"""Maximum loss of a free cut in percentage points of accuracy."""
MAX_FACTOR = 2.0
"""Maximum factor of the error of a function after a free cut."""
CLAIMED_PERCENT = 40
VARIANTS = {"as cut": "", "after fine-tuning": f"-{TUNED}"}


def render(outcomes: dict[str, Outcome], budget: Budget) -> str:
    """Return the page in Markdown.

    Args:
        outcomes: Problem -> network -> seed -> result; each problem has all results.
        budget: Data and passes of the networks.
    """
    seconds = [result.seconds for outcome in outcomes.values() for result in outcome[f"{WHOLE}-{TUNED}"].values()]
    fields = {
        "samples": budget.samples,
        "judged": budget.judged,
        "tuning": tuning.MAX_ROWS,
        "rate": tuning.LEARNING_RATE,
        "seeds": len({seed for outcome in outcomes.values() for seed in outcome[WHOLE]}),
        "points": MAX_POINTS,
        "factor": MAX_FACTOR,
        "verdicts": _verdicts(outcomes),
        "lost": _costs_table(outcomes),
        "plain": _scores_table(outcomes, ""),
        "tuned": _scores_table(outcomes, f"-{TUNED}"),
        "seconds": f"{median(seconds):.1f}",
        "lanes": len(result_names()) // 2,
    }
    return files("enn_training.experiments.pruning").joinpath("template.md").read_text().format(**fields)


def cost(problem: Problem, outcome: Outcome, name: str) -> float:
    """Return the cost of a cut on the worst seed: points of accuracy, or the ratio to the complete network's error."""
    pairs = [(outcome[WHOLE][seed].score, result.score) for seed, result in outcome[name].items()]
    if problem.task == "classification":
        return max(100 * (whole - cut) for whole, cut in pairs)
    return max(cut / whole for whole, cut in pairs)


def smallest_cost(problem: Problem, outcome: Outcome, percent: int, suffix: str) -> float:
    """Return the cost by the better criterion; `suffix` is "" or "-tuned"."""
    return min(cost(problem, outcome, f"{criterion}-{percent}{suffix}") for criterion in CRITERIA)


def is_free(problem: Problem, value: float) -> bool:
    """Return True if a cost is negligible."""
    return value <= (MAX_POINTS if problem.task == "classification" else MAX_FACTOR)


def _measured_problems(outcomes: dict[str, Outcome]) -> list[tuple[Problem, Outcome]]:
    """Return the problems that have results."""
    return [(problem, outcomes[problem.name]) for problem in problems() if problem.name in outcomes]


def _verdicts(outcomes: dict[str, Outcome]) -> str:
    """Return a line for each percentage and variant on the problems where the cut is free."""
    lines: list[str] = []
    for percent in PERCENTAGES:
        for words, suffix in VARIANTS.items():
            known = [
                (problem.name, is_free(problem, smallest_cost(problem, outcome, percent, suffix)))
                for problem, outcome in _measured_problems(outcomes)
            ]
            not_free = [name for name, free in known if not free]
            exceptions = f"; not on {', '.join(not_free)}" if not_free else ""
            lines.append(
                f"- {percent} % {words}: free on {len(known) - len(not_free)} of {len(known)} problems{exceptions}"
            )
    return "\n".join(lines)


def _costs_table(outcomes: dict[str, Outcome]) -> str:
    """Return the table of the cost of a 40 % cut on the worst seed."""
    rows: list[tuple[str, ...]] = []
    for problem, outcome in _measured_problems(outcomes):
        costs = [smallest_cost(problem, outcome, CLAIMED_PERCENT, suffix) for suffix in VARIANTS.values()]
        unit = "{:.2f} points" if problem.task == "classification" else "{:.1f} times the error"
        cells = (f"{'' if is_free(problem, each) else '**not free:** '}{unit.format(each)}" for each in costs)
        rows.append((problem.name, *cells))
    return markdown_table(("problem", *(f"{words}, worst seed" for words in VARIANTS)), rows)


def _scores_table(outcomes: dict[str, Outcome], suffix: str) -> str:
    """Return the table of scores of all cuts."""
    columns = {WHOLE: f"{WHOLE}{suffix}"} | {
        f"{percent} %, {criterion}": f"{criterion}-{percent}{suffix}"
        for percent in PERCENTAGES
        for criterion in CRITERIA
    }
    rows: list[tuple[str, ...]] = []
    for problem, outcome in _measured_problems(outcomes):
        spreads = Line(problem.name, problem, columns).spreads(outcome)
        rows.append((problem.name, *(str(spreads[title]) for title in columns)))
    return markdown_table(("problem", *columns), rows)

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


def render(found: dict[str, Outcome], budget: Budget) -> str:
    """Return the page in Markdown.

    Args:
        found: Problem -> network -> seed -> result; each problem has all results.
        budget: Data and passes of the networks.
    """
    seconds = [result.seconds for outcome in found.values() for result in outcome[f"{WHOLE}-{TUNED}"].values()]
    fields = {
        "samples": budget.samples,
        "judged": budget.judged,
        "tuning": tuning.MAX_ROWS,
        "rate": tuning.LEARNING_RATE,
        "seeds": len({seed for outcome in found.values() for seed in outcome[WHOLE]}),
        "points": MAX_POINTS,
        "factor": MAX_FACTOR,
        "verdicts": _verdicts(found),
        "lost": _costs_table(found),
        "plain": _scores_table(found, ""),
        "tuned": _scores_table(found, f"-{TUNED}"),
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


def smallest_cost(problem: Problem, outcome: Outcome, percent: int, way: str) -> float:
    """Return the cost by the better criterion; `way` is "" or "-tuned"."""
    return min(cost(problem, outcome, f"{criterion}-{percent}{way}") for criterion in CRITERIA)


def is_free(problem: Problem, value: float) -> bool:
    """Return True if a cost is negligible."""
    return value <= (MAX_POINTS if problem.task == "classification" else MAX_FACTOR)


def _measured_problems(found: dict[str, Outcome]) -> list[tuple[Problem, Outcome]]:
    """Return the problems that have results."""
    return [(problem, found[problem.name]) for problem in problems() if problem.name in found]


def _verdicts(found: dict[str, Outcome]) -> str:
    """Return a line for each percentage and variant on the problems where the cut is free."""
    lines: list[str] = []
    for percent in PERCENTAGES:
        for words, way in VARIANTS.items():
            known = [
                (one.name, is_free(one, smallest_cost(one, outcome, percent, way)))
                for one, outcome in _measured_problems(found)
            ]
            not_free = [name for name, is_free in known if not is_free]
            told = f"; not on {', '.join(not_free)}" if not_free else ""
            lines.append(f"- {percent} % {words}: free on {len(known) - len(not_free)} of {len(known)} problems{told}")
    return "\n".join(lines)


def _costs_table(found: dict[str, Outcome]) -> str:
    """Return the table of the cost of a 40 % cut on the worst seed."""
    rows: list[tuple[str, ...]] = []
    for problem, outcome in _measured_problems(found):
        costs = [smallest_cost(problem, outcome, CLAIMED_PERCENT, way) for way in VARIANTS.values()]
        unit = "{:.2f} points" if problem.task == "classification" else "{:.1f} times the error"
        cells = (f"{'' if is_free(problem, each) else '**not free:** '}{unit.format(each)}" for each in costs)
        rows.append((problem.name, *cells))
    return markdown_table(("problem", *(f"{words}, worst seed" for words in VARIANTS)), rows)


def _scores_table(found: dict[str, Outcome], way: str) -> str:
    """Return the table of scores of all cuts."""
    columns = {WHOLE: f"{WHOLE}{way}"} | {
        f"{percent} %, {criterion}": f"{criterion}-{percent}{way}" for percent in PERCENTAGES for criterion in CRITERIA
    }
    rows: list[tuple[str, ...]] = []
    for problem, outcome in _measured_problems(found):
        told = Line(problem.name, problem, columns).spreads(outcome)
        rows.append((problem.name, *(str(told[title]) for title in columns)))
    return markdown_table(("problem", *columns), rows)

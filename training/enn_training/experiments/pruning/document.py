"""The document: prose from template.md, every number from the results."""

from importlib.resources import files
from statistics import median

from enn_training.data.problems import Problem, problems
from enn_training.experiments.paper.results import Budget
from enn_training.experiments.paper.spread import Line, Outcome, table
from enn_training.experiments.pruning.experiment import PERCENT, TUNED, WHOLE, names
from enn_training.pruning import fine_tuning as tuning
from enn_training.pruning.search import CRITERIA

POINTS = 0.5
"""Most points of accuracy that a free cut costs."""
FACTOR = 2.0
"""Most times the error of a function that a free cut leaves."""
CLAIMED = 40
WAYS = {"as cut": "", "after learning on": f"-{TUNED}"}


def text(found: dict[str, Outcome], budget: Budget) -> str:
    """Return the document, in Markdown.

    Args:
        found: Problem -> what is measured -> seed -> result; of each problem all of it, or no problem.
        budget: What the networks were learned with.
    """
    seconds = [result.seconds for outcome in found.values() for result in outcome[f"{WHOLE}-{TUNED}"].values()]
    fields = {
        "samples": budget.samples,
        "judged": budget.judged,
        "tuning": tuning.SAMPLES,
        "rate": tuning.RATE,
        "seeds": len({seed for outcome in found.values() for seed in outcome[WHOLE]}),
        "points": POINTS,
        "factor": FACTOR,
        "verdicts": _verdicts(found),
        "lost": _lost(found),
        "plain": _scores(found, ""),
        "tuned": _scores(found, f"-{TUNED}"),
        "seconds": f"{median(seconds):.1f}",
        "lanes": len(names()) // 2,
    }
    return files("enn_training.experiments.pruning").joinpath("template.md").read_text().format(**fields)


def cost(problem: Problem, outcome: Outcome, name: str) -> float:
    """Return what a cut costs on the worst seed: points of accuracy, or how many times the whole network's error."""
    pairs = [(outcome[WHOLE][seed].score, result.score) for seed, result in outcome[name].items()]
    if problem.task == "classification":
        return max(100 * (whole - cut) for whole, cut in pairs)
    return max(cut / whole for whole, cut in pairs)


def least(problem: Problem, outcome: Outcome, percent: int, way: str) -> float:
    """Return the cost by the better criterion; way is "" or "-tuned"."""
    return min(cost(problem, outcome, f"{criterion}-{percent}{way}") for criterion in CRITERIA)


def free(problem: Problem, value: float) -> bool:
    """Whether a cost is none to speak of."""
    return value <= (POINTS if problem.task == "classification" else FACTOR)


def _known(found: dict[str, Outcome]) -> list[tuple[Problem, Outcome]]:
    return [(problem, found[problem.name]) for problem in problems() if problem.name in found]


def _verdicts(found: dict[str, Outcome]) -> str:
    lines: list[str] = []
    for percent in PERCENT:
        for words, way in WAYS.items():
            known = [(one.name, free(one, least(one, outcome, percent, way))) for one, outcome in _known(found)]
            not_free = [name for name, is_free in known if not is_free]
            told = f"; not on {', '.join(not_free)}" if not_free else ""
            lines.append(f"- {percent} % {words}: free on {len(known) - len(not_free)} of {len(known)} problems{told}")
    return "\n".join(lines)


def _lost(found: dict[str, Outcome]) -> str:
    """Return the table of what 40 % costs on the worst seed."""
    rows: list[tuple[str, ...]] = []
    for problem, outcome in _known(found):
        costs = [least(problem, outcome, CLAIMED, way) for way in WAYS.values()]
        unit = "{:.2f} points" if problem.task == "classification" else "{:.1f} times the error"
        cells = (f"{'' if free(problem, each) else '**not free:** '}{unit.format(each)}" for each in costs)
        rows.append((problem.name, *cells))
    return table(("problem", *(f"{words}, worst seed" for words in WAYS)), rows)


def _scores(found: dict[str, Outcome], way: str) -> str:
    columns = {WHOLE: f"{WHOLE}{way}"} | {
        f"{percent} %, {criterion}": f"{criterion}-{percent}{way}" for percent in PERCENT for criterion in CRITERIA
    }
    rows: list[tuple[str, ...]] = []
    for problem, outcome in _known(found):
        told = Line(problem.name, problem, columns).spreads(outcome)
        rows.append((problem.name, *(str(told[title]) for title in columns)))
    return table(("problem", *columns), rows)

"""Scores over seeds: the median and the worst, compared and laid out in tables."""

from dataclasses import dataclass
from statistics import median

from enn_models.network import Task
from enn_training.data.problems import Problem
from enn_training.experiments.paper.results import Result

Outcome = dict[str, dict[int, Result]]
"""Contender -> seed -> result, of one problem."""
NOTHING = 1e-12
"""A mean squared error below this is what rounding leaves of 0."""


@dataclass(frozen=True)
class Spread:
    """Scores of one contender on one problem over its seeds: accuracies, or mean squared errors of a regression."""

    task: Task
    scores: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median over the seeds."""
        return median(self.scores)

    @property
    def worst(self) -> float:
        """The worst seed."""
        return min(self.scores) if self.task == "classification" else max(self.scores)

    def better(self, other: "Spread") -> bool:
        """Whether the median is strictly better than another's."""
        return self.median > other.median if self.task == "classification" else self.median < other.median

    def reaches(self, required: float) -> bool:
        """Whether every seed is as good as required."""
        return self.worst >= required if self.task == "classification" else self.worst <= required

    def __str__(self) -> str:
        """Return median / worst."""
        return f"{shown(self.task, self.median)} / {shown(self.task, self.worst)}"


def shown(task: Task, score: float) -> str:
    """Return a score as the tables print it."""
    if task == "classification":
        return f"{score:.4f}"
    return "0" if abs(score) < NOTHING else f"{score:.1e}"


def spreads(task: Task, outcome: Outcome, names: tuple[str, ...]) -> dict[str, Spread]:
    """Return contender -> spread, of those that have results."""
    known = (name for name in names if outcome.get(name))
    return {name: Spread(task, tuple(result.score for result in outcome[name].values())) for name in known}


def best(found: dict[str, Spread]) -> str:
    """Return the name of the best median; the first of equals."""
    first, *others = found
    for name in others:
        if found[name].better(found[first]):
            first = name
    return first


@dataclass(frozen=True)
class Line:
    """One line of a table: a problem, and which contender stands under which title."""

    label: str
    problem: Problem
    columns: dict[str, str]

    def spreads(self, outcome: Outcome) -> dict[str, Spread]:
        """Return title -> spread, of those that have results."""
        found = spreads(self.problem.task, outcome, tuple(self.columns.values()))
        return {title: found[name] for title, name in self.columns.items() if name in found}

    def cells(self, outcome: Outcome, titles: tuple[str, ...]) -> tuple[str, ...]:
        """Return the label and a cell for each title, the best median in bold."""
        found = self.spreads(outcome)
        cells = {title: f"**{one}**" if title == best(found) else str(one) for title, one in found.items()}
        return (self.label, *(cells.get(title, "") for title in titles))


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table in Markdown, its first column to the left and the others to the right."""
    rule = ("---", *("---:" for _ in header[1:]))
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))

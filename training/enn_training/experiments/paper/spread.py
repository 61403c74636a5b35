"""Summarize scores over seeds as median and worst, compare them, and format tables."""

from dataclasses import dataclass
from statistics import median

from enn_models.network import Task
from enn_training.data.problems import Problem
from enn_training.experiments.paper.results import Result

Outcome = dict[str, dict[int, Result]]
"""Contender -> seed -> result, of one problem."""
ZERO_ERROR = 1e-12
"""Mean squared error below which a score is shown as 0."""


@dataclass(frozen=True)
class Spread:
    """Scores of one contender on one problem over its seeds: accuracies, or mean squared errors of a regression."""

    task: Task
    scores: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median over the seeds."""
        return median(self.scores)

    @property
    def worst(self) -> float:
        """Score of the worst seed."""
        return min(self.scores) if self.task == "classification" else max(self.scores)

    def better(self, other: "Spread") -> bool:
        """Return True if the median is strictly better than that of another contender."""
        return self.median > other.median if self.task == "classification" else self.median < other.median

    def reaches(self, required: float) -> bool:
        """Return True if every seed reaches the required score."""
        return self.worst >= required if self.task == "classification" else self.worst <= required

    def __str__(self) -> str:
        """Return median / worst."""
        return f"{format_score(self.task, self.median)} / {format_score(self.task, self.worst)}"

    def describe_exactly(self) -> str:
        """Return median / worst; errors near 0 with their digits, unlike in `str`."""
        digits = ".4f" if self.task == "classification" else ".1e"
        return f"{self.median:{digits}} / {self.worst:{digits}}"


def format_score(task: Task, score: float) -> str:
    """Return a score as shown in tables."""
    if task == "classification":
        return f"{score:.4f}"
    return "0" if abs(score) < ZERO_ERROR else f"{score:.1e}"


def collect_spreads(task: Task, outcome: Outcome, names: tuple[str, ...]) -> dict[str, Spread]:
    """Return contender -> spread, for the contenders that have results."""
    known = (name for name in names if outcome.get(name))
    return {name: Spread(task, tuple(result.score for result in outcome[name].values())) for name in known}


def best_contender(spreads: dict[str, Spread]) -> str:
    """Return the name with the best median; the first of equal ones."""
    first, *others = spreads
    for name in others:
        if spreads[name].better(spreads[first]):
            first = name
    return first


@dataclass(frozen=True)
class Line:
    """Table line: a problem, and the contender under each title."""

    label: str
    problem: Problem
    columns: dict[str, str]

    def spreads(self, outcome: Outcome) -> dict[str, Spread]:
        """Return title -> spread, for the contenders that have results."""
        by_name = collect_spreads(self.problem.task, outcome, tuple(self.columns.values()))
        return {title: by_name[name] for title, name in self.columns.items() if name in by_name}

    def cells(self, outcome: Outcome, titles: tuple[str, ...]) -> tuple[str, ...]:
        """Return the label and a cell for each title, with the best median in bold."""
        spreads = self.spreads(outcome)
        cells = {
            title: f"**{spread}**" if title == best_contender(spreads) else str(spread)
            for title, spread in spreads.items()
        }
        return (self.label, *(cells.get(title, "") for title in titles))


def markdown_table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table with a left-aligned first column and right-aligned other columns."""
    rule = ("---", *("---:" for _ in header[1:]))
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))

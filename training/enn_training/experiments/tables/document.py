"""The document: prose from template.md, every number from the results."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from statistics import fmean, stdev

from enn_training.experiments.tables.contenders import contenders
from enn_training.experiments.tables.limit import LIMIT
from enn_training.experiments.tables.measures import Measured
from enn_training.experiments.tables.results import DEFAULT, SEARCHED, Found, Results, Run
from enn_training.experiments.tables.tables import Table, tables

NAMES = tuple(contender.name for contender in contenders())
ENN, EBM = "ENN", "EBM"
MEASURES = {
    "score": "accuracy or R2",
    "loss": "log-loss or RMSE",
    "calibration": "calibration error",
    "parameters": "learned numbers",
    "seconds": "seconds to learn",
}
HIGHER_IS_BETTER = "score"


@dataclass(frozen=True)
class Outcome:
    """All contenders on one table, on the same folds.

    Attributes:
        table: Which one.
        found: Its size.
        folds: Contender -> what was measured, fold by fold.
    """

    table: Table
    found: Found
    folds: dict[str, tuple[Measured, ...]]

    def values(self, measure: str) -> dict[str, list[float]]:
        """Return contender -> the values of a measure, fold by fold; none where it has no meaning."""
        of_all = {name: [getattr(one, measure) for one in folds] for name, folds in self.folds.items()}
        return {name: [value for value in values if value is not None] for name, values in of_all.items()}

    def ranks(self, measure: str) -> dict[str, float]:
        """Return contender -> place by the mean of a measure, 1 for the best; equal ones share theirs."""
        sign = -1.0 if measure == HIGHER_IS_BETTER else 1.0
        means = {name: sign * fmean(values) for name, values in self.values(measure).items() if values}
        return {name: _rank(mean, list(means.values())) for name, mean in means.items()}


def outcomes(results: Results, mode: str) -> tuple[Outcome, ...]:
    """Return the tables on which every contender was measured on all folds that any was, in the order of tables()."""
    return tuple(outcome for table in tables() if (outcome := _outcome(results, table, mode)))


def _outcome(results: Results, table: Table, mode: str) -> Outcome | None:
    found, plan = results.read(table.name), results.plan
    repeats = plan.repeats if mode == DEFAULT else plan.searched
    places = [(repeat, fold) for repeat in range(repeats) for fold in range(plan.folds)]
    if found is None or not places:
        return None
    runs = {name: [found.runs.get(Run(mode, name, *place)) for place in places] for name in NAMES}
    folds = {name: tuple(one for one in of_one if one) for name, of_one in runs.items()}
    return Outcome(table, found, folds) if all(len(one) == len(places) for one in folds.values()) else None


def _rank(value: float, values: list[float]) -> float:
    """Return the place of a value among all, 1 for the least; equal ones share the mean of their places."""
    return 0.5 + sum(other < value for other in values) + values.count(value) / 2


def text(results: Results) -> str:
    """Return the document, in Markdown."""
    plain, searched, plan = outcomes(results, DEFAULT), outcomes(results, SEARCHED), results.plan
    fields: dict[str, object] = {
        "tables": len(tables()),
        "measured": len(plain),
        "searched_tables": len(searched),
        "folds": plan.folds,
        "repeats": plan.repeats,
        "searched_repeats": plan.searched,
        "sources": _sources(plain),
        "ranks": _ranks(plain),
        "searched_ranks": _ranks(searched),
        "unseen_ranks": _ranks([one for one in plain if one.table.unseen]),
        "unseen_verdict": _verdict([one for one in plain if one.table.unseen]),
        "incomplete": _incomplete(results, plain),
        "verdict": _verdict(plain),
        "gains": _gains(plain, searched),
        "without_search": _without_search(plain, searched),
        "limit": f"{LIMIT / 60:g}",
        "searched_verdict": _verdict(searched),
        "settings": _settings(),
    }
    fields |= {measure: _table(plain, measure) for measure in MEASURES}
    fields |= {f"searched_{measure}": _table(searched, measure) for measure in MEASURES}
    template = files("enn_training.experiments.tables").joinpath("template.md").read_text()
    return template.format(**fields)


def _sources(measured: Sequence[Outcome]) -> str:
    rows = [
        [
            one.table.name,
            one.table.source,
            str(one.found.rows),
            str(one.found.columns),
            "regression" if not one.found.classes else f"{one.found.classes} classes",
        ]
        for one in measured
    ]
    return _markdown(("table", "package and data set", "rows", "columns", "task"), rows)


def _incomplete(results: Results, measured: Sequence[Outcome]) -> str:
    """Return what is known of the tables that are not in the ranks, so that none drops out unseen."""
    rows = [
        [table.name, *(_known(results, table.name, name) for name in NAMES)]
        for table in tables()
        if table.name not in {one.table.name for one in measured}
    ]
    return _markdown(("table", *NAMES), rows) if rows else "None."


def _known(results: Results, table: str, name: str) -> str:
    """Return the mean loss of a contender over those folds of a table that it learned with defaults."""
    found, plan = results.read(table), results.plan
    of_one = [one for run, one in found.runs.items() if (run.mode, run.contender) == (DEFAULT, name)] if found else []
    losses = [one.loss for one in of_one if one]
    if len(losses) < len(of_one):
        return f"not finished within {LIMIT / 60:g} minutes"
    return f"{fmean(losses):.3g} ({len(losses)} of {plan.folds * plan.repeats} folds)" if losses else "not measured"


def _without_search(plain: Sequence[Outcome], searched: Sequence[Outcome]) -> str:
    """Return the tables that no search was measured on, with what makes it long."""
    left = [one for one in plain if one.table.name not in {other.table.name for other in searched}]
    told = [f"{one.table.name} ({fmean(one.values('seconds')[EBM]):.0f} s)" for one in left]
    return ", ".join(told) or "none"


def _gains(plain: Sequence[Outcome], searched: Sequence[Outcome]) -> str:
    """Return on how many folds the search of each contender left its defaults, and on how many that helped."""
    defaults = {one.table.name: one.folds for one in plain}
    told: list[str] = []
    for name in NAMES:
        both = [(defaults[one.table.name], one.folds) for one in searched if one.table.name in defaults]
        pairs = [pair for before, after in both for pair in zip(before[name], after[name], strict=False)]
        left = [(before.loss, after.loss) for before, after in pairs if after.settings]
        told.append(f"{name} {sum(after < before for before, after in left)} of {len(left)}")
    return ", ".join(told)


def _ranks(measured: Sequence[Outcome]) -> str:
    """Return the mean ranks over all tables."""
    rows: list[list[str]] = []
    for measure, title in MEASURES.items():
        places = [ranks for one in measured if (ranks := one.ranks(measure))]
        means = {name: fmean(ranks[name] for ranks in places) for name in NAMES} if places else {}
        rows.append([title, *_bold({name: f"{mean:.2f}" for name, mean in means.items()}, means)])
    return _markdown(("mean rank by", *NAMES), rows) if measured else "Not measured."


def _verdict(measured: Sequence[Outcome]) -> str:
    """Return how the ENN stands beside the EBM, in sentences."""
    if not measured:
        return ""
    lines: list[str] = []
    for measure in ("score", "loss"):
        ranks = [one.ranks(measure) for one in measured]
        ahead = [one.table.name for one, rank in zip(measured, ranks, strict=True) if rank[ENN] < rank[EBM]]
        behind = [one.table.name for one, rank in zip(measured, ranks, strict=True) if rank[ENN] > rank[EBM]]
        lines.append(
            f"- By {MEASURES[measure]} the ENN is ahead of the EBM on {len(ahead)} tables"
            f" ({', '.join(ahead) or 'none'}) and behind on {len(behind)} ({', '.join(behind) or 'none'})."
        )
    return "\n".join(lines)


def _table(measured: Sequence[Outcome], measure: str) -> str:
    """Return mean and standard deviation over the folds of every table and contender, the best mean in bold."""
    rows: list[list[str]] = []
    for one in measured:
        values = {name: found for name, found in one.values(measure).items() if found}
        if values:
            ranks = one.ranks(measure)
            rows.append([one.table.name, *_bold({name: _spread(measure, values[name]) for name in NAMES}, ranks)])
    return _markdown(("table", *NAMES), rows) if rows else "Not measured."


def _spread(measure: str, values: list[float]) -> str:
    mean = fmean(values)
    if measure == "parameters":
        return f"{mean:,.0f}"
    if measure == "seconds":
        return f"{mean:.2g}" if mean < 10 else f"{mean:.0f}"
    digits = 3 if measure != "loss" else max(0, 3 - math.floor(math.log10(max(mean, 1e-9))) - 1)
    return f"{mean:.{digits}f} ± {stdev(values):.{digits}f}"


def _bold(cells: dict[str, str], ranks: dict[str, float]) -> list[str]:
    """Return the cells in order, those of the least rank in bold."""
    best = min(ranks.values(), default=0.0)
    return [f"**{cell}**" if ranks[name] == best else cell for name, cell in cells.items()]


def _settings() -> str:
    lines: list[str] = []
    for contender in contenders():
        first, *others = dict.fromkeys("; ".join(map(_words, some)) for some in contender.settings.values())
        lines.append(f"- {contender.name}: {first}" + "".join(f" (regression: {other})" for other in others))
    return "\n".join(lines)


def _words(settings: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "the defaults"


def _markdown(titles: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    head = list(titles)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

"""Render the page on real tables from template.md and the results."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from statistics import fmean, stdev

from enn_training.experiments.tables.contenders import contenders
from enn_training.experiments.tables.limit import LIMIT_SECONDS
from enn_training.experiments.tables.measures import Measurement
from enn_training.experiments.tables.results import DEFAULT, SEARCHED, Results, Run, TableResults
from enn_training.experiments.tables.tables import Table, further_tables, tables

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
NOT_MEASURED = "Not measured."


@dataclass(frozen=True)
class Outcome:
    """Results of all models on the same folds of one table.

    Attributes:
        table: Table.
        results: Stored results of the table, with its sizes.
        folds: Contender -> measurements, fold by fold.
    """

    table: Table
    results: TableResults
    folds: dict[str, tuple[Measurement, ...]]

    def values(self, measure: str) -> dict[str, list[float]]:
        """Return contender -> values of a measure, fold by fold; empty if the measure does not apply."""
        by_name = {name: [getattr(measurement, measure) for measurement in folds] for name, folds in self.folds.items()}
        return {name: [value for value in values if value is not None] for name, values in by_name.items()}

    def ranks(self, measure: str) -> dict[str, float]:
        """Return contender -> rank by the mean of a measure, 1 for the best; equal means share their rank."""
        sign = -1.0 if measure == HIGHER_IS_BETTER else 1.0
        means = {name: sign * fmean(values) for name, values in self.values(measure).items() if values}
        return {name: _shared_rank(mean, list(means.values())) for name, mean in means.items()}


def outcomes(results: Results, mode: str, chosen: Sequence[Table] | None = None) -> tuple[Outcome, ...]:
    """Return the tables with complete measurements of every model, in the order of the chosen ones or `tables()`."""
    chosen = tables() if chosen is None else chosen
    return tuple(outcome for table in chosen if (outcome := _complete_outcome(results, table, mode)))


def _complete_outcome(results: Results, table: Table, mode: str) -> Outcome | None:
    """Return the results of a table; None if a measurement is missing."""
    stored, plan = results.read(table.name), results.plan
    repeats = plan.repeats if mode == DEFAULT else plan.searched
    positions = [(repeat, fold) for repeat in range(repeats) for fold in range(plan.folds)]
    if stored is None or not positions:
        return None
    names = [contender.name for contender in contenders(further=table.further)]
    runs = {name: [stored.runs.get(Run(mode, name, *position)) for position in positions] for name in names}
    folds = {name: tuple(filter(None, measurements)) for name, measurements in runs.items()}
    complete = all(len(measurements) == len(positions) for measurements in folds.values())
    return Outcome(table, stored, folds) if complete else None


def _shared_rank(value: float, values: list[float]) -> float:
    """Return the rank of a value, 1 for the lowest; equal values share the mean of their ranks."""
    return 0.5 + sum(other < value for other in values) + values.count(value) / 2


def render(results: Results) -> str:
    """Return the page in Markdown."""
    plain, searched, plan = outcomes(results, DEFAULT), outcomes(results, SEARCHED), results.plan
    further = outcomes(results, DEFAULT, further_tables())
    fields: dict[str, object] = {
        "tables": len(tables()),
        "measured": len(plain),
        "searched_tables": len(searched),
        "folds": plan.folds,
        "repeats": plan.repeats,
        "searched_repeats": plan.searched,
        "sources": _sources_table(plain),
        "ranks": _ranks_table(plain),
        "searched_ranks": _ranks_table(searched),
        "unseen_ranks": _ranks_table([outcome for outcome in plain if outcome.table.unseen]),
        "unseen_verdict": _describe_comparison([outcome for outcome in plain if outcome.table.unseen]),
        "further": len(further_tables()),
        "further_measured": len(further),
        "further_sources": "; ".join(f"{table.name} ({table.source})" for table in further_tables()),
        "further_ranks": _ranks_table(further),
        "further_verdict": _describe_lead(further),
        "further_loss": _measure_table(further, "loss"),
        "further_calibration": _measure_table(further, "calibration"),
        "incomplete": _incomplete_table(results, plain),
        "verdict": _describe_comparison(plain),
        "gains": _describe_gains(plain, searched),
        "without_search": _without_search(plain, searched),
        "limit": f"{LIMIT_SECONDS / 60:g}",
        "searched_verdict": _describe_comparison(searched),
        "settings": _describe_settings(),
    }
    fields |= {measure: _measure_table(plain, measure) for measure in MEASURES}
    fields |= {f"searched_{measure}": _measure_table(searched, measure) for measure in MEASURES}
    template = files("enn_training.experiments.tables").joinpath("template.md").read_text()
    return template.format(**fields)


def _sources_table(measured: Sequence[Outcome]) -> str:
    """Return the table of sources and sizes."""
    rows = [
        [
            outcome.table.name,
            outcome.table.source,
            str(outcome.results.rows),
            str(outcome.results.columns),
            "regression" if not outcome.results.classes else f"{outcome.results.classes} classes",
        ]
        for outcome in measured
    ]
    return _markdown_table(("table", "package and data set", "rows", "columns", "task"), rows)


def _incomplete_table(results: Results, measured: Sequence[Outcome]) -> str:
    """Return the known losses on tables that are not in the ranks, so that no table is dropped silently."""
    rows = [
        [table.name, *(_describe_known(results, table.name, name) for name in NAMES)]
        for table in tables()
        if table.name not in {outcome.table.name for outcome in measured}
    ]
    return _markdown_table(("table", *NAMES), rows) if rows else "None."


def _describe_known(results: Results, table: str, name: str) -> str:
    """Return the mean loss of a model over the completed folds of a table with default settings."""
    stored, plan = results.read(table), results.plan
    measurements = (
        [measurement for run, measurement in stored.runs.items() if (run.mode, run.contender) == (DEFAULT, name)]
        if stored
        else []
    )
    losses = [measurement.loss for measurement in measurements if measurement]
    if len(losses) < len(measurements):
        return f"not finished within {LIMIT_SECONDS / 60:g} minutes"
    return f"{fmean(losses):.3g} ({len(losses)} of {plan.folds * plan.repeats} folds)" if losses else "not measured"


def _without_search(plain: Sequence[Outcome], searched: Sequence[Outcome]) -> str:
    """Return the tables without a search, with the seconds of one fit of the EBM."""
    unsearched = [outcome for outcome in plain if outcome.table.name not in {other.table.name for other in searched}]
    seconds = [f"{outcome.table.name} ({fmean(outcome.values('seconds')[EBM]):.0f} s)" for outcome in unsearched]
    return ", ".join(seconds) or "none"


def _describe_gains(plain: Sequence[Outcome], searched: Sequence[Outcome]) -> str:
    """Return, for each model, on how many folds the search left the defaults and on how many of these the loss fell."""
    defaults = {outcome.table.name: outcome.folds for outcome in plain}
    gains: list[str] = []
    for name in NAMES:
        both = [(defaults[outcome.table.name], outcome.folds) for outcome in searched if outcome.table.name in defaults]
        pairs = [pair for before, after in both for pair in zip(before[name], after[name], strict=False)]
        changed = [(before.loss, after.loss) for before, after in pairs if after.settings]
        gains.append(f"{name} {sum(after < before for before, after in changed)} of {len(changed)}")
    return ", ".join(gains)


def _ranks_table(measured: Sequence[Outcome]) -> str:
    """Return the mean ranks over all tables."""
    if not measured:
        return NOT_MEASURED
    rows: list[list[str]] = []
    for measure, title in MEASURES.items():
        means = _mean_ranks(measured, measure)
        rows.append([title, *_bold_best({name: f"{mean:.2f}" for name, mean in means.items()}, means)])
    return _markdown_table(("mean rank by", *measured[0].folds), rows)


def _mean_ranks(measured: Sequence[Outcome], measure: str) -> dict[str, float]:
    """Return contender -> mean rank over the tables to which a measure applies; empty if it applies to none."""
    table_ranks = [ranks for outcome in measured if (ranks := outcome.ranks(measure))]
    return {name: fmean(ranks[name] for ranks in table_ranks) for name in measured[0].folds} if table_ranks else {}


def _describe_lead(measured: Sequence[Outcome]) -> str:
    """Return for loss and calibration error whether the ENN has the least mean rank, or which models are not behind."""
    lines: list[str] = []
    for measure in ("loss", "calibration"):
        means = _mean_ranks(measured, measure) if measured else {}
        others = [name for name, mean in means.items() if name != ENN and mean <= means[ENN]]
        if means:
            verdict = f"behind or level with {', '.join(others)}" if others else "ahead of all"
            lines.append(f"- In mean rank by {MEASURES[measure]} the ENN is {verdict}.")
    return "\n".join(lines)


def _describe_comparison(measured: Sequence[Outcome]) -> str:
    """Return the tables on which the ENN is ahead of the EBM, and behind it."""
    if not measured:
        return ""
    lines: list[str] = []
    for measure in ("score", "loss"):
        ranks = [outcome.ranks(measure) for outcome in measured]
        ahead = [outcome.table.name for outcome, rank in zip(measured, ranks, strict=True) if rank[ENN] < rank[EBM]]
        behind = [outcome.table.name for outcome, rank in zip(measured, ranks, strict=True) if rank[ENN] > rank[EBM]]
        lines.append(
            f"- By {MEASURES[measure]} the ENN is ahead of the EBM on {len(ahead)} tables"
            f" ({', '.join(ahead) or 'none'}) and behind on {len(behind)} ({', '.join(behind) or 'none'})."
        )
    return "\n".join(lines)


def _measure_table(measured: Sequence[Outcome], measure: str) -> str:
    """Return mean and standard deviation of every table and model over the folds, with the best mean in bold."""
    rows: list[list[str]] = []
    for outcome in measured:
        values = {name: folds for name, folds in outcome.values(measure).items() if folds}
        if values:
            ranks = outcome.ranks(measure)
            rows.append(
                [
                    outcome.table.name,
                    *_bold_best({name: _format_spread(measure, each) for name, each in values.items()}, ranks),
                ]
            )
    return _markdown_table(("table", *measured[0].folds), rows) if rows else NOT_MEASURED


def _format_spread(measure: str, values: list[float]) -> str:
    """Return mean and standard deviation as text."""
    mean = fmean(values)
    if measure == "parameters":
        return f"{mean:,.0f}"
    if measure == "seconds":
        return f"{mean:.2g}" if mean < 10 else f"{mean:.0f}"
    digits = 3 if measure != "loss" else max(0, 3 - math.floor(math.log10(max(mean, 1e-9))) - 1)
    return f"{mean:.{digits}f} ± {stdev(values):.{digits}f}"


def _bold_best(cells: dict[str, str], ranks: dict[str, float]) -> list[str]:
    """Return the cells in order, with the best rank in bold."""
    best = min(ranks.values(), default=0.0)
    return [f"**{cell}**" if ranks[name] == best else cell for name, cell in cells.items()]


def _describe_settings() -> str:
    """Return the settings tried for each model."""
    lines: list[str] = []
    for contender in contenders():
        first, *others = dict.fromkeys("; ".join(map(_format_settings, some)) for some in contender.settings.values())
        lines.append(f"- {contender.name}: {first}" + "".join(f" (regression: {other})" for other in others))
    return "\n".join(lines)


def _format_settings(settings: dict[str, object]) -> str:
    """Return settings as text."""
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "the defaults"


def _markdown_table(titles: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    head = list(titles)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

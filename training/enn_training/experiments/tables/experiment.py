"""Run the missing measurements: every model on every fold of every table, with defaults and after a search."""

import math
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from tqdm import tqdm

from enn_training.experiments.tables.contenders import Contender, contenders
from enn_training.experiments.tables.limit import LIMIT_SECONDS, UnfinishedError, run_limited
from enn_training.experiments.tables.measures import Measurement, score_model
from enn_training.experiments.tables.results import DEFAULT, SEARCHED, Plan, Results, Run, TableResults
from enn_training.experiments.tables.tables import Table

VALIDATION_SHARE = 0.2
"""Share of a fold's training rows on which the search compares settings."""


class Part(NamedTuple):
    """Rows of a table with their targets."""

    x: pd.DataFrame
    y: pd.Series


class Fit(NamedTuple):
    """Scores of a fitted model; attributes as in `Measurement`."""

    score: float
    loss: float
    calibration: float | None
    parameters: int
    seconds: float


def planned_runs(plan: Plan, *, further: bool = False) -> Iterator[Run]:
    """Yield all runs of a plan for one table; the further tables have no search."""
    for mode, repeats in ((DEFAULT, plan.repeats), (SEARCHED, 0 if further else plan.searched)):
        for repeat in range(repeats):
            for fold in range(plan.folds):
                yield from (Run(mode, contender.name, repeat, fold) for contender in contenders(further=further))


def run(results: Results, chosen: tuple[Table, ...]) -> None:
    """Measure the missing runs and store each result immediately."""
    total = sum(len(list(planned_runs(results.plan, further=table.further))) for table in chosen)
    with tqdm(total=total, unit="model", disable=None) as bar:
        for table in chosen:
            x, y = table.load()
            classes = y.nunique() if table.task == "classification" else 0
            measured = results.read(table.name) or TableResults(len(x), x.shape[1], classes, {})
            for planned in planned_runs(results.plan, further=table.further):
                bar.set_postfix_str(f"{table.name} {planned.mode} {planned.contender}")
                if planned not in measured.runs and not measured.unfinished(planned):
                    measured = replace(
                        measured, runs=measured.runs | {planned: measure(table, x, y, planned, results.plan.folds)}
                    )
                    results.write(table.name, measured)
                bar.update()


def measure(table: Table, x: pd.DataFrame, y: pd.Series, planned: Run, folds: int) -> Measurement | None:
    """Return the measurement of one model on one fold; None if the fit exceeded the time limit."""
    splitter = StratifiedKFold if table.task == "classification" else KFold
    train, test = list(splitter(folds, shuffle=True, random_state=planned.repeat).split(x, y))[planned.fold]
    contender = next(each for each in contenders(further=table.further) if each.name == planned.contender)
    training = Part(x.iloc[train], y.iloc[train])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # defaults that do not converge are measured too
        index, searching = _search_settings(contender, table, training) if planned.mode == SEARCHED else (0, 0.0)
        fit = _fit(contender, table, index, training, Part(x.iloc[test], y.iloc[test]))
    if fit is None:
        return None
    return Measurement(
        score=round(fit.score, 6),
        loss=float(f"{fit.loss:.6g}"),
        calibration=None if fit.calibration is None else round(fit.calibration, 6),
        parameters=fit.parameters,
        seconds=round(searching + fit.seconds, 3),
        settings=index,
    )


def _fit(contender: Contender, table: Table, index: int, training: Part, test: Part) -> Fit | None:
    """Return the scores of a model on other rows; None if the fit exceeded the time limit."""

    def fit() -> Fit:
        began = time.process_time()
        model = contender.build(table.task, contender.settings[table.task][index]).fit(*training)
        seconds = time.process_time() - began
        return Fit(*score_model(table.task, model, *test), contender.parameters(model), seconds)

    try:
        return run_limited(fit, LIMIT_SECONDS)
    except UnfinishedError:
        return None


def _search_settings(contender: Contender, table: Table, rows: Part) -> tuple[int, float]:
    """Return the index of the settings with the lowest loss on held-out rows, and the CPU seconds of the search.

    Settings whose fit exceeds the time limit are not selected.
    """
    stratified = rows.y if table.task == "classification" else None
    train, validation = train_test_split(
        np.arange(len(rows.x)), test_size=VALIDATION_SHARE, random_state=0, stratify=stratified
    )
    parts = [Part(rows.x.iloc[part], rows.y.iloc[part]) for part in (train, validation)]
    fits = [_fit(contender, table, index, *parts) for index in range(len(contender.settings[table.task]))]
    losses = [math.inf if fit is None else fit.loss for fit in fits]
    return int(np.argmin(losses)), sum(LIMIT_SECONDS if fit is None else fit.seconds for fit in fits)

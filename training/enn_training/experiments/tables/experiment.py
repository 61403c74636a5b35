"""Run the missing measurements: every model on every fold of every table, with defaults and after a search."""

import math
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from tqdm import tqdm

from enn_training.experiments.tables.contenders import Contender, Settings, contenders
from enn_training.experiments.tables.limit import UnfinishedError, cpu_time_limit
from enn_training.experiments.tables.measures import Measurement, score_model
from enn_training.experiments.tables.results import DEFAULT, SEARCHED, Plan, Results, Run, TableResults
from enn_training.experiments.tables.tables import Table

VALIDATION_SHARE = 0.2
"""Share of a fold's training rows on which the search compares settings."""


def planned_runs(plan: Plan) -> Iterator[Run]:
    """Yield all runs of a plan for one table."""
    for mode, repeats in ((DEFAULT, plan.repeats), (SEARCHED, plan.searched)):
        for repeat in range(repeats):
            for fold in range(plan.folds):
                yield from (Run(mode, contender.name, repeat, fold) for contender in contenders())


def run(results: Results, chosen: tuple[Table, ...]) -> None:
    """Measure the missing runs and store each result immediately."""
    with tqdm(total=len(chosen) * len(list(planned_runs(results.plan))), unit="model", disable=None) as bar:
        for table in chosen:
            x, y = table.load()
            classes = y.nunique() if table.task == "classification" else 0
            measured = results.read(table.name) or TableResults(len(x), x.shape[1], classes, {})
            for planned in planned_runs(results.plan):
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
    contender = next(each for each in contenders() if each.name == planned.contender)
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # defaults that do not converge are measured too
        index = _search_settings(contender, table, x.iloc[train], y.iloc[train]) if planned.mode == SEARCHED else 0
        model = _fit(contender, table, contender.settings[table.task][index], x.iloc[train], y.iloc[train])
        if model is None:
            return None
        seconds = time.process_time() - began
        score, loss, calibration = score_model(table.task, model, x.iloc[test], y.iloc[test])
    return Measurement(
        score=round(score, 6),
        loss=float(f"{loss:.6g}"),
        calibration=None if calibration is None else round(calibration, 6),
        parameters=contender.parameters(model),
        seconds=round(seconds, 3),
        settings=index,
    )


def _fit(contender: Contender, table: Table, settings: Settings, x: pd.DataFrame, y: pd.Series) -> Any:  # noqa: ANN401
    """Return a fitted model; None if the fit exceeded the time limit."""
    try:
        with cpu_time_limit():
            return contender.build(table.task, settings).fit(x, y)
    except UnfinishedError:
        return None


def _search_settings(contender: Contender, table: Table, x: pd.DataFrame, y: pd.Series) -> int:
    """Return the index of the settings with the lowest loss on held-out rows.

    Settings whose fit exceeds the time limit are not selected.
    """
    stratified = y if table.task == "classification" else None
    train, validation = train_test_split(
        np.arange(len(x)), test_size=VALIDATION_SHARE, random_state=0, stratify=stratified
    )
    losses: list[float] = []
    for settings in contender.settings[table.task]:
        model = _fit(contender, table, settings, x.iloc[train], y.iloc[train])
        losses.append(
            math.inf if model is None else score_model(table.task, model, x.iloc[validation], y.iloc[validation])[1]
        )
    return int(np.argmin(losses))

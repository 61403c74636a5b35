"""The benchmark of tables measures what it says, goes on where it was stopped and ranks fairly."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor

from enn_training.errors import DataError, OptionError
from enn_training.experiments.tables import document, experiment
from enn_training.experiments.tables.contenders import Contender, contenders
from enn_training.experiments.tables.limit import run_limited
from enn_training.experiments.tables.measures import Measurement, calibration_error, score_model
from enn_training.experiments.tables.results import DEFAULT, SEARCHED, Plan, Results, Run, TableResults
from enn_training.experiments.tables.tables import Table, further_tables, parse_tables, tables

PLAN = Plan(2, 1, 1)


def measured(loss, score=0.5):
    return Measurement(score, loss, None, 10, 1.0, 0)


@pytest.fixture
def results(tmp_path):
    """Return results of one table where the contenders stand in the order of contenders()."""
    results = Results(tmp_path, PLAN)
    places = {contender.name: place for place, contender in enumerate(contenders())}
    runs: dict[Run, Measurement | None] = {
        one: measured(1.0 + places[one.contender], 0.9 - places[one.contender] / 10)
        for one in experiment.planned_runs(PLAN)
    }
    results.write("diabetes", TableResults(442, 10, 0, runs))
    return results


def test_results_survive_writing_and_reading(results):
    found = results.read("diabetes")
    results.write("wine", found)
    assert results.read("wine") == found
    assert results.read("iris") is None


def test_results_of_other_folds_or_none_at_all_are_refused(results):
    with pytest.raises(OptionError, match="made with 2 folds, not 5; choose another --output"):
        Results(results.folder, Plan(5)).read("diabetes")
    (results.folder / "wine.json").write_text(json.dumps({"rows": 3}))
    with pytest.raises(DataError, match="not a file of results"):
        results.read("wine")


def test_ranks_follow_the_means_and_equal_ones_share_their_place(results):
    outcome = document.outcomes(results, DEFAULT)[0]
    assert list(outcome.ranks("loss").values()) == [1, 2, 3, 4, 5]
    assert list(outcome.ranks("score").values()) == [1, 2, 3, 4, 5]
    assert set(outcome.ranks("seconds").values()) == {3.0}
    assert outcome.ranks("calibration") == {}


def test_only_completely_measured_tables_count(results):
    found = results.read("diabetes")
    del found.runs[Run(SEARCHED, "EBM", 0, 1)]
    results.write("diabetes", found)
    assert len(document.outcomes(results, DEFAULT)) == 1
    assert document.outcomes(results, SEARCHED) == ()
    assert "| wine | not measured | not measured |" in document.render(results)
    assert "one fit of the EBM: diabetes (1 s)." in document.render(results)
    assert "| diabetes | **1.00 ± 0.00** | 2.00 ± 0.00" in document.render(results)


def test_page_names_tables_where_a_search_helped(results):
    found = results.read("diabetes")
    better, worse = replace(measured(0.5), settings=1), replace(measured(1.5), settings=2)
    searched = {Run(SEARCHED, "ENN", 0, 0): better, Run(SEARCHED, "ENN", 0, 1): worse}
    results.write("diabetes", replace(found, runs=found.runs | searched))
    assert "selected other settings than the defaults: ENN 1 of 2, EBM 0 of 0" in document.render(results)


def test_further_tables_have_their_own_section_and_lightgbm(results):
    table, names = further_tables()[0], [contender.name for contender in contenders(further=True)]
    runs: dict[Run, Measurement | None] = {
        one: replace(measured(1.0 + names.index(one.contender)), calibration=0.1 * (5 - names.index(one.contender)))
        for one in experiment.planned_runs(PLAN, further=True)
    }
    assert {one.mode for one in runs} == {DEFAULT}
    results.write(table.name, TableResults(100, 2, 2, runs))
    text = document.render(results)
    assert "Completely measured: 1 of 8." in text
    assert "| log-loss or RMSE | **1.00** | 2.00 | 3.00 | 4.00 | 5.00 |" in text
    assert "log-loss or RMSE the ENN is ahead of all." in text
    assert "calibration error the ENN is behind or level with EBM, linear, MLP, LightGBM." in text
    assert len(document.outcomes(results, DEFAULT)) == 1


def test_table_with_an_unfinished_fit_is_reported_but_not_ranked(results):
    found = results.read("diabetes")
    del found.runs[Run(DEFAULT, "EBM", 0, 1)]
    results.write("diabetes", replace(found, runs=found.runs | {Run(DEFAULT, "EBM", 0, 0): None}))
    assert results.read("diabetes").unfinished(Run(DEFAULT, "EBM", 0, 1))
    assert document.outcomes(results, DEFAULT) == ()
    assert "| diabetes | 1 (2 of 2 folds) | not finished within 5 minutes | 3 (2 of 2 folds)" in document.render(
        results
    )


def test_fit_over_the_time_limit_is_stopped_and_not_selected(monkeypatch):
    class Slow:
        def fit(self, _x, _y):
            while True:
                np.linalg.svd(np.zeros((400, 400)))  # compiled code, which a signal handler of Python waits for

    def build(task, settings):
        return Slow() if settings else DummyRegressor()

    monkeypatch.setattr(experiment, "LIMIT_SECONDS", 1)
    for settings, finished in (({"slow": True}, {}), True), (({"slow": True}, {"slow": True}), False):
        one = Contender("slow", build, {"regression": settings}, lambda _: 1)
        monkeypatch.setattr(experiment, "contenders", lambda one=one, **_: (one,))
        table = small("regression")
        found = experiment.measure(table, *table.load(), Run(SEARCHED, "slow", 0, 0), 2)
        assert (found is not None and found.settings == 1) == finished


def test_error_of_a_fit_reaches_its_caller():
    with pytest.raises(ZeroDivisionError):
        run_limited(lambda: 1 // 0, 60)


def test_calibration_is_the_distance_of_confidence_and_accuracy():
    confidence = np.array([0.95, 0.95, 0.65, 1.0])
    right = np.array([True, False, True, True])
    assert calibration_error(confidence, right) == pytest.approx((abs(0.95 + 0.95 + 1.0 - 2) + abs(0.65 - 1)) / 4)


def test_a_regression_is_judged_in_the_unit_of_its_target():
    class Constant:
        def predict(self, x):
            return np.full(len(x), 2.0)

    y = pd.Series([0.0, 4.0])
    assert score_model("regression", Constant(), pd.DataFrame({"a": [0, 0]}), y) == (0.0, 2.0, None)


def small(task):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=60), "b": pd.Categorical(random.choice(["x", "y"], 60))})
    frame.loc[:5, "a"] = np.nan
    target = pd.Series(np.where(frame["b"] == "x", 1.0, 0.0))
    return Table(
        "diabetes", "made here", task, lambda: (frame, target if task == "regression" else target == 1), unseen=True
    )


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("name", ["linear", "MLP", "boosted trees"])
def test_a_contender_learns_a_table_with_categories_and_missing_values(name, task):
    table = small(task)
    found = experiment.measure(table, *table.load(), Run(SEARCHED, name, 0, 1), 2)
    assert found is not None
    assert found.parameters > 0
    assert (found.calibration is None) == (task == "regression")


def test_measured_results_are_not_measured_again(results, monkeypatch):
    runs: list[Run] = []

    def measure(_table, _x, _y, one, _folds):
        runs.append(one)
        return measured(9.0)

    monkeypatch.setattr(experiment, "measure", measure)
    found = results.read("diabetes")
    missing = Run(DEFAULT, "ENN", 0, 1)
    del found.runs[missing]
    results.write("diabetes", found)
    experiment.run(results, (small("regression"),))
    assert runs == [missing]
    assert results.read("diabetes").runs[missing] == measured(9.0)


def test_defaults_are_tried_first_and_contenders_have_four_settings():
    for contender in contenders():
        assert isinstance(contender, Contender)
        for settings in contender.settings.values():
            assert settings[0] == {}
            assert len(settings) == 4


def test_an_unknown_table_is_refused_with_those_that_are_known():
    assert [table.name for table in parse_tables("iris,wine")] == ["iris", "wine"]
    assert parse_tables("spam")[0].further
    assert len(parse_tables(None)) == len(tables()) + len(further_tables())
    with pytest.raises(OptionError, match="no table 'moon'; expected some of iris, wine"):
        parse_tables("moon")

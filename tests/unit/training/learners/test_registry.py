"""The command line and the estimators find learners in the registry, and nowhere else."""

from dataclasses import dataclass

import numpy as np
import pytest

from enn_training import ENNRegressor
from enn_training.__main__ import main
from enn_training.data.preprocessing import Samples
from enn_training.errors import OptionError
from enn_training.learners.adam import Adam
from enn_training.learners.auto import Auto
from enn_training.learners.auto_adam import AutoAdam
from enn_training.learners.base import LearningResult, PassResult
from enn_training.learners.lms import LMS
from enn_training.learners.registry import LEARNERS, LearnerSpec, find_learner, holds_out_rows
from enn_training.nn.architecture import Architecture
from enn_training.nn.initialization import initial_network
from enn_training.publishing.load import load


@dataclass(frozen=True)
class Untrained:
    """A learner that returns the initial network."""

    passes: int = 1

    def learn(
        self, architecture: Architecture, training: Samples, validation: Samples, seed: int, watch: object = None
    ) -> LearningResult:
        del training, validation, seed, watch
        settings = {"name": "untrained", "passes": self.passes}
        return LearningResult(initial_network(architecture), 1.0, (PassResult(1, 1, 1.0),), settings)


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> LearnerSpec:
    spec = LearnerSpec("untrained", "the initial network", lambda: Untrained, options=("passes",))
    monkeypatch.setitem(LEARNERS, "untrained", spec)
    return spec


def rows() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (32, 2))


@pytest.mark.usefixtures("untrained")
def test_estimators_use_a_learner_that_is_only_registered():
    model = ENNRegressor(3).set_params(learner="untrained").fit(rows(), rows()[:, 0])
    assert model.model_.training["learner"] == {"name": "untrained", "passes": 1}


@pytest.mark.usefixtures("untrained")
def test_command_line_uses_a_learner_that_is_only_registered(monkeypatch, tmp_path):
    command = ["problem", "ring", "--samples", "64", "--learner", "untrained", "--passes", "3"]
    monkeypatch.setattr("sys.argv", ["enn-train", *command, "--models", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code in (0, None)
    assert load(tmp_path, "ring").training["learner"] == {"name": "untrained", "passes": 3}


def test_estimator_refuses_unknown_learner_with_all_names():
    with pytest.raises(
        OptionError, match=r"learner 'sgd': expected one of 'lm', 'lms', 'adam', 'auto', 'auto-adam', or an object"
    ):
        ENNRegressor().set_params(learner="sgd").fit(rows(), rows()[:, 0])


def test_command_line_refuses_unknown_learner_with_all_names(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("sys.argv", ["enn-train", "problem", "ring", "--learner", "sgd", "--models", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    text = capsys.readouterr().err
    assert all(name in text for name in ("'sgd'", "'lm'", "'lms'", "'adam'", "'auto'"))


def test_lookup_refuses_unknown_learner_with_all_names():
    with pytest.raises(OptionError, match=r"learner 'sgd': expected one of lm, lms, adam, auto"):
        find_learner("sgd")


def test_learner_refuses_option_of_another_learner():
    with pytest.raises(OptionError, match=r"pace does not belong to learner 'adam'; expected passes, spread, decay"):
        find_learner("adam").create({"pace": 2.0})


@pytest.mark.parametrize(("name", "learner"), [("lms", LMS), ("adam", Adam), ("auto", Auto), ("auto-adam", AutoAdam)])
def test_registered_names_create_their_learners(name, learner):
    assert isinstance(find_learner(name).create({"max_time": 5.0}), learner)


def test_learners_that_choose_hold_out_rows_themselves():
    learners = (LMS(), Adam(), Auto(), AutoAdam(), Untrained())
    assert [holds_out_rows(learner) for learner in learners] == [False, False, True, True, False]

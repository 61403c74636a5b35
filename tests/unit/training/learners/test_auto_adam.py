"""AutoAdam chooses by cross-validation, trains on every row, repeats itself by seed and keeps its time limit."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from enn_training.data.preprocessing import Samples
from enn_training.errors import DivergenceError, OptionError
from enn_training.learners import one_cycle as cycle
from enn_training.learners.auto_adam import LARGE, LONGER, SMALL, AutoAdam
from enn_training.learners.one_cycle import OneCycle
from enn_training.nn.architecture import Architecture
from enn_training.nn.batched import BatchedNetworks
from enn_training.nn.initialization import initial_network

LINE = Architecture(2, head="linear", task="regression")
NONE = Samples(np.zeros((0, 2)), np.zeros((0, 1)))


def rows(count, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (count, 2))
    return Samples(x, x @ [[1.0], [-0.5]] + rng.normal(0, noise, (count, 1)))


def test_size_penalties_and_steps_are_chosen_and_recorded():
    learned = AutoAdam(passes=10).learn(LINE, rows(100), NONE, 0)
    assert learned.settings["hidden"] in (SMALL, LARGE)
    assert learned.settings["passes"] in (10, 10 * LONGER)
    assert {"decay", "smoothing", "spread", "folds"} <= set(learned.settings)
    made = (2 + LONGER) * 10 + learned.settings["passes"]
    assert [epoch.number for epoch in learned.history] == list(range(1, made + 1))
    assert learned.history[-1].total == made


def test_longer_cycle_is_chosen_if_it_helps():
    data = rows(200)
    waves = Samples(data.x, np.sin(6 * data.x[:, :1]))
    assert AutoAdam(hidden=(6,), passes=10).learn(LINE, waves, NONE, 0).settings["passes"] == 10 * LONGER


def test_given_size_is_kept_for_any_number_of_layers():
    learned = AutoAdam(hidden=(5, 4), passes=3).learn(LINE, rows(40), NONE, 0)
    assert [len(layer.bias) for layer in learned.network.layers] == [5, 4, 1]


def test_auto_adam_trains_on_validation_rows_too():
    all_rows = rows(60)
    first = Samples(all_rows.x[:40], all_rows.y[:40]), Samples(all_rows.x[40:], all_rows.y[40:])
    tuned = AutoAdam(hidden=(4,), passes=3)
    apart, together = tuned.learn(LINE, *first, 0), tuned.learn(LINE, all_rows, NONE, 0)
    for one, other in zip(apart.network.layers, together.network.layers, strict=True):
        np.testing.assert_array_equal(one.weight, other.weight)


def test_a_line_in_noise_is_learned_as_a_line():
    network = AutoAdam(hidden=(8,), passes=60).learn(LINE, rows(200, noise=1.0), NONE, 0).network
    fresh = rows(1_000, seed=1)
    assert np.mean((network.respond(fresh.x).output - fresh.y) ** 2) < 0.06


def test_short_time_limit_leaves_one_pass_per_stage():
    learned = AutoAdam(max_time=1e-6).learn(LINE, rows(100), NONE, 0)
    assert len(learned.history) == 4


def one_cycle(monkeypatch, *, first, other):
    """Return the progress over 50 passes of two steps within 60 s, for times of the first step and of the others."""
    ends = itertools.chain([0.0], itertools.count(first, other))
    monkeypatch.setattr(cycle, "time", SimpleNamespace(monotonic=lambda: next(ends)))
    stack, nothing = BatchedNetworks(LINE, [initial_network(LINE)]), np.zeros(1)
    return list(
        OneCycle(50, 1e-2, 10, max_time=60).run(
            stack, rows(20), np.arange(20)[None], decay=nothing, smoothing=nothing, seed=0
        )
    )


def test_slow_first_step_does_not_reduce_later_passes(monkeypatch):
    # Compiling takes longer than learning.
    assert one_cycle(monkeypatch, first=50, other=0.05) == [(50, False)] * 50


@pytest.mark.parametrize("first", [2, 7])
def test_cycle_ends_at_the_time_limit_within_a_pass(first, monkeypatch):
    found = one_cycle(monkeypatch, first=first, other=4)
    steps = 1 + (60 - first) // 4
    assert len(found) == -(-steps // 2)
    assert found[-1] == (len(found), True)


def test_non_finite_loss_is_refused_with_remedy():
    data = rows(50)
    with pytest.raises(DivergenceError, match="no candidate has a finite loss"):
        AutoAdam(passes=2).learn(LINE, Samples(data.x, data.y * 1e200), NONE, 0)


@pytest.mark.parametrize("options", [{"max_time": 0}, {"max_time": float("inf")}, {"passes": 0}])
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(OptionError, match="expected a positive number"):
        AutoAdam(**options)

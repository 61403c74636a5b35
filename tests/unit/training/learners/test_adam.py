"""Adam learns, repeats itself by seed, and says when it cannot."""

import numpy as np
import pytest

from enn_training.data.preprocessing import Samples
from enn_training.data.problems import problem
from enn_training.errors import DivergenceError, OptionError
from enn_training.learners.adam import Adam
from enn_training.nn.architecture import Architecture


def samples(name, rows, to_target):
    data = problem(name).dataset(rows, 0)
    return [Samples(part.x, to_target(part.y)[:, None]) for part in (data.training, data.validation, data.test)]


def test_a_line_is_learned_with_logits():
    training, held_out, test = samples("line-1", 800, lambda y: y.astype(float))
    learned = Adam(passes=10).learn(Architecture(2, head="linear"), training, held_out, 0)
    probabilities = learned.network.respond(test.x).output[:, 1]
    assert np.mean((probabilities > 0.5) == (test.y[:, 0] > 0.5)) > 0.97
    assert learned.loss == min(epoch.loss for epoch in learned.history)


def test_equal_seeds_learn_equal_bytes():
    training, held_out, _ = samples("ring", 300, lambda y: 2.0 * y - 1)
    first, second = (Adam(passes=2).learn(Architecture(2), training, held_out, 5).network for _ in range(2))
    for one, other in zip(first.layers, second.layers, strict=True):
        assert one.weight.tobytes() == other.weight.tobytes()
        np.testing.assert_array_equal(one.coefficients, other.coefficients)


def test_divergence_says_what_to_do():
    training, held_out, _ = samples("ring", 100, lambda y: np.where(y > 0, 1e200, -1e200))
    with pytest.raises(DivergenceError, match=r"no finite held-out loss with rate 0\.01; use a smaller rate"):
        Adam(passes=1).learn(Architecture(2), training, held_out, 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rate": 0}, "rate 0"),
        ({"batch": -1}, "batch -1"),
        ({"decay": -0.5}, "decay -0.5"),
        ({"decay": float("nan")}, "decay nan: expected a number of at least 0"),
        ({"patience": 0}, "patience 0"),
        ({"max_time": float("inf")}, "max_time inf"),
    ],
)
def test_settings_out_of_range_are_refused_with_their_values(options, words):
    with pytest.raises(OptionError, match=words):
        Adam(**options)


def test_of_several_starts_the_best_is_kept():
    training, held_out, _ = samples("ring", 400, lambda y: y.astype(float))
    learned = Adam(passes=4, starts=3).learn(Architecture(2, head="linear"), training, held_out, 0)
    probability = learned.network.respond(held_out.x).output[:, 1]
    chosen = np.where(held_out.y[:, 0] > 0.5, probability, 1 - probability)
    assert -np.log(chosen).mean() == pytest.approx(learned.loss, rel=1e-4)
    assert learned.settings["start"] in range(3)


def test_it_stops_when_patience_is_up():
    training, held_out, _ = samples("line-1", 60, lambda y: y.astype(float))
    held_out = Samples(held_out.x, 1 - held_out.y)  # what is learned makes this worse
    learned = Adam(passes=500, patience=3).learn(Architecture(2, head="linear"), training, held_out, 0)
    best = int(np.argmin([epoch.loss for epoch in learned.history])) + 1
    assert len(learned.history) == best + 3 < 500


def test_passes_that_take_too_long_are_not_made():
    training, held_out, _ = samples("line-1", 60, lambda y: y.astype(float))
    learned = Adam(passes=10**6, max_time=1e-9).learn(Architecture(2, head="linear"), training, held_out, 0)
    assert len(learned.history) == learned.history[-1].total == 1

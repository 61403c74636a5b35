"""LMS steps down the exact gradient, repeats itself by seed, learns, and says when it cannot."""

import copy
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from enn_training.data.preprocessing import Samples
from enn_training.data.problems import problem
from enn_training.errors import DivergenceError, OptionError
from enn_training.kernels import lms as lms_kernel
from enn_training.kernels.simd import LANES
from enn_training.learners import lms
from enn_training.learners.lms import LMS
from enn_training.nn.architecture import Architecture
from enn_training.nn.initialization import initial_network
from enn_training.nn.module import ENN

# Float64 through recurrences of Q = 6.
EXACT = 1e-9
STEP = 1e-3


def samples(name, rows, seed=0):
    data = problem(name).dataset(rows, seed)
    parts = []
    for part in (data.training, data.validation, data.test):
        y = part.y.astype(np.float64)[:, None]
        parts.append(Samples(part.x, 2.0 * y - 1.0 if data.classes else y))
    return parts


def begin(architecture, spread):
    return lms.begin(architecture, [initial_network(architecture, spread * factor) for factor in lms.SPREADS])


def torch_gradients(architecture, spread, x, y):
    """Return weight, bias and coefficient gradients of one row, layer by layer, and its loss, by torch in float64."""
    module = ENN.from_network(initial_network(architecture, spread)).double()
    response = module(torch.from_numpy(x))
    target = torch.from_numpy(y)
    if architecture.loss == "squared":
        loss = ((target - response) ** 2).sum()
    elif architecture.units == 1:
        loss = torch.nn.functional.binary_cross_entropy_with_logits(response, target)
    else:
        loss = torch.nn.functional.cross_entropy(response, target)
    loss.backward()
    gradients = {name: np.asarray(parameter.grad) for name, parameter in module.named_parameters()}
    return gradients, float(loss.detach())


ARCHITECTURES = {
    "the paper's": Architecture(2, (6,)),
    "deep, several outputs": Architecture(3, (5, 4), 2, 4, "dct", "regression"),
    "one logit": Architecture(3, (5,), 1, 6, "linear"),
    "several logits": Architecture(3, (5, 3), 4, 6, "linear"),
    "values": Architecture(2, (4,), 2, 3, "linear", "regression"),
}


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES.keys())
def test_a_step_follows_the_gradient_that_torch_finds(architecture):
    rng = np.random.default_rng(7)
    x, y = rng.uniform(-1, 1, (1, architecture.inputs)), rng.uniform(-1, 1, (1, architecture.units))
    if architecture.loss == "cross-entropy":
        y = np.eye(1, architecture.units)
    # Of the squared error the step is minus the gradient; the cross-entropy's gradient lacks the square's factor 2.
    twice = 1.0 if architecture.loss == "squared" else 2.0
    state = begin(architecture, 0.7)
    before = copy.deepcopy(state)
    layers = len(architecture.widths) - 1
    lms_kernel.learn(state, x, y, np.zeros((1, LANES), np.int64), np.full((layers, 2, LANES), STEP))
    for lane in range(LANES):
        gradients, _ = torch_gradients(architecture, 0.7 * lms.SPREADS[lane], x, y)
        for index in range(layers):
            neurons, inputs = architecture.widths[index + 1], architecture.widths[index]
            power = state.power[index, :neurons, lane]
            moved = (state.weight - before.weight)[index, :neurons, :inputs, lane] * power[:, None] / STEP
            np.testing.assert_allclose(moved, -twice * gradients[f"linears.{index}.weight"], atol=EXACT)
            moved = (state.bias - before.bias)[index, :neurons, lane] * power / STEP
            np.testing.assert_allclose(moved, -twice * gradients[f"linears.{index}.bias"], atol=EXACT)
            if (name := f"activations.{index}.coefficients") in gradients:
                moved = (state.coefficients - before.coefficients)[index, :neurons, :, lane]
                gradient = gradients[name] * 2 / architecture.harmonics
                np.testing.assert_allclose(moved / STEP, -twice * gradient, atol=EXACT)


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES.keys())
def test_validation_loss_matches_torch(architecture):
    rng = np.random.default_rng(8)
    x, y = rng.uniform(-1, 1, (1, architecture.inputs)), rng.uniform(-1, 1, (1, architecture.units))
    if architecture.loss == "cross-entropy":
        y = np.eye(1, architecture.units)
    found = lms_kernel.losses(begin(architecture, 0.7), x, y, np.ones(len(x)))
    for lane in range(LANES):
        expected = torch_gradients(architecture, 0.7 * lms.SPREADS[lane], x, y)[1]
        units = architecture.units if architecture.loss == "squared" else 1
        assert found[lane] == pytest.approx(expected / units, abs=EXACT)


def test_gradient_power_is_running_mean_from_one():
    architecture = Architecture(1, (1,), 1, 1, "linear", "regression")
    state = begin(architecture, 0.5)
    lms_kernel.learn(state, np.ones((1, 1)), np.zeros((1, 1)), np.zeros((1, LANES), np.int64), np.zeros((2, 2, LANES)))
    hidden = state.signal[1, 0]
    np.testing.assert_allclose(state.power[1, 0], 0.999 + 0.001 * (1 + hidden**2), atol=EXACT)


def test_lms_learns_ring():
    training, held_out, test = samples("ring", 4_000)
    learned = LMS(passes=40).learn(Architecture(2), training, held_out, 0)
    scores = learned.network.respond(test.x).output
    assert np.mean((scores > 0) == (test.y > 0)) > 0.95
    assert len(learned.history) == 40


def network_bytes(network):
    parts = [part for layer in network.layers for part in (layer.weight, layer.bias, layer.coefficients)]
    return b"".join(part.tobytes() for part in parts if part is not None)


def test_equal_seeds_learn_equal_bytes_and_other_seeds_others():
    training, held_out, _ = samples("sine", 500)
    first, second, third = (
        network_bytes(LMS(passes=3).learn(Architecture(2), training, held_out, seed).network) for seed in (1, 1, 2)
    )
    assert first == second
    assert first != third


def test_result_has_least_validation_loss_of_all_passes():
    training, held_out, _ = samples("product", 400)
    learned = LMS(passes=20, pace=3).learn(Architecture(2, task="regression"), training, held_out, 0)
    assert learned.loss == min(epoch.loss for epoch in learned.history)
    found = np.mean((learned.network.respond(held_out.x).output - held_out.y) ** 2)
    assert found == pytest.approx(learned.loss, rel=1e-4)


@pytest.mark.parametrize("head", ["dct", "linear"])
def test_divergence_stops_and_says_what_to_do(head):
    training, held_out, _ = samples("ring", 400)
    with pytest.raises(DivergenceError, match=r"pass \d: .* pace 1e\+200; use a smaller pace"):
        LMS(passes=5, pace=1e200).learn(Architecture(2, head=head), training, held_out, 0)


def test_a_start_that_diverges_leaves_the_others():
    training, held_out, _ = samples("line-1", 800)
    learned = LMS(passes=10, pace=500).learn(Architecture(2), training, held_out, 0)
    assert np.isfinite(learned.loss)
    assert all(np.isfinite(layer.weight).all() for layer in learned.network.layers)


def test_no_pass_begins_after_the_time_is_up():
    training, held_out, _ = samples("ring", 400)
    learned = LMS(passes=1_000_000, max_time=1e-9).learn(Architecture(2), training, held_out, 0)
    assert (len(learned.history), learned.cut_short) == (1, True)


def test_pass_in_pieces_is_equal_and_ends_in_time(monkeypatch):
    training, held_out, _ = samples("ring", 400)
    whole = LMS(passes=1).learn(Architecture(2), training, held_out, 0)
    monkeypatch.setattr(lms, "MAX_UPDATES", 1)
    pieces = LMS(passes=1, max_time=1e9).learn(Architecture(2), training, held_out, 0)
    assert network_bytes(pieces.network) == network_bytes(whole.network)
    assert not pieces.cut_short
    times = itertools.count()
    monkeypatch.setattr(lms, "time", SimpleNamespace(monotonic=lambda: next(times)))
    rows, learn = [], lms_kernel.learn
    monkeypatch.setattr(lms_kernel, "learn", lambda *arguments: rows.append(len(arguments[3])) or learn(*arguments))
    assert LMS(passes=9, max_time=7).learn(Architecture(2), training, held_out, 0).cut_short
    assert rows == [1] * 7


def test_it_stops_when_patience_is_up():
    training, held_out, _ = samples("line-1", 100)
    held_out = Samples(held_out.x, -held_out.y)  # what is learned makes this worse
    learned = LMS(passes=500, patience=4).learn(Architecture(2), training, held_out, 0)
    best = int(np.argmin([epoch.loss for epoch in learned.history])) + 1
    assert len(learned.history) == best + 4 < 500


def test_steps_fall_from_five_times_to_a_fifth_or_stay():
    np.testing.assert_allclose(LMS()._steps(2, 0.0)[0, :, 0], [25e-4, 5e-3])
    np.testing.assert_allclose(LMS()._steps(2, 1.0)[1, :, 0], [1e-5, 2e-5])
    np.testing.assert_allclose(LMS(schedule="constant", pace=3)._steps(2, 1.0)[0, :, 0], [15e-4, 3e-3])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"passes": 0}, "passes 0"),
        ({"spread": -1}, "spread -1"),
        ({"pace": float("nan")}, "pace nan"),
        ({"schedule": "cosine"}, "schedule 'cosine'"),
        ({"patience": 0}, "patience 0"),
        ({"max_time": float("inf")}, "max_time inf"),
    ],
)
def test_settings_out_of_range_are_refused_with_their_values(options, words):
    with pytest.raises(OptionError, match=words):
        LMS(**options)

"""LevenbergMarquardt solves the paper's problems, repeats itself byte for byte, and says when it cannot learn."""

import subprocess
import sys

import numpy as np
import pytest

from enn_models.network import Head
from enn_training.data.dataset import Dataset, Split
from enn_training.data.preprocessing import Samples
from enn_training.data.problems import problem
from enn_training.errors import DivergenceError, OptionError
from enn_training.learners.levenberg_marquardt.learner import LevenbergMarquardt
from enn_training.learners.trainer import train
from enn_training.nn.architecture import Architecture

DIGEST = """
import hashlib
import numpy as np
from enn_training.data.preprocessing import Samples
from enn_training.learners.levenberg_marquardt.learner import LevenbergMarquardt
from enn_training.nn.architecture import Architecture
x = np.random.default_rng(0).uniform(-1, 1, (600, 2))
rows = Samples(x, np.sign(np.hypot(x[:, :1], x[:, 1:]) - 0.6))
network = LevenbergMarquardt(starts=3).learn(Architecture(2), rows, rows, 0).network
parts = [part.tobytes() for layer in network.layers for part in (layer.weight, layer.bias, layer.coefficients)]
print(hashlib.sha256(b"".join(parts)).hexdigest())
"""


def learned(name: str, head: Head = "dct", *, rows: int = 4_000, starts: int = 24, seed: int = 0):
    data = problem(name).dataset(rows, seed, 4_000)
    return train(data, LevenbergMarquardt(starts=starts), hidden=(6,), harmonics=6, head=head, seed=seed)


@pytest.mark.parametrize("head", ["dct", "linear"])
def test_it_learns_maps_that_take_the_lms_long(head):
    assert learned("ring", head).scores["accuracy"] > 0.99
    assert learned("high-frequency-sine", head, rows=8_000).scores["accuracy"] > 0.99


@pytest.mark.parametrize("head", ["dct", "linear"])
def test_it_learns_functions_to_the_precision_of_float32(head):
    assert learned("product", head, starts=8).scores["mean_squared_error"] < (1e-9 if head == "dct" else 1e-11)


@pytest.mark.parametrize(("classes", "head"), [(None, "linear"), (("-", "0", "+"), "linear"), ((1, 2, 3), "dct")])
def test_it_learns_several_classes_outputs_and_layers(classes, head):
    x = np.random.default_rng(0).uniform(-1, 1, (900, 3))
    y = np.stack([x[:, 0] * x[:, 1], np.sin(3 * x[:, 2])], axis=1)
    if classes is not None:
        y = np.digitize(y[:, 0], [-0.1, 0.1])
    parts = [Split(x[rows], y[rows]) for rows in (slice(0, 600), slice(600, 700), slice(700, 900))]
    data = Dataset(("a", "b", "c"), classes, *parts)
    model = train(data, LevenbergMarquardt(starts=4), hidden=(5, 4), harmonics=4, head=head, seed=0)
    assert model.scores["r2" if classes is None else "accuracy"] > 0.93


def test_equal_seeds_give_equal_bytes_with_any_threads():
    found = set()
    for threads in ("1", "3"):
        environment = {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, "PATH": ""}
        run = subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True
        )
        found.add(run.stdout)
    assert len(found) == 1
    one, two = (learned("ring", rows=200, starts=1, seed=seed).network.layers[0].weight for seed in (0, 1))
    assert not np.array_equal(one, two)


def test_progress_counts_candidates_to_the_announced_total():
    seen = []
    data = problem("ring").dataset(200, 0, 16)
    model = train(
        data, LevenbergMarquardt(starts=10), hidden=(2,), harmonics=2, head="linear", seed=0, watch=seen.append
    )
    assert [result.number for result in seen] == list(range(1, seen[-1].total + 1))
    assert model.training["passes"] == seen[-1].total == 10 + 8 + 3 * 3
    assert model.training["loss"] == "cross-entropy"


def test_scores_of_a_dct_classifier_have_root_mean_square_1():
    model = learned("ring", rows=400, starts=2)
    data = problem("ring").dataset(400, 0)
    scores = model.network.respond(data.training.x).output
    assert np.square(scores).mean() == pytest.approx(1.0, abs=1e-3)
    assert model.training["loss"] == "cross-entropy"


def test_values_that_are_not_finite_are_reported():
    rows = Samples(np.full((20, 2), np.nan), np.zeros((20, 1)))
    with pytest.raises(DivergenceError, match="none of 2 initial networks has a finite loss"):
        LevenbergMarquardt(starts=2).learn(Architecture(2, task="regression"), rows, rows, 0)


def test_large_network_is_refused_before_memory_is_taken():
    rows = Samples(np.zeros((4, 2)), np.zeros((4, 1)))
    with pytest.raises(OptionError, match=r"a network of 900\d* parameters: expected at most 3000"):
        LevenbergMarquardt().learn(Architecture(2, (10_000,)), rows, rows, 0)


@pytest.mark.parametrize("options", [{"starts": 0}, {"spread": 0.0}, {"spread": np.inf}, {"penalties": ()}])
def test_setting_out_of_its_range_is_refused(options):
    with pytest.raises(OptionError, match=next(iter(options))):
        LevenbergMarquardt(**options)

"""LMS: the authors' least mean squares on eight networks with different orders, spreads and steps; the best is kept."""

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Layer, Network
from enn_training.data.preprocessing import Samples
from enn_training.errors import DivergenceError, OptionError
from enn_training.kernels import lms as lms_kernel
from enn_training.kernels.simd import LANES
from enn_training.learners.base import LearningResult, PassResult, ProgressCallback, stops
from enn_training.nn.architecture import Architecture
from enn_training.nn.initialization import initial_network
from enn_training.nn.option_values import check_options, positive_number, positive_whole_number

Floats = NDArray[np.float64]

# Steps a_F and a_W of the paper's hidden and output layers.
HIDDEN_STEPS = (5e-4, 1e-3)
OUTPUT_STEPS = (5e-5, 1e-4)

# Factors of spread and steps of the eight networks: no single pair solves all fifteen problems with every seed.
SPREADS = (1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 0.5, 0.7)
PACES = (1.0, 2.0, 0.7, 0.5, 1.0, 0.5, 2.0, 1.0)
MAX_UPDATES = 2**24
"""Maximum number of updates of parameters between two looks at the clock: about a tenth of a second."""


@dataclass(frozen=True)
class LMS:
    """Train eight networks by least mean squares, one sample at a time, and keep the best.

    Attributes:
        passes: Number of passes over the training rows, >= 1.
        spread: Length g of the initial weights, > 0.
        pace: Factor of all steps of the paper, > 0.
        schedule: "annealed" (steps fall geometrically from 5 times to a fifth) or "constant" (as in the paper).
        patience: Number of passes without a smaller validation loss after which to stop, >= 1; None for no early stop.
        max_time: Time limit in seconds, which can end the last pass early; None for no limit. With a limit, equal seeds
            need not give equal networks.

    Raises:
        OptionError: A value is out of its range.

    Source: arXiv 2307.00673, section IV.
    """

    passes: int = 200
    spread: float = 0.5
    pace: float = 1.0
    schedule: Literal["annealed", "constant"] = "annealed"
    patience: int | None = None
    max_time: float | None = None

    def __post_init__(self) -> None:
        """Check the range of every setting."""
        check_options(self, positive_whole_number, required=("passes",), optional=("patience",))
        check_options(self, positive_number, required=("spread", "pace"), optional=("max_time",))
        if self.schedule not in ("annealed", "constant"):
            raise OptionError(f"schedule {self.schedule!r}: expected 'annealed' or 'constant'")

    def learn(
        self,
        architecture: Architecture,
        training: Samples,
        validation: Samples,
        seed: int,
        watch: ProgressCallback | None = None,
    ) -> LearningResult:
        """Return the best of the eight networks; see `Learner.learn`."""
        rng = np.random.default_rng(seed)
        state = begin(architecture, [initial_network(architecture, self.spread * factor) for factor in SPREADS])
        best = np.full(LANES, np.inf)
        kept = copy.deepcopy(state)
        history: list[PassResult] = []
        deadline, stale, late, stopped = time.monotonic() + (self.max_time or math.inf), 0, False, False
        for number in range(1, self.passes + 1):
            moves = self._steps(len(architecture.widths) - 1, (number - 1) / max(1, self.passes - 1))
            late = not _learn_until(deadline, state, training, _order(training, rng), moves)
            losses = lms_kernel.losses(state, validation.x, validation.y, validation.relative_weight)
            better = losses < best
            if not np.isfinite(losses).any():
                raise DivergenceError(
                    f"pass {number}: every start left the finite numbers with pace {self.pace}; use a smaller pace"
                )
            best = np.where(better, losses, best)
            stale = 0 if better[np.argmin(best)] else stale + 1
            _keep(kept, state, better)
            history.append(PassResult(number, self.passes, float(np.nanmin(losses))))
            stopped = stops(watch, history[-1])
            if stopped or stale == self.patience:
                break
            if late or (late := number < self.passes and time.monotonic() >= deadline):
                break
        lane = int(np.argmin(best))
        settings = {**asdict(self), "name": "lms", "start": lane, "starts": LANES}
        network = to_network(architecture, kept, lane)
        return LearningResult(network, float(best[lane]), tuple(history), settings, late, stopped)

    def _steps(self, layers: int, progress: float) -> Floats:
        """Return a_F and a_W, [layers, 2, LANES], at a progress from 0 to 1."""
        return steps(layers, self.pace * (5.0 * 0.04**progress if self.schedule == "annealed" else 1.0))


def _order(training: Samples, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the rows of a pass in a random order for each network, [rows, LANES].

    A row of twice the weight comes twice as often, with its share of a time rounded at random: a step of twice the
    length could overshoot.
    """
    rows = np.arange(len(training.x))
    if training.weight is not None:
        ends = np.cumsum(training.relative_weight)
        rows = np.minimum(np.searchsorted(ends, rows + rng.uniform(), side="right"), len(rows) - 1)
    return rng.permuted(np.tile(rows[:, None], LANES), axis=0)


def _learn_until(
    deadline: float, state: lms_kernel.State, training: Samples, order: NDArray[np.int64], moves: Floats
) -> bool:
    """Learn the rows in their order [rows, LANES] until a time; return False if rows are left."""
    at_once = max(1, MAX_UPDATES // (state.weight.size // LANES + state.coefficients.size // LANES))
    for start in range(0, len(order), at_once):
        if start and time.monotonic() >= deadline:
            return False
        lms_kernel.learn(state, training.x, training.y, order[start : start + at_once], moves)
    return True


def steps(layers: int, pace: float) -> Floats:
    """Return the steps a_F and a_W of every layer and network, [layers, 2, LANES]: those of the paper times a pace."""
    table = np.array([HIDDEN_STEPS] * (layers - 1) + [OUTPUT_STEPS])
    return pace * table[:, :, None] * np.array(PACES)


def _link(architecture: Architecture) -> int:
    if architecture.head == "dct":
        return lms_kernel.ACTIVATION
    return lms_kernel.PROBABILITY if architecture.loss == "cross-entropy" else lms_kernel.IDENTITY


def begin(architecture: Architecture, starts: Sequence[Network]) -> lms_kernel.State:
    """Return the kernel's state of eight initial networks over scaled inputs."""
    widths = architecture.widths
    layers, neurons = len(widths) - 1, max(widths[1:])
    state = lms_kernel.State(
        widths=np.array(widths, dtype=np.int64),
        weight=np.zeros((layers, neurons, max(widths[:-1]), LANES)),
        bias=np.zeros((layers, neurons, LANES)),
        coefficients=np.zeros((layers, neurons, architecture.harmonics, LANES)),
        power=np.ones((layers, neurons, LANES)),
        signal=np.zeros((layers + 1, max(widths), LANES)),
        cosine=np.zeros((layers, neurons, architecture.harmonics, LANES)),
        slope=np.zeros((layers, neurons, LANES)),
        error=np.zeros((layers + 1, max(widths), LANES)),
        link=_link(architecture),
    )
    for lane, network in enumerate(starts):
        for index, layer in enumerate(network.layers):
            neurons, inputs = layer.weight.shape
            state.weight[index, :neurons, :inputs, lane] = layer.weight
            state.bias[index, :neurons, lane] = layer.bias
            if layer.coefficients is not None:
                state.coefficients[index, :neurons, :, lane] = layer.coefficients
    return state


def _keep(kept: lms_kernel.State, state: lms_kernel.State, lanes: NDArray[np.bool_]) -> None:
    """Copy the parameters of the given lanes."""
    for name in ("weight", "bias", "coefficients"):
        getattr(kept, name)[..., lanes] = getattr(state, name)[..., lanes]


def to_network(architecture: Architecture, state: lms_kernel.State, lane: int) -> Network:
    """Return the network of one lane, over scaled inputs."""
    layers: list[Layer] = []
    for index, (inputs, neurons) in enumerate(pairwise(architecture.widths)):
        linear = architecture.head == "linear" and index == len(architecture.hidden)
        coefficients = None if linear else state.coefficients[index, :neurons, :, lane].astype(np.float32)
        weight = state.weight[index, :neurons, :inputs, lane].astype(np.float32)
        layers.append(Layer(weight, state.bias[index, :neurons, lane].astype(np.float32), coefficients))
    zeros = (np.zeros(architecture.inputs, np.float32), np.zeros(architecture.units, np.float32))
    return Network(architecture.task, architecture.head, tuple(layers), *zeros)

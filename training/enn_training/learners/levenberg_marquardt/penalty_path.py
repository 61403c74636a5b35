"""Networks of tables along a path of falling penalties: one network for each fold of a cross-validation."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from enn_models import cosine_series
from enn_models.network import Layer, Network
from enn_training.kernels import losses
from enn_training.learners.levenberg_marquardt.objective import Objective
from enn_training.learners.levenberg_marquardt.parameters import Parameters
from enn_training.learners.levenberg_marquardt.penalties import penalty_matrix
from enn_training.learners.levenberg_marquardt.solver import minimize

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

BENDINGS = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
"""Penalties of bending, for the summed loss: from nearly a line to nearly free activations."""
STEPS, TOLERANCE = 10, 1e-3
"""Most steps for each penalty, and the relative decrease of a step after which the next penalty follows."""
LAST_STEPS = 12
"""Most steps on all rows, if the path was followed on some of them."""
WORSE = 2
"""Number of penalties without a smaller loss after which a path ends."""
GAIN = 0.7
"""Length of the initial weights of a neuron."""
FIRST_SLOPE = 0.1
"""Size of the first weights of the output: every neuron begins nearly without effect."""


@dataclass(frozen=True)
class Setting:
    """Hold the values that cross-validation chooses.

    Attributes:
        hidden: Number of neurons.
        weights: Penalty of weights, for the summed loss.
        bending: Penalty of bending.
    """

    hidden: int
    weights: float
    bending: float


@dataclass(frozen=True, eq=False)
class Point:
    """Hold the networks of all folds at one point of a path.

    Attributes:
        setting: Penalties.
        thetas: Parameters of the network of each fold.
        loss: Mean loss over the folds, each on the rows that its network did not learn from; infinite if not a number.
    """

    setting: Setting
    thetas: tuple[Floats, ...]
    loss: float


@dataclass(frozen=True, eq=False)
class PenaltyPath:
    """Train a network of one size for each fold, with penalties that fall step by step.

    Attributes:
        parameters: Places of the parameters of a network.
        rows: Objective over all rows.
        folds: Rows to train on and rows to validate on, of each fold.
        seed: Seed of the initial networks.
        most_rows: Most rows of a fold to train on.
    """

    parameters: Parameters
    rows: Objective
    folds: Sequence[tuple[Indices, Indices]]
    seed: int
    most_rows: int

    def follow(self, weights: float, bendings: Sequence[float] = BENDINGS) -> Iterator[Point]:
        """Yield the networks at each point of a path, and end it where the loss rises."""
        hidden = int(self.parameters.layout.widths[1])
        states = [(self._initial(member), 1e-2) for member in range(len(self.folds))]
        least, worse = math.inf, 0
        for bending in bendings:
            setting = Setting(hidden, weights, bending)
            states = [
                self._improve(part, setting, *state, STEPS)
                for (part, _), state in zip(self._parts, states, strict=True)
            ]
            found = [judged.evaluate(state[0])[0] for (_, judged), state in zip(self._parts, states, strict=True)]
            loss = float(np.mean(found))
            yield Point(setting, tuple(state[0] for state in states), loss if math.isfinite(loss) else math.inf)
            least, worse = (loss, 0) if loss < least else (least, worse + 1)
            if worse >= WORSE:
                return

    def finish(self, point: Point) -> tuple[Floats, ...]:
        """Return the parameters of each fold after steps on all rows that it trains on."""
        return tuple(
            theta
            if len(train) <= self.most_rows
            else self._improve(self.rows.subset(train), point.setting, theta, 1e-2, LAST_STEPS)[0]
            for theta, (train, _) in zip(point.thetas, self.folds, strict=True)
        )

    @cached_property
    def _parts(self) -> list[tuple[Objective, Objective]]:
        """Objectives of each fold: over rows to train on, at most `most_rows`, and over those to validate on."""
        rng = np.random.default_rng(self.seed)
        return [
            (self.rows.subset(rng.permutation(train)[: self.most_rows]), self.rows.subset(validation))
            for train, validation in self.folds
        ]

    @cached_property
    def _scale(self) -> float:
        """Scale of the loss: the variance of the targets of a regression."""
        targets = self.rows.y
        return max(float(targets.var(axis=1).mean()), 1e-12) if self.rows.loss == losses.SQUARED else 1.0

    def _improve(
        self, part: Objective, setting: Setting, theta: Floats, damping: float, steps: int
    ) -> tuple[Floats, float]:
        """Return parameters after some steps with the penalties of a setting, and the damping to continue with."""
        share = self._scale / part.rows
        matrix = penalty_matrix(self.parameters, setting.weights * share, setting.bending * share)
        found = minimize(
            part.penalized(matrix), theta, steps=steps, damping=min(damping, 1.0), tolerance=TOLERANCE, patience=1
        )
        return found.theta, found.damping

    def _initial(self, member: int) -> Floats:
        """Return random initial parameters of a fold: weights of orthogonal directions, lines as activations."""
        rng, parameters = np.random.default_rng((self.seed, member)), self.parameters
        theta = np.zeros(parameters.size)
        weight, coefficients = parameters.weight(theta, 0), parameters.coefficients(theta, 0)
        neurons, inputs = weight.shape
        turns = [np.linalg.qr(rng.normal(size=(inputs, inputs)))[0] for _ in range(-(-neurons // inputs))]
        weight[:] = GAIN * np.concatenate(turns)[:neurons]
        parameters.bias(theta, 0)[:] = rng.uniform(-0.5, 0.5, neurons)
        coefficients[:] = cosine_series.line(coefficients.shape[1])
        if parameters.absorbed:
            coefficients *= FIRST_SLOPE * rng.choice([-1.0, 1.0], (neurons, 1))
        else:
            output = parameters.weight(theta, 1)
            output[:] = FIRST_SLOPE * rng.choice([-1.0, 1.0], output.shape)
        parameters.bias(theta, 1)[:] = self._constant()
        return theta

    def _constant(self) -> Floats:
        """Return the best constant outputs, [units]: means, or logits of the shares of the classes."""
        mean = np.average(self.rows.y, axis=1, weights=self.rows.weights)
        if self.rows.loss == losses.SQUARED:
            return mean
        share = np.clip(mean, 0.01, 0.99)
        return np.log(share) - (np.log1p(-share) if self.rows.loss == losses.LOGISTIC else 0.0)


def average(networks: Sequence[Network]) -> Network:
    """Return one network whose pre-activation is the mean of those of networks with a linear head.

    Its hidden layer has the neurons of all of them.
    """
    first, last = ([network.layers[place] for network in networks] for place in (0, -1))
    weight, bias, coefficients = (
        np.concatenate([getattr(layer, name) for layer in first]) for name in ("weight", "bias", "coefficients")
    )
    output = np.concatenate([layer.weight for layer in last], axis=1) / np.float32(len(networks))
    constant = np.stack([layer.bias for layer in last]).mean(axis=0, dtype=np.float64).astype(np.float32)
    return replace(networks[0], layers=(Layer(weight, bias, coefficients), Layer(output, constant, None)))

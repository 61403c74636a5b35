"""Auto: the default for tables, second-order steps with penalties chosen by cross-validation, or else AdamW."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Network
from enn_training.data.preprocessing import Samples
from enn_training.data.sampling.splits import cross_validation
from enn_training.errors import DivergenceError
from enn_training.kernels import losses
from enn_training.learners.auto_adam import AutoAdam
from enn_training.learners.base import LearningResult, PassResult, ProgressCallback, stops
from enn_training.learners.levenberg_marquardt.learner import objective_of
from enn_training.learners.levenberg_marquardt.parameters import Parameters
from enn_training.learners.levenberg_marquardt.penalty_path import BENDINGS, PenaltyPath, Point, average
from enn_training.nn.architecture import Architecture
from enn_training.nn.option_values import check_options, positive_number, whole_number

Floats = NDArray[np.float64]

FOLDS, FOLDS_OF_MANY = 5, 3
"""Number of folds, and that of tables with more than `MANY_ROWS`."""
MANY_ROWS = 2_000
MOST_ROWS = 4_000
"""Most rows of a fold on which penalties are chosen; the networks of the best ones then learn from all."""
LARGEST_COST, LARGER_COST = 4e8, 2e8
"""Most multiplications for a step of a network of the first size, above which AdamW learns instead, and of others,
which also have no more parameters than there are rows.
"""
WORTH = 0.01
"""Smallest relative improvement of the loss for a larger network, whose additional bumps have to be read."""


@dataclass(frozen=True)
class Auto:
    """Choose size and penalties by cross-validation; the result is the mean of the networks of its folds.

    The networks learn by Levenberg-Marquardt steps, along paths of falling penalties of bending. Their mean is one
    network with the neurons of all. If the caller fixes the number of neurons, a network with the best penalties learns
    from all rows instead. Steps are counted: equal seeds give equal networks.

    Networks of quantiles, with several hidden layers, a dct head or too many parameters for second-order steps are
    learned by `AutoAdam`.

    Attributes:
        max_time: Time limit of `AutoAdam` in seconds.
        hidden: Number of neurons of each hidden layer; None to choose among `sizes`.
        sizes: Numbers of neurons to compare; more parameters than second-order steps suit are left out.
        weights: Penalties of weights to compare, for the summed loss; each has its path of penalties of bending.

    Raises:
        OptionError: max_time is not positive, or hidden has no whole numbers.
    """

    learns_quantiles: ClassVar[bool] = True
    max_time: float = 60.0
    hidden: tuple[int, ...] | None = None
    sizes: tuple[int, ...] = (8, 16)
    weights: tuple[float, ...] = (0.3, 3.0)

    def __post_init__(self) -> None:
        """Check the range of every setting."""
        check_options(self, positive_number, required=("max_time",))
        if self.hidden is not None:
            object.__setattr__(self, "hidden", tuple(whole_number("hidden", neurons) for neurons in self.hidden))

    def learn(
        self,
        architecture: Architecture,
        training: Samples,
        validation: Samples,
        seed: int,
        watch: ProgressCallback | None = None,
    ) -> LearningResult:
        """Return the mean of the networks of the folds with the least mean loss; see `Learner.learn`."""
        samples = training.join(validation)
        if not self.has_second_order(architecture, len(samples.x)):
            return AutoAdam(self.max_time, self.hidden).learn(architecture, training, validation, seed, watch)
        return _Choice(self, architecture, samples, seed, watch).run()

    def has_second_order(self, architecture: Architecture, rows: int) -> bool:
        """Return True if networks of this kind are learned by second-order steps, and not by AdamW."""
        return bool(self.compared_sizes(architecture, rows))

    def narrowed(self, result: LearningResult) -> "Auto":
        """Return a learner that compares no sizes and penalties of weights, but takes those that a result chose."""
        return replace(self, sizes=(result.settings["hidden"],), weights=(result.settings["weights"],))

    def compared_sizes(self, architecture: Architecture, rows: int) -> tuple[int, ...]:
        """Return the numbers of neurons to compare; none if second-order steps do not suit."""
        if (
            architecture.head != "linear"
            or architecture.quantile is not None
            or (self.hidden is not None and len(self.hidden) != 1)
        ):
            return ()
        sizes = self.sizes if self.hidden is None else self.hidden
        suited: list[int] = []
        for size in sizes:
            network = replace(architecture, hidden=(size,))
            parameters = Parameters.of_architecture(network).size
            cost = (
                0.5 * parameters**2 * min(rows, MOST_ROWS) * (network.units if network.loss == "cross-entropy" else 1)
            )
            if cost <= LARGEST_COST if size == sizes[0] else (cost <= LARGER_COST and parameters <= rows):
                suited.append(size)
        return tuple(suited)


class _Choice:
    """Run an Auto once: hold its samples, folds and history."""

    def __init__(
        self,
        auto: Auto,
        architecture: Architecture,
        samples: Samples,
        seed: int,
        watch: ProgressCallback | None,
    ) -> None:
        self._auto = auto
        self._architecture, self._samples = architecture, samples
        self._seed, self._watch = seed, watch
        self._sizes = auto.compared_sizes(architecture, len(samples.x))
        number = FOLDS if len(samples.x) <= MANY_ROWS else FOLDS_OF_MANY
        self._folds = cross_validation(samples.y, seed, number)
        self._history: list[PassResult] = []
        self._stopped = False

    def run(self) -> LearningResult:
        """Choose the penalties, then finish the networks."""
        best: tuple[PenaltyPath, Point] | None = None
        for path, point in self._points():
            larger = best is not None and point.setting.hidden > best[1].setting.hidden
            if best is None or point.loss < best[1].loss * (1.0 - WORTH if larger else 1.0):
                best = (path, point)
        if best is None or not math.isfinite(best[1].loss):
            raise DivergenceError("no candidate has a finite loss; scale or check the table")
        path, point = best
        networks = self._networks(path, path.finish(point))
        settings = {
            "name": "auto",
            **asdict(point.setting),
            "folds": len(self._folds),
            "loss": "squared" if path.rows.loss == losses.SQUARED else "cross-entropy",
        }
        return LearningResult(
            average(networks) if self._auto.hidden is None else self._from_all_rows(path, point),
            path.rows.reported(point.loss),
            tuple(self._history),
            settings,
            stopped=self._stopped,
            folds=tuple((network, rows) for network, (_, rows) in zip(networks, self._folds, strict=True)),
        )

    def _points(self) -> Iterator[tuple[PenaltyPath, Point]]:
        """Yield every point of every path, and report it; stop if the callback asks to."""
        total, least = len(self._sizes) * len(self._auto.weights) * len(BENDINGS), math.inf
        for size in self._sizes:
            path = self._path(size)
            for weights in self._auto.weights:
                for point in path.follow(weights):
                    yield path, point
                    least = min(least, path.rows.reported(point.loss))
                    self._history.append(PassResult(len(self._history) + 1, total, least))
                    self._stopped = stops(self._watch, self._history[-1])
                    if self._stopped:
                        return

    def _path(self, size: int) -> PenaltyPath:
        architecture = replace(self._architecture, hidden=(size,))
        parameters = Parameters.of_architecture(architecture)
        rows = objective_of(self._samples, parameters, architecture)
        return PenaltyPath(parameters, rows, self._folds, self._seed, MOST_ROWS)

    def _networks(self, path: PenaltyPath, thetas: tuple[Floats, ...]) -> list[Network]:
        architecture = replace(self._architecture, hidden=(int(path.parameters.layout.widths[1]),))
        return [path.parameters.to_network(architecture, theta) for theta in thetas]

    def _from_all_rows(self, path: PenaltyPath, point: Point) -> Network:
        """Return a network that learned from all rows with the chosen penalties."""
        every = cross_validation(self._samples.y, self._seed, 1)
        whole = replace(path, folds=every)
        bendings = [bending for bending in BENDINGS if bending >= point.setting.bending]
        *_, last = whole.follow(point.setting.weights, bendings)
        return self._networks(path, whole.finish(last))[0]

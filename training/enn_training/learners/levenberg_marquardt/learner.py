"""LevenbergMarquardt: the second-order learner, for networks of at most a few thousand parameters."""

import math
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from enn_training.data.float32_range import to_float32
from enn_training.data.preprocessing import Samples
from enn_training.errors import DivergenceError, OptionError
from enn_training.kernels import losses
from enn_training.learners.base import LearningResult, PassResult, ProgressCallback, stops
from enn_training.learners.levenberg_marquardt import choice, initialization
from enn_training.learners.levenberg_marquardt.objective import Objective
from enn_training.learners.levenberg_marquardt.parameters import Parameters
from enn_training.learners.levenberg_marquardt.search import Candidate, Schedule, Search
from enn_training.nn.architecture import Architecture
from enn_training.nn.option_values import check_options, positive_number, positive_whole_number

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Train many initial networks by second-order steps, and keep the best.

    Classes are learned by their cross-entropy, values by their squared error. The scores of a dct head are divided by
    their root mean square afterwards. Steps are counted and not timed: equal seeds give equal networks, byte for byte.

    Attributes:
        starts: Number of initial networks, >= 1.
        spread: Typical length of the initial weights of a neuron, > 0; from a third to three times it is tried.
        penalties: Factors of the mean loss's penalty, half the sum of the squared parameters, in the order in which
            they are applied; a candidate is kept after each. None for those of few inputs and many exact rows.

    Raises:
        OptionError: A value is out of its range.

    Source: K. Madsen, H. B. Nielsen, O. Tingleff, Methods for non-linear least squares problems, 2004.
    """

    learns_quantiles: ClassVar[bool] = True
    starts: int = 64
    spread: float = 1.0
    penalties: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Check the range of every setting."""
        check_options(self, positive_whole_number, required=("starts",))
        check_options(self, positive_number, required=("spread",))
        if self.penalties is not None and not (self.penalties and all(0 <= each < math.inf for each in self.penalties)):
            raise OptionError(f"penalties {self.penalties}: expected numbers from 0, or None")

    def learn(
        self,
        architecture: Architecture,
        training: Samples,
        validation: Samples,
        seed: int,
        watch: ProgressCallback | None = None,
    ) -> LearningResult:
        """Return the best network of those that the search finishes; see `Learner.learn`.

        Raises:
            OptionError: The network has too many parameters.
            DivergenceError: No network has a finite loss.
        """
        parameters = Parameters.of_architecture(architecture)
        parameters.check_size()
        rng = np.random.default_rng(seed)
        taught = objective_of(training, parameters, architecture).subset(rng.permutation(len(training.x)))
        judged = objective_of(validation, parameters, architecture)
        plan = Schedule.of(taught.loss, self.starts, self.spread)
        plan = plan if self.penalties is None else replace(plan, penalties=self.penalties)
        search = Search(parameters, taught, judged, partial(initialization.draw, parameters), plan)
        history: list[PassResult] = []
        found: list[Candidate] = []
        stopped = False
        for candidate in search.run(rng):
            found.append(candidate)
            history.append(PassResult(len(history) + 1, search.length, taught.reported(candidate.loss)))
            if stopped := stops(watch, history[-1]):
                break
        finished = [candidate for candidate in found if candidate.finished] or (found if stopped else [])
        rounded = [to_float32(candidate.theta) for candidate in finished]
        theta = choice.best(rounded, taught, judged)
        if theta is None:
            raise DivergenceError(f"none of {self.starts} initial networks has a finite loss; scale or check the table")
        loss = judged.reported(choice.scaled_loss(judged, theta))
        settings = {
            **asdict(self),
            "name": "lm",
            "loss": "cross-entropy" if architecture.task == "classification" else architecture.loss,
        }
        _normalize(parameters, taught, theta)
        return LearningResult(
            parameters.to_network(architecture, theta), loss, tuple(history), settings, stopped=stopped
        )


def objective_of(samples: Samples, parameters: Parameters, architecture: Architecture) -> Objective:
    """Return the objective over some rows."""
    y, loss = samples.y, losses.SQUARED if architecture.quantile is None else losses.QUANTILE
    if architecture.task == "classification":
        y = (samples.y > 0.0).astype(np.float64)  # classes are 0 and 1, or -1 and +1
        loss = losses.LOGISTIC if architecture.units == 1 else losses.SOFTMAX
    x, y = (np.ascontiguousarray(part.T) for part in (samples.x, y))
    return Objective(parameters.layout, parameters.size, x, y, loss, samples.weight, architecture.quantile or 0.5)


def _normalize(parameters: Parameters, training: Objective, theta: Floats) -> None:
    """Divide the scores of a dct head of a classifier, in place, by their root mean square over the training rows."""
    coefficients = parameters.coefficients(theta, len(parameters.layout.kinds) - 1)
    squares = np.square(training.outputs(theta))
    weight = None if training.weight is None else np.broadcast_to(training.weight, squares.shape)
    size = float(np.sqrt(np.average(squares, weights=weight)))
    if training.loss in (losses.LOGISTIC, losses.SOFTMAX) and coefficients.size and size > 0.0:
        coefficients /= size

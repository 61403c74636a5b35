"""Models compared on the paper's problems: baselines, the ENN trained by the LMS, and other networks."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import starmap
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from enn_models.card import network_fields
from enn_models.network import Layer, Network
from enn_training.data.dataset import Dataset
from enn_training.data.problems import Problem
from enn_training.data.problems import problem as named
from enn_training.data.targets import Targets
from enn_training.evaluation.baselines import baselines
from enn_training.experiments.paper import batched_peers, peers
from enn_training.experiments.paper.peers import Peer
from enn_training.experiments.paper.results import Budget, Result, decode_parameters, thin_curve
from enn_training.learners.base import PassResult
from enn_training.learners.lms import LMS
from enn_training.learners.trainer import train

Floats = NDArray[np.float64]
OnPass = Callable[[], None]
HARMONICS = 6
HARD_PROBLEM = "high-frequency-sine"
"""Problem that is also learned with twice as many neurons."""
MORE_STEPS_PROBLEMS = ("ring", "face", "product")
"""Problems on which the other networks are also trained with four times as many steps."""


class Contender(Protocol):
    """Model that can be trained on a problem."""

    @property
    def name(self) -> str:
        """Name in the results."""
        ...

    def learn(
        self, problem: Problem, seeds: tuple[int, ...], budget: Budget, watch: OnPass
    ) -> Iterator[tuple[int, Result]]:
        """Yield the result of each seed.

        Args:
            problem: Problem to learn.
            seeds: Seeds of data and training.
            budget: Rows and passes.
            watch: Callback after every pass of every seed.
        """
        ...


@dataclass(frozen=True)
class BaselineContender:
    """Most frequent class or mean ("constant"), or logistic or linear regression ("line")."""

    name: str

    def learn(
        self, problem: Problem, seeds: tuple[int, ...], budget: Budget, watch: OnPass
    ) -> Iterator[tuple[int, Result]]:
        """Yield the result of each seed; see `Contender.learn`."""
        for seed in seeds:
            began = time.process_time()
            score = self._score(problem.dataset(budget.samples, seed, budget.judged))
            yield seed, Result(score, round(time.process_time() - began, 2))
            for _ in range(budget.passes):
                watch()

    def _score(self, data: Dataset) -> float:
        """Return the accuracy of a baseline, or the mean squared error of a regression."""
        if data.classes is not None:
            return baselines(data)[0 if self.name == "constant" else 1].score
        variance = float(data.test.y.var())
        return variance if self.name == "constant" else (1.0 - baselines(data)[0].score) * variance


@dataclass(frozen=True)
class ENNContender:
    """ENN with the defaults of `enn-train problem --learner lms`.

    Attributes:
        hidden: Number of hidden neurons, M.
        spread: Dynamic range, g.
    """

    hidden: int = 6
    spread: float = 0.5

    @property
    def name(self) -> str:
        """Name in the results."""
        return f"enn-{self.hidden}"

    @property
    def label(self) -> str:
        """Name in pictures."""
        return f"ENN 2-{self.hidden}-1"

    @property
    def parameters(self) -> int:
        """Number of learned parameters."""
        return sum(math.prod(shape) for shape in self._shapes()[1:-1])

    def learn(
        self, problem: Problem, seeds: tuple[int, ...], budget: Budget, watch: OnPass
    ) -> Iterator[tuple[int, Result]]:
        """Yield the result of each seed as soon as it is trained; see `Contender.learn`."""
        _compile_kernel(self.hidden)
        for seed in seeds:
            yield seed, self._learn(problem.dataset(budget.samples, seed, budget.judged), seed, budget.passes, watch)

    def _learn(self, data: Dataset, seed: int, passes: int, watch: OnPass) -> Result:
        """Train on one data set and return the result."""
        errors: list[float] = []

        def note(epoch: PassResult) -> None:
            errors.append(epoch.loss)
            watch()

        began = time.process_time()
        learner = LMS(passes=passes, spread=self.spread)
        model = train(data, learner, hidden=(self.hidden,), harmonics=HARMONICS, head="dct", seed=seed, watch=note)
        seconds = time.process_time() - began
        scaling = Targets.fit(data.training.y, "dct", None if data.classes is None else len(data.classes)).scaling
        unit = 1.0 if scaling is None else float(scaling.scale[0]) ** 2
        return Result(
            score=model.scores["accuracy" if data.classes is not None else "mean_squared_error"],
            seconds=round(seconds, 2),
            choice=f"start {model.training['learner']['start']}",
            curve=thin_curve([error * unit for error in errors]),
            parameters=network_fields(model.network)["parameters"],
        )

    def network(self, problem: Problem, result: Result) -> Network:
        """Return the network with the parameters of a result."""
        shapes = self._shapes()
        ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
        parts = zip(np.split(decode_parameters(result.parameters), ends), shapes, strict=True)
        offset, w1, b1, f1, w2, b2, f2, shift = starmap(np.reshape, parts)
        return Network(problem.task, "dct", (Layer(w1, b1, f1), Layer(w2, b2, f2)), offset, shift)

    def _shapes(self) -> tuple[tuple[int, ...], ...]:
        """Return the shapes of input offset, W, b and F of both layers, and output offset."""
        wide, deep = self.hidden, HARMONICS
        return (2,), (wide, 2), (wide,), (wide, deep), (1, wide), (1,), (1, deep), (1,)


@cache
def _compile_kernel(hidden: int) -> None:
    """Compile or load the training kernel, so that compilation is not part of a fit's time."""
    tiny = named("sum").dataset(16, 0, 16)
    train(tiny, LMS(passes=1), hidden=(hidden,), harmonics=HARMONICS, head="dct", seed=0)


@dataclass(frozen=True)
class PeerContender:
    """Other network, with all seeds trained side by side."""

    peer: Peer

    @property
    def name(self) -> str:
        """Name in the results."""
        return self.peer.name

    @property
    def label(self) -> str:
        """Name in pictures."""
        return f"{self.peer.kind} 2-{self.peer.hidden}-1"

    def learn(
        self, problem: Problem, seeds: tuple[int, ...], budget: Budget, watch: OnPass
    ) -> Iterator[tuple[int, Result]]:
        """Yield the results of all seeds after training; see `Contender.learn`."""
        data = {seed: problem.dataset(budget.samples, seed, budget.judged) for seed in seeds}

        def every_seed() -> None:
            for _ in seeds:
                watch()

        yield from batched_peers.train_peers(self.peer, data, budget.passes, every_seed)

    def respond(self, result: Result, x: Floats) -> Floats:
        """Return the values, or the logits of the second class, of a result.

        Args:
            result: Result with parameters.
            x: Inputs, [rows, 2].

        Returns:
            Array of shape [rows].
        """
        parameters = torch.from_numpy(decode_parameters(result.parameters))[None]
        rows = torch.from_numpy(x.T.astype(np.float32))[None]
        return self.peer.respond(parameters, torch.ones(1, 1, 1), rows)[0].double().numpy()


def contenders(problem: Problem) -> tuple[Contender, ...]:
    """Return the models compared on a problem."""
    small = [*peers.tuned_peers(6)]
    equal = [*peers.tuned_peers(17), peers.kan_peer(3)]
    extra: list[Peer] = [*peers.untuned_peers(6)] if problem.task == "classification" else []
    if problem.name in MORE_STEPS_PROBLEMS:
        extra += [peers.with_more_steps(peer) for peer in equal]
    if problem.name == HARD_PROBLEM:
        extra += [*peers.tuned_peers(32), peers.kan_peer(6)]
    enns = [ENNContender(), ENNContender(12, 2.0)] if problem.name == HARD_PROBLEM else [ENNContender()]
    simple = [BaselineContender("constant"), BaselineContender("line")]
    return (*simple, *enns, *(PeerContender(peer) for peer in (*small, *equal, *extra)))

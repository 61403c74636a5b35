"""Who takes part: the simplest models, the ENN with its defaults, and the peers."""

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
from enn_training.experiments.paper import peers, stack
from enn_training.experiments.paper.peers import Peer
from enn_training.experiments.paper.results import Budget, Result, decoded, thinned
from enn_training.learners.base import PassResult
from enn_training.learners.lms import LMS
from enn_training.learners.trainer import train

Floats = NDArray[np.float64]
Watch = Callable[[], None]
HARMONICS = 6
HARD = "high-frequency-sine"
"""The problem that is also learned with twice the neurons."""
LONGER = ("ring", "face", "product")
"""Problems on which the peers are also given four times the steps."""


class Contender(Protocol):
    """Who learns a problem."""

    @property
    def name(self) -> str:
        """What results call it."""
        ...

    def learn(
        self, problem: Problem, seeds: tuple[int, ...], budget: Budget, watch: Watch
    ) -> Iterator[tuple[int, Result]]:
        """Yield each seed with what came out; watch is called after every pass of every seed."""
        ...


@dataclass(frozen=True)
class Simple:
    """The most frequent class or the mean ("constant"), or the best straight line ("line")."""

    name: str

    def learn(
        self, problem: Problem, seeds: tuple[int, ...], budget: Budget, watch: Watch
    ) -> Iterator[tuple[int, Result]]:
        """Yield each seed's score; see Contender.learn."""
        for seed in seeds:
            began = time.process_time()
            score = self._score(problem.dataset(budget.samples, seed, budget.judged))
            yield seed, Result(score, round(time.process_time() - began, 2))
            for _ in range(budget.passes):
                watch()

    def _score(self, data: Dataset) -> float:
        if data.classes is not None:
            return baselines(data)[0 if self.name == "constant" else 1].score
        variance = float(data.test.y.var())
        return variance if self.name == "constant" else (1.0 - baselines(data)[0].score) * variance


@dataclass(frozen=True)
class Enn:
    """The ENN with the defaults of `enn-train problem`.

    Attributes:
        hidden: M.
        spread: g.
    """

    hidden: int = 6
    spread: float = 0.5

    @property
    def name(self) -> str:
        """What results call it."""
        return f"enn-{self.hidden}"

    @property
    def label(self) -> str:
        """What pictures call it."""
        return f"ENN 2-{self.hidden}-1"

    @property
    def parameters(self) -> int:
        """The number of learned parameters."""
        return sum(math.prod(shape) for shape in self._shapes()[1:-1])

    def learn(
        self, problem: Problem, seeds: tuple[int, ...], budget: Budget, watch: Watch
    ) -> Iterator[tuple[int, Result]]:
        """Yield each seed as soon as it is learned; see Contender.learn."""
        _compile(self.hidden)
        for seed in seeds:
            yield seed, self._learn(problem.dataset(budget.samples, seed, budget.judged), seed, budget.passes, watch)

    def _learn(self, data: Dataset, seed: int, passes: int, watch: Watch) -> Result:
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
            curve=thinned([error * unit for error in errors]),
            parameters=network_fields(model.network)["parameters"],
        )

    def network(self, problem: Problem, result: Result) -> Network:
        """Return the network of a result."""
        shapes = self._shapes()
        ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
        parts = zip(np.split(decoded(result.parameters), ends), shapes, strict=True)
        offset, w1, b1, f1, w2, b2, f2, shift = starmap(np.reshape, parts)
        return Network(problem.task, "dct", (Layer(w1, b1, f1), Layer(w2, b2, f2)), offset, shift)

    def _shapes(self) -> tuple[tuple[int, ...], ...]:
        """Return the shapes of input offset, W, b and F of both layers, and output offset."""
        wide, deep = self.hidden, HARMONICS
        return (2,), (wide, 2), (wide,), (wide, deep), (1, wide), (1,), (1, deep), (1,)


@cache
def _compile(hidden: int) -> None:
    """Compile, or load, the learner's kernel: no fit's time is to have that in it."""
    tiny = named("sum").dataset(16, 0, 16)
    train(tiny, LMS(passes=1), hidden=(hidden,), harmonics=HARMONICS, head="dct", seed=0)


@dataclass(frozen=True)
class Stacked:
    """A peer, all seeds at once."""

    peer: Peer

    @property
    def name(self) -> str:
        """What results call it."""
        return self.peer.name

    @property
    def label(self) -> str:
        """What pictures call it."""
        return f"{self.peer.kind} 2-{self.peer.hidden}-1"

    def learn(
        self, problem: Problem, seeds: tuple[int, ...], budget: Budget, watch: Watch
    ) -> Iterator[tuple[int, Result]]:
        """Yield all seeds when they are learned; see Contender.learn."""
        data = {seed: problem.dataset(budget.samples, seed, budget.judged) for seed in seeds}

        def every_seed() -> None:
            for _ in seeds:
                watch()

        yield from stack.learn(self.peer, data, budget.passes, every_seed)

    def respond(self, result: Result, x: Floats) -> Floats:
        """Return values, or logits of the second class, [rows], of rows x [rows, 2]."""
        parameters = torch.from_numpy(decoded(result.parameters))[None]
        rows = torch.from_numpy(x.T.astype(np.float32))[None]
        return self.peer.respond(parameters, torch.ones(1, 1, 1), rows)[0].double().numpy()


def contenders(problem: Problem) -> tuple[Contender, ...]:
    """Return who takes part in a problem."""
    small = [*peers.tuned(6)]
    equal = [*peers.tuned(17), peers.kan(3)]
    extra: list[Peer] = [*peers.plain(6)] if problem.task == "classification" else []
    if problem.name in LONGER:
        extra += [peers.longer(peer) for peer in equal]
    if problem.name == HARD:
        extra += [*peers.tuned(32), peers.kan(6)]
    enns = [Enn(), Enn(12, 2.0)] if problem.name == HARD else [Enn()]
    simple = [Simple("constant"), Simple("line")]
    return (*simple, *enns, *(Stacked(peer) for peer in (*small, *equal, *extra)))

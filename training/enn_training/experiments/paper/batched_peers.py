"""Train networks side by side: every variant of every seed is one network of a batch with a common Adam step."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from enn_training.data.dataset import Dataset, Split
from enn_training.data.targets import Targets
from enn_training.experiments.paper.peers import Peer
from enn_training.experiments.paper.results import Result, encode_parameters, thin_curve

WARM_UP = 0.1
"""Share of the steps in which the learning rate rises linearly from 0; afterwards it falls to 0 along a cosine."""


class BatchedAdam:
    """Adam over a batch of networks, each with its own learning rate.

    Args:
        parameters: Parameters [networks, p], updated in place.

    Source: arXiv 1412.6980, algorithm 1, with its constants.
    """

    def __init__(self, parameters: Tensor) -> None:
        self.parameters = parameters
        self.mean = torch.zeros_like(parameters)
        self.power = torch.zeros_like(parameters)
        self.steps = 0

    @torch.no_grad()
    def step(self, gradient: Tensor, rates: Tensor) -> None:
        """Update the parameters by one gradient [networks, p]; rates are [networks, 1]."""
        self.steps += 1
        self.mean.lerp_(gradient, 0.1)
        self.power.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        mean = self.mean / (1 - 0.9**self.steps)
        power = self.power / (1 - 0.999**self.steps)
        self.parameters.sub_(rates * mean / (power.sqrt() + 1e-8))


@dataclass(frozen=True, eq=False)
class BatchedRows:
    """Rows of one part of the data for every seed: x [seeds, 2, rows], y [seeds, rows]."""

    x: Tensor
    y: Tensor

    def batches(self, generators: list[torch.Generator], size: int) -> Iterator["BatchedRows"]:
        """Yield all rows once, in the order of each seed's own generator."""
        count = self.y.shape[1]
        order = torch.stack([torch.randperm(count, generator=generator) for generator in generators])
        x = self.x.gather(2, order[:, None].expand_as(self.x))
        for columns in zip(x.split(size, 2), self.y.gather(1, order).split(size, 1), strict=True):
            yield BatchedRows(*columns)

    def repeated(self, times: int) -> "BatchedRows":
        """Return the rows for every variant of every seed."""
        return BatchedRows(self.x.repeat_interleave(times, 0), self.y.repeat_interleave(times, 0))


def train_peers(
    peer: Peer, data: dict[int, Dataset], passes: int, watch: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, Result]]:
    """Yield the result of each seed; the variant with the lowest held-out loss is selected.

    Args:
        peer: Network to train.
        data: Data set of each seed.
        passes: Number of passes over the training rows.
        watch: Callback after every pass.
    """
    stack = _BatchedPeers(peer, data)
    began = time.process_time()
    for number in range(passes):
        stack.learn_pass(number, passes)
        stack.evaluate()
        watch()
    seconds = (time.process_time() - began) / len(data)
    for index, seed in enumerate(data):
        yield seed, stack.result(index, seconds)


class _BatchedPeers:
    """Networks [seeds x variants] with the best parameters of each so far."""

    def __init__(self, peer: Peer, data: dict[int, Dataset]) -> None:
        self.peer = peer
        self.data = list(data.values())
        self.variants = len(peer.variants)
        first = self.data[0]
        classes = None if first.classes is None else len(first.classes)
        self.loss = _squared_error if classes is None else _cross_entropy
        self.targets = [Targets.fit(dataset.training.y, "linear", classes) for dataset in self.data]
        self.training = self._rows([dataset.training for dataset in self.data])
        self.held_out = self._rows([dataset.validation for dataset in self.data]).repeated(self.variants)
        self.rates, gains = torch.tensor(peer.variants).repeat(len(data), 1).split(1, dim=1)
        self.gains = gains[:, :, None]
        starts = [torch.Generator().manual_seed(1000 * seed + index) for seed in data for index in range(self.variants)]
        self.orders = [torch.Generator().manual_seed(seed) for seed in data]
        self.adam = BatchedAdam(peer.start(starts).requires_grad_())
        self.kept = self.adam.parameters.detach().clone()
        self.least = torch.full((len(self.kept),), math.inf)
        self.curves: list[Tensor] = []

    def learn_pass(self, number: int, passes: int) -> None:
        """Take one step per batch of rows."""
        parameters = self.adam.parameters
        steps = -(-self.training.y.shape[1] // self.peer.batch)
        for index, rows in enumerate(self.training.batches(self.orders, self.peer.batch)):
            every = rows.repeated(self.variants)
            loss = self.loss(self.peer.respond(parameters, self.gains, every.x), every.y).sum()
            (gradient,) = torch.autograd.grad(loss, parameters)
            self.adam.step(gradient, self.rates * rate_factor((number * steps + index) / (passes * steps)))

    @torch.no_grad()
    def evaluate(self) -> None:
        """Keep the parameters of networks with a new lowest held-out loss, and record the error of the best variant."""
        response = self.peer.respond(self.adam.parameters, self.gains, self.held_out.x)
        losses = self.loss(response, self.held_out.y)
        better = losses < self.least
        self.least = torch.where(better, losses, self.least)
        self.kept = torch.where(better[:, None], self.adam.parameters, self.kept)
        best = losses.nan_to_num(math.inf).view(-1, self.variants).argmin(1)
        chosen = best + torch.arange(len(best)) * self.variants
        self.curves.append(_comparable_error(self.loss, response[chosen], self.held_out.y[chosen]))

    @torch.no_grad()
    def result(self, index: int, seconds: float) -> Result:
        """Return the result of one seed."""
        own = slice(index * self.variants, (index + 1) * self.variants)
        kept, gains, test = self.kept[own], self.gains[own], self.data[index].test
        response = self.peer.respond(kept, gains, _to_tensor(test.x).T.expand(self.variants, -1, -1))
        scaling = self.targets[index].scaling
        if scaling is None:
            unit = 1.0
            scores = ((response > 0) == _to_tensor(test.y).bool()).double().mean(1)
        else:
            unit = float(scaling.scale[0]) ** 2
            scores = (response - _to_tensor(scaling.transform(test.y))).double().square().mean(1) * unit
        best = int(self.least[own].argmin())
        rate, gain = self.peer.variants[best]
        return Result(
            score=float(scores[best]),
            seconds=round(seconds, 2),
            choice=f"step {rate:g}, gain {gain:g}",
            tried=tuple(float(f"{score:.5g}") for score in scores.tolist()),
            curve=thin_curve([float(errors[index]) * unit for errors in self.curves]),
            parameters=encode_parameters(self._raw(kept[best : best + 1], gain, index)),
        )

    def _raw(self, kept: Tensor, gain: float, index: int) -> np.ndarray:
        """Return the parameters of one network with the gain and the scaling of its targets folded in."""
        folded = kept.clone()
        w1, b1, w2, b2 = self.peer.layers(folded)
        w1 *= gain
        b1 *= gain
        if (scaling := self.targets[index].scaling) is not None:
            half, center = float(scaling.scale[0]), float(scaling.center[0])
            w2 *= half
            b2.mul_(half).add_(center)
        return folded[0].numpy()

    def _rows(self, parts: list[Split]) -> BatchedRows:
        """Return the rows of one part of every seed as a batch."""
        encoded_targets = [
            _to_tensor(targets.encode(part.y))[:, 0] for targets, part in zip(self.targets, parts, strict=True)
        ]
        return BatchedRows(torch.stack([_to_tensor(part.x).T for part in parts]), torch.stack(encoded_targets))


def rate_factor(progress: float) -> float:
    """Return the learning rate relative to its peak at a progress from 0 to 1: linear rise, cosine fall."""
    if progress < WARM_UP:
        return progress / WARM_UP
    return 0.5 + 0.5 * math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))


def _cross_entropy(response: Tensor, target: Tensor) -> Tensor:
    """Return the mean loss of each network, [networks], from logits and targets 0/1 [networks, rows]."""
    return functional.binary_cross_entropy_with_logits(response, target, reduction="none").mean(1)


def _squared_error(response: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared error of each network, [networks]."""
    return (response - target).square().mean(1)


def _comparable_error(loss: Callable[[Tensor, Tensor], Tensor], response: Tensor, target: Tensor) -> Tensor:
    """Return squared errors [networks]; a probability p for a label 0 or 1 counts as 2p - 1 for -1 or +1."""
    return (
        _squared_error(response, target) if loss is _squared_error else 4 * _squared_error(response.sigmoid(), target)
    )


def _to_tensor(array: np.ndarray) -> Tensor:
    """Return an array as a float32 tensor."""
    return torch.from_numpy(np.asarray(array, dtype=np.float32))

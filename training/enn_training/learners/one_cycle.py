"""OneCycle: AdamW with Smith's one-cycle policy of the learning rate, within a time limit.

Source: arXiv 1708.07120; the defaults are those of `torch.optim.lr_scheduler.OneCycleLR`.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from enn_training.data.preprocessing import Samples
from enn_training.nn.batched import BatchedNetworks

# Share of the cycle in which the rate rises; first and last rate as a share of the highest.
RISE, FIRST, LAST = 0.3, 0.04, 4e-6
SMALL = 2**17
"""Largest number of values of a layer in a step for which one thread is fastest: threads cost more than they save."""


@dataclass(frozen=True)
class OneCycle:
    """Train batched networks over one cycle of the learning rate.

    Attributes:
        passes: Number of passes over the rows.
        rate: Highest learning rate.
        batch: Number of rows in a step.
        max_time: Time limit in seconds; None for no limit. If the passes would take longer, fewer are made over the
            same cycle.
    """

    passes: int
    rate: float
    batch: int
    max_time: float | None = None

    def run(
        self,
        stack: BatchedNetworks,
        samples: Samples,
        rows: NDArray[np.int64],
        *,
        decay: NDArray[np.float64],
        smoothing: NDArray[np.float64],
        seed: int,
    ) -> Iterator[int]:
        """Train the networks in place; yield the number of passes now planned after every pass.

        Args:
            stack: Networks to train.
            samples: Samples of all networks.
            rows: Indices of the samples that each network is trained on, [lanes, rows].
            decay: Weight decay of each network, [lanes]; a step shrinks a weight by the learning rate times this.
            smoothing: Decay of the DCT coefficients of each network to those of a line, [lanes].
            seed: Seed of the order of rows.
        """
        size = min(self.batch, rows.shape[1]) * stack.lanes * max(stack.architecture.widths)
        with _threads(1 if size <= SMALL else torch.get_num_threads()):
            yield from self._run(stack, samples, rows, decay=decay, smoothing=smoothing, seed=seed)

    def _run(
        self,
        stack: BatchedNetworks,
        samples: Samples,
        rows: NDArray[np.int64],
        *,
        decay: NDArray[np.float64],
        smoothing: NDArray[np.float64],
        seed: int,
    ) -> Iterator[int]:
        x, y = torch.from_numpy(samples.x).float(), torch.from_numpy(samples.y).float()
        optimizer = torch.optim.AdamW(stack.parameters(), lr=self.rate, weight_decay=0.0, fused=True)
        decays, smoothings = torch.from_numpy(decay).float(), torch.from_numpy(smoothing).float()
        rng = np.random.default_rng(seed)
        progress, left, began = 0.0, self.passes, time.monotonic()
        ends: list[float] = []
        while left > 0:
            batches = torch.from_numpy(rng.permuted(rows, axis=1)).split(self.batch, dim=1)
            share = (1.0 - progress) / left
            for index, chosen in enumerate(batches):
                rate = self.rate * one_cycle_rate(progress + share * index / len(batches))
                optimizer.param_groups[0]["lr"] = rate
                optimizer.zero_grad()
                stack.losses(x[chosen], y[chosen]).sum().backward()
                stack.apply_decay(rate * decays, rate * smoothings)
                optimizer.step()
            progress += share
            ends.append(time.monotonic())
            left = self._left(*(end - began for end in ends))
            yield len(ends) + left

    def _left(self, first: float, *others: float) -> int:
        """Return the number of passes left after some that ended at these times, in seconds.

        In a new process the first pass takes far longer than the others: it decides only whether a second one fits.
        """
        left = self.passes - 1 - len(others)
        if self.max_time is None:
            return left
        if not others:
            return left if 2.0 * first <= self.max_time else 0
        pace = (others[-1] - first) / len(others)
        return min(left, int((self.max_time - others[-1]) / max(pace, 1e-9)))


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Set the number of PyTorch's threads, and restore it afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def one_cycle_rate(progress: float) -> float:
    """Return the learning rate as a share of the highest one, at a progress from 0 to 1."""
    if progress < RISE:
        return _cosine(FIRST, 1.0, progress / RISE)
    return _cosine(1.0, LAST, (progress - RISE) / (1.0 - RISE))


def _cosine(first: float, last: float, progress: float) -> float:
    return last + (first - last) * (1.0 + math.cos(math.pi * progress)) / 2.0

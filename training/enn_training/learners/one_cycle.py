"""OneCycle: AdamW with Smith's one-cycle policy of the learning rate, within a time limit.

Source: arXiv 1708.07120; the defaults are those of `torch.optim.lr_scheduler.OneCycleLR`.
"""

import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from enn_training.data.preprocessing import Samples
from enn_training.nn.batched import BatchedNetworks
from enn_training.nn.threads import one_thread

# Share of the cycle in which the rate rises; first and last rate as a share of the highest.
RISE, FIRST, LAST = 0.3, 0.04, 4e-6
# Steps, or share of the time limit, after which the mean time of a step is trusted.
FEW_STEPS, FEW_SHARE = 10, 0.1


class CycleProgress(NamedTuple):
    """Report the progress after a pass.

    Attributes:
        passes: Number of passes now planned.
        cut_short: True if the time limit allows fewer steps than planned at first.
    """

    passes: int
    cut_short: bool


@dataclass(frozen=True)
class OneCycle:
    """Train batched networks over one cycle of the learning rate.

    Attributes:
        passes: Number of passes over the rows.
        rate: Highest learning rate.
        batch: Number of rows in a step.
        max_time: Time limit in seconds; None for no limit. If the passes would take longer, fewer are made over the
            same cycle; the last one can be a part of a pass.
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
    ) -> Iterator[CycleProgress]:
        """Train the networks in place; yield the progress after every pass.

        Args:
            stack: Networks to train.
            samples: Samples of all networks.
            rows: Indices of the samples that each network is trained on, [lanes, rows].
            decay: Weight decay of each network, [lanes]; a step shrinks a weight by the learning rate times this.
            smoothing: Decay of the DCT coefficients of each network to those of a line, [lanes].
            seed: Seed of the order of rows.
        """
        with one_thread():
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
    ) -> Iterator[CycleProgress]:
        x, y = torch.from_numpy(samples.x).float(), torch.from_numpy(samples.y).float()
        weight = None if samples.weight is None else torch.from_numpy(samples.relative_weight).float()
        optimizer = torch.optim.AdamW(stack.parameters(), lr=self.rate, weight_decay=0.0, fused=True)
        decays, smoothings = torch.from_numpy(decay).float(), torch.from_numpy(smoothing).float()
        rng = np.random.default_rng(seed)
        progress, made, left, pace = 0.0, 0, self.passes, _Pace(self.max_time)
        while left > 0:
            batches = torch.from_numpy(rng.permuted(rows, axis=1)).split(self.batch, dim=1)
            first, start, steps, share = progress, 0, len(batches), (1.0 - progress) / left
            for index, chosen in enumerate(batches):
                rate = self.rate * one_cycle_rate(first + share * (index - start) / (steps - start))
                optimizer.param_groups[0]["lr"] = rate
                optimizer.zero_grad()
                stack.losses(x[chosen], y[chosen], None if weight is None else weight[chosen]).sum().backward()
                stack.apply_decay(rate * decays, rate * smoothings)
                optimizer.step()
                if (end := index + 1 + pace.steps_left()) < steps:
                    # The cycle ends within this pass: its rate falls over the steps that are left.
                    first += share * (index + 1 - start) / (steps - start)
                    start, steps, share, left = index + 1, end, 1.0 - first, 1
                if index + 1 >= steps:
                    break
            progress, made = first + share, made + 1
            left = min(left - 1, -(-pace.possible // len(batches)))
            yield CycleProgress(made + left, cut_short=made + left < self.passes or steps < len(batches))


class _Pace:
    """Measure the time of the steps, and count those that fit into a time limit.

    In a new process the first step takes far longer than the others: it is left out of their mean.

    Attributes:
        possible: Number of further steps that fit, as of the last call of `steps_left`.
    """

    def __init__(self, max_time: float | None) -> None:
        self._max_time, self._began = max_time, time.monotonic()
        self._made, self._first = 0, 0.0
        self.possible = sys.maxsize

    def steps_left(self) -> int:
        """Return the number of further steps that fit; call it once after every step."""
        if self._max_time is None:
            return self.possible
        elapsed = time.monotonic() - self._began
        self._made += 1
        if self._made == 1:
            self._first = elapsed
        if elapsed >= self._max_time:
            self.possible = 0
        elif self._made > FEW_STEPS or (self._made > 1 and elapsed > FEW_SHARE * self._max_time):
            mean = (elapsed - self._first) / (self._made - 1)
            self.possible = int((self._max_time - elapsed) / max(mean, 1e-9))
        return self.possible


def one_cycle_rate(progress: float) -> float:
    """Return the learning rate as a share of the highest one, at a progress from 0 to 1."""
    if progress < RISE:
        return _cosine(FIRST, 1.0, progress / RISE)
    return _cosine(1.0, LAST, (progress - RISE) / (1.0 - RISE))


def _cosine(first: float, last: float, progress: float) -> float:
    return last + (first - last) * (1.0 + math.cos(math.pi * progress)) / 2.0

"""Benchmark the training speed: `python benchmarks/learning.py --out docs/benchmarks/learning.md`.

Compares the compiled LMS with a NumPy loop of the authors' update and with torch's SGD of batch size one, and a
training step of the activation with its basis formulation and ReLU. Uses one core and CPU seconds; the candidates of a
table run alternately, ratios are taken within a round, and medians are printed.
"""

import argparse
import math
import platform
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from enn_models import cosine_series
from enn_training.data.problems import problem
from enn_training.kernels import lms as lms_kernel
from enn_training.kernels.simd import LANES
from enn_training.learners import lms
from enn_training.nn.activation import DCTActivation
from enn_training.nn.architecture import Architecture
from enn_training.nn.initialization import initial_network
from enn_training.nn.module import ENN

NEURONS, HARMONICS, SPREAD, BETA = 6, 6, 0.5, 0.999
(F_HIDDEN, W_HIDDEN), (F_OUT, W_OUT) = lms.HIDDEN_STEPS, lms.OUTPUT_STEPS
ROWS = 20_000
KERNEL, LOOP, SGD = "compiled LMS", "NumPy loop", "torch SGD"
SIZES = ((64, 16), (256, 64), (1024, 256))
MEASURED_SECONDS = 0.1
TARGETS = {LOOP: 120.0, SGD: 1000.0}

Floats = np.ndarray


class NumpyLMS:
    """The authors' update of a 2-M-1 network with a DCT head, one sample at a time, in NumPy.

    Source: arXiv 2307.00673, section IV, and the authors' notebooks.
    """

    def __init__(self) -> None:
        hidden, out = initial_network(Architecture(2, (NEURONS,), 1, HARMONICS), SPREAD).layers
        self.w_hidden = np.column_stack([hidden.bias, hidden.weight]).astype(np.float64)
        self.w_out = np.concatenate([out.bias, out.weight[0]]).astype(np.float64)
        self.f_hidden = np.tile(cosine_series.line(HARMONICS), (NEURONS, 1))
        self.f_out = cosine_series.line(HARMONICS).copy()
        self.p_hidden, self.p_out = np.ones(NEURONS), 1.0
        self.omega = (2 * np.arange(1, HARMONICS + 1) - 1) * (math.pi / 2)

    def learn(self, x: Floats, y: Floats) -> None:
        """Take one step for each row of x [rows, 2] and y [rows]."""
        for row, target in zip(x, y, strict=True):
            one_x = np.concatenate(([1.0], row))
            angle = self.omega * (self.w_hidden @ one_x + 1.0)[:, None]
            c, s = np.cos(angle), np.sin(angle)
            signal = np.concatenate(([1.0], (self.f_hidden * c).sum(axis=1)))
            slope = -(self.omega * self.f_hidden * s).sum(axis=1)
            angle = self.omega * (self.w_out @ signal + 1.0)
            c_out, s_out = np.cos(angle), np.sin(angle)
            error = target - self.f_out @ c_out
            slope_out = -(self.omega * self.f_out) @ s_out
            error_hidden = error * slope_out * self.w_out[1:]
            gradient = slope_out * signal
            self.p_out = BETA * self.p_out + (1.0 - BETA) * (gradient @ gradient)
            self.f_out += (4.0 * F_OUT / HARMONICS) * error * c_out
            self.w_out += (2.0 * W_OUT / self.p_out) * error * gradient
            gradient = slope[:, None] * one_x
            self.p_hidden = BETA * self.p_hidden + (1.0 - BETA) * (gradient**2).sum(axis=1)
            self.f_hidden += (4.0 * F_HIDDEN / HARMONICS) * error_hidden[:, None] * c
            self.w_hidden += (2.0 * W_HIDDEN * error_hidden / self.p_hidden)[:, None] * gradient


class CompiledLMS:
    """The compiled LMS, which trains eight networks side by side."""

    def __init__(self) -> None:
        architecture = Architecture(2, (NEURONS,), 1, HARMONICS)
        self.state = lms.begin(architecture, [initial_network(architecture, SPREAD)] * LANES)
        self.order = np.tile(np.arange(ROWS)[:, None], LANES)
        self.steps = np.array([[[F_HIDDEN] * LANES, [W_HIDDEN] * LANES], [[F_OUT] * LANES, [W_OUT] * LANES]])

    def learn(self, x: Floats, y: Floats) -> None:
        """Take one step of every network for each row."""
        lms_kernel.learn(self.state, x, y[:, None], self.order[: len(x)], self.steps)


class TorchSGD:
    """The same network trained by torch.optim.SGD with one row per step."""

    def __init__(self) -> None:
        self.module = ENN(2, (NEURONS,), 1, HARMONICS, spread=SPREAD)
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=W_HIDDEN)

    def learn(self, x: Floats, y: Floats) -> None:
        """Take one step for each row."""
        for row, target in zip(torch.from_numpy(x).float(), torch.from_numpy(y).float(), strict=True):
            self.optimizer.zero_grad()
            (target - self.module(row)).square().sum().backward()
            self.optimizer.step()


class BasisActivation(nn.Module):
    """The activation as its formula is written: all cosines, [rows, neurons, Q], then their weighted sum."""

    def __init__(self, neurons: int, harmonics: int) -> None:
        super().__init__()
        self.coefficients = nn.Parameter(torch.from_numpy(cosine_series.line(harmonics)).float().repeat(neurons, 1))
        self.omega = (2 * torch.arange(1, harmonics + 1) - 1) * (math.pi / 2)

    def forward(self, z: Tensor) -> Tensor:
        """Return sigma(z), [rows, neurons]."""
        return (self.coefficients * torch.cos(self.omega * (z + 1.0)[..., None])).sum(-1)


def ring_samples() -> tuple[Floats, Floats]:
    """Return rows [ROWS, 2] of the ring problem and their labels -1 or +1, [ROWS]."""
    part = problem("ring").sample(ROWS, np.random.default_rng(0))
    return part.x, 2.0 * part.y - 1.0


def largest_difference() -> float:
    """Return the largest difference of a parameter after both LMS implementations learned the same 2,000 rows."""
    x, y = (part[:2_000] for part in ring_samples())
    kernel, loop = CompiledLMS(), NumpyLMS()
    kernel.learn(x, y)
    loop.learn(x, y)
    state = kernel.state
    pairs = (
        (state.weight[0, :, :2, 0], loop.w_hidden[:, 1:]),
        (state.bias[0, :, 0], loop.w_hidden[:, 0]),
        (state.coefficients[0, :, :, 0], loop.f_hidden),
        (state.weight[1, 0, :, 0], loop.w_out[1:]),
        (state.coefficients[1, 0, :, 0], loop.f_out),
    )
    return max(float(np.abs(ours - theirs).max()) for ours, theirs in pairs)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the mean CPU seconds of a call, over as many calls as take MEASURED_SECONDS together."""
    calls, began = 0, time.thread_time()
    while (elapsed := time.thread_time() - began) < MEASURED_SECONDS:
        work()
        calls += 1
    return elapsed / calls


def measure_alternately(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the CPU seconds of each function in each round.

    Args:
        works: Functions by name, called alternately so that a disturbance of the machine affects all of them.
        rounds: Number of rounds.
    """
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(cpu_seconds(work))
    return times


def ratio(times: dict[str, list[float]], name: str, other: str) -> float:
    """Return the time of `other` divided by the time of `name`, as the median over the rounds."""
    return statistics.median(theirs / ours for ours, theirs in zip(times[name], times[other], strict=True))


def update_lines(rounds: int) -> Iterator[str]:
    """Measure the LMS updates and yield the lines of their table."""
    x, y = ring_samples()
    fewer_rows = {LOOP: 500, SGD: 50}  # these learners are slow
    learners = {KERNEL: CompiledLMS(), LOOP: NumpyLMS(), SGD: TorchSGD()}
    rows = {name: fewer_rows.get(name, ROWS) for name in learners}
    works = {
        name: (lambda n=name, each=each: each.learn(x[: rows[n]], y[: rows[n]])) for name, each in learners.items()
    }
    times = measure_alternately(works, rounds)
    seconds_per_row = {name: [value / rows[name] for value in values] for name, values in times.items()}
    yield f"| learner | updates per second | {KERNEL}, one network | {KERNEL}, all {LANES} networks | target |"
    yield "|---|---|---|---|---|"
    rate = 1.0 / statistics.median(seconds_per_row[KERNEL])
    yield f"| {KERNEL} | {rate:,.0f} of each network, {LANES * rate:,.0f} in all | 1 | {LANES} | |"
    for other in (LOOP, SGD):
        speedup = ratio(seconds_per_row, KERNEL, other)
        verdict = f"{_verdict(speedup, other)} by one network, {_verdict(LANES * speedup, other)} by all"
        cells = [
            other,
            f"{1.0 / statistics.median(seconds_per_row[other]):,.0f}",
            f"{speedup:,.0f} x",
            f"{LANES * speedup:,.0f} x",
        ]
        yield f"| {' | '.join(cells)} | >= {TARGETS[other]:,.0f} x: {verdict} |"


def _verdict(speedup: float, other: str) -> str:
    """Return whether the speedup over another learner reaches its target."""
    return "met" if speedup >= TARGETS[other] else "**not met**"


def activation_lines(rounds: int) -> Iterator[str]:
    """Measure training steps of the activations and yield the lines of their table."""
    yield "| rows x neurons | Q | DCTActivation, us | time of basis / DCTActivation | time of DCTActivation / ReLU |"
    yield "|---|---|---|---|---|"
    for count, neurons in SIZES:
        for harmonics in (6, 12):
            z = (4.0 * torch.rand(count, neurons, generator=torch.Generator().manual_seed(0)) - 2.0).requires_grad_()
            modules = {
                "dct": DCTActivation(neurons, harmonics),
                "basis": BasisActivation(neurons, harmonics),
                "relu": nn.ReLU(),
            }
            times = measure_alternately({name: _training_step(module, z) for name, module in modules.items()}, rounds)
            ours = 1e6 * statistics.median(times["dct"])
            comparison = f"{ratio(times, 'dct', 'basis'):.1f} x | {ratio(times, 'relu', 'dct'):.1f} x"
            yield f"| {count} x {neurons} | {harmonics} | {ours:.0f} | {comparison} |"


def _training_step(module: nn.Module, z: Tensor) -> Callable[[], None]:
    """Return a function that runs a module forward, and backward to z and the coefficients."""
    outer = torch.ones_like(z)

    def step() -> None:
        for tensor in (z, *module.parameters()):
            tensor.grad = None
        module(z).backward(outer)

    return step


PAGE = """# Learning compared

Measured by `{command}` on one core ({machine}), in CPU seconds.
The rows of a table run alternately. Figures are medians of {rounds} rounds; ratios are taken within a round.
{versions}.

## One LMS update

A 2-{neurons}-1 network with Q = {harmonics} and a dct head, updated after each sample: the authors' formulas as a NumPy
loop in float64, the same formulas compiled, and torch's SGD with batch size one. After 2,000 samples no parameter of
the loop and of the compiled LMS differs by more than {difference:.0e}. The compiled LMS always trains {lanes} networks
(eight starts, of which the best is kept), one in each lane of a vector. The table gives both counts: the updates of
one network, as if the others were discarded, and the updates of all.

{learning}

## One training step of the activation

Forward and backward, to the pre-activations and to the coefficients, in float32: `DCTActivation`, the basis formulation
that stores rows x neurons x Q cosines, and ReLU, which has no parameters.

{activations}
"""


def page(rounds: int) -> str:
    """Run all measurements and return the page in Markdown."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "numba", "numpy"))
    return PAGE.format(
        command=shlex.join(["python", "benchmarks/learning.py", *sys.argv[1:]]),
        machine=platform.machine(),
        rounds=rounds,
        versions=f"Python {platform.python_version()}, {versions}",
        neurons=NEURONS,
        harmonics=HARMONICS,
        lanes=LANES,
        difference=largest_difference(),
        learning="\n".join(update_lines(rounds)),
        activations="\n".join(activation_lines(rounds)),
    )


def main() -> None:
    """Run the benchmark, print the page, and write it to the file of --out."""
    parser = argparse.ArgumentParser(prog="python benchmarks/learning.py", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="number of measurements of each candidate")
    parser.add_argument("--out", type=Path, help="file to write the page to; default: only print it")
    options = parser.parse_args()
    torch.set_num_threads(1)
    text = page(options.rounds)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text)


if __name__ == "__main__":
    main()

"""Every unrolling beside a ReLU network of the same shape: `python -m benchmarks.unrolling --out FILE`.

Prints ratios of time and errors against float64, all measured in one run, as a page in Markdown.
"""

import argparse
import os
import platform
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
import onnx
from numpy.typing import NDArray

from enn_models import cosine_series
from enn_models.batching import max_batch_rows
from enn_models.network import Layer, Network
from enn_training.publishing.load import load
from enn_training.publishing.onnx import accuracy, selection
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value
from enn_training.publishing.onnx.layout import FEW_INPUT, FEW_OUTPUT, Layout, build_graph
from enn_training.publishing.onnx.runtime import RuntimeSession
from enn_training.publishing.onnx.unrollings import Clenshaw, Direct

Shape = tuple[int, int, int, int]
BATCHES = (1, 64, 1024, 8192)
TARGETS: dict[Shape, dict[int, float]] = {
    (2, 6, 1, 6): {1: 1.15, 1024: 4.5},
    (30, 16, 2, 6): {1: 1.15, 1024: 4.0},
    (64, 64, 10, 6): {1: 1.45, 1024: 2.8},
    (64, 256, 10, 12): {1024: 3.5},
}
"""The most that the chosen one may take, in times of ReLU, by shape and batch."""
SHIPPED = Path(__file__).parents[1] / "models" / "repository"
RELU = ("ReLU", "ReLU in pieces")
CHOSEN = "chosen"
REPEATS = 7
SESSIONS = 7
HOW = """A ratio is the time of a prediction over that of a ReLU network of the same shape and weights, both in ONNX
Runtime on one thread. Times are processor time, the least of {repeats} in turns, so that what else the machine does
counts little; ratios are medians over {sessions} sessions, since where the values of one lie in memory makes a tenth of
its time. The unrollings run as the service runs them, a large batch in pieces that the cache holds; ReLU runs in pieces
or whole, whichever is faster. Errors are the largest differences from float64 over up to 1,024 rows, as a share of the
largest output; {tolerance:.0e} is allowed. Q harmonics a neuron. Heads are linear; `ring` has an activation there,
which the ReLU network beside it has not, and which may have an unrolling of its own: `folded, output ladder`."""
FILE = """Who opens the file as it is, in plain ONNX Runtime, and asks for `output` has all nodes computed: every other
output, and one row of the route for few. Microseconds, beside those of the part that the service runs:
"""


@dataclass(frozen=True)
class Case:
    """A network to measure.

    Attributes:
        title: What it is.
        network: The network.
        layouts: What to measure.
        chosen: What the rule chooses.
        targets: The most that it may take, in times of ReLU, by batch.
    """

    title: str
    network: Network
    layouts: Sequence[Layout]
    chosen: Layout
    targets: Mapping[int, float] = field(default_factory=dict)


def drawn(shape: Shape) -> Case:
    """Return a network of a shape, with the candidates of the rule and, for comparison, those that never win."""
    like = network(*shape)
    candidates = selection.candidate_layouts(like)
    layouts = [selection.layout_for(like, Direct()), selection.layout_for(like, Clenshaw()), *candidates]
    title = "{} inputs, {} hidden, {} outputs, Q = {}".format(*shape)
    return Case(title, like, layouts, selection.select_by_rule(like, candidates), TARGETS[shape])


def ring() -> Case:
    """Return the shipped model that float32 cannot compute exactly, in both precisions."""
    like = load(SHIPPED, "ring").network
    exact = selection.candidate_layouts(like, float64=True)
    title = "The shipped `ring`: 2 inputs, 6 hidden, 1 output, Q = 6"
    return Case(title, like, [*selection.candidate_layouts(like), *exact], selection.select_by_rule(like, exact))


def network(inputs: int, hidden: int, outputs: int, harmonics: int) -> Network:
    """Return a network with a linear head, spectra of the line's size and pre-activations near [-1, 1]."""
    generator = np.random.default_rng(0)
    spectrum = cosine_series.line(harmonics) * generator.uniform(-1.5, 1.5, size=(hidden, harmonics))
    weights = [generator.normal(size=shape) / np.sqrt(shape[1]) for shape in ((hidden, inputs), (outputs, hidden))]
    biases = [generator.normal(size=len(weight)) * 0.3 for weight in weights]
    arrays = (weights[0], biases[0], spectrum, weights[1], biases[1])
    first, bias, coefficients, last, last_bias = (array.astype(np.float32) for array in arrays)
    layers = (Layer(first, bias, coefficients), Layer(last, last_bias, None))
    return Network("regression", "linear", layers, np.zeros(inputs, np.float32), np.zeros(outputs, np.float32))


def relu(like: Network) -> onnx.ModelProto:
    """Return the graph of the ReLU network with the same weights."""
    graph = Graph()
    rows = Value("input", like.inputs, neurons_first=False)
    hidden = graph.add_affine(rows, Affine.from_layer(like.layers[0]), "hidden", neurons_first=False)
    active = Value(graph.add_node("Relu", [hidden.name], "active"), hidden.neurons, neurons_first=False)
    graph.add_affine(active, Affine.from_layer(like.layers[1]), "output", neurons_first=False)
    return graph.to_model({"output": [like.units]}, like.inputs, "ReLU network")


def runtimes(case: Case, batch: int) -> dict[str, RuntimeSession]:
    """Return the sessions to time at a batch, by name."""
    like, chosen, at_once = case.network, case.chosen, max_batch_rows(case.network)
    found = {
        layout.name: RuntimeSession(selection.prediction_graph(like, layout), ["output"], rows=at_once)
        for layout in case.layouts
    }
    plain = relu(like)
    baselines = dict(
        zip(RELU, (RuntimeSession(plain, ["output"]), RuntimeSession(plain, ["output"], rows=at_once)), strict=True)
    )
    return {**baselines, **found, CHOSEN: RuntimeSession(build_graph(like, chosen), *_part(case, batch), at_once)}


def measured(case: Case, batch: int) -> tuple[float, dict[str, tuple[float, float]]]:
    """Return the microseconds of ReLU, and of each layout the ratio to it and the largest error."""
    rows = _rows(case.network, batch)
    times = [selection.measure_microseconds(runtimes(case, batch), rows, REPEATS) for _ in range(SESSIONS)]
    baselines = [min(turn[name] for name in RELU) for turn in times]
    return median(baselines), {
        name: (
            median(turn[name] / baseline for turn, baseline in zip(times, baselines, strict=True)),
            error(case.network, runtime, rows),
        )
        for name, runtime in runtimes(case, batch).items()
        if name not in RELU
    }


def file(case: Case, batches: Sequence[int]) -> Iterator[str]:
    """Yield the lines on what a prediction takes in the whole file, and in the part for so many rows."""
    yield FILE
    yield "| session | " + " | ".join(f"batch {batch:,}" for batch in batches) + " |"
    yield "|---" * (len(batches) + 1) + "|"
    times = [_of_file(case, batch) for batch in batches]
    for name in times[0]:
        yield f"| {name} | " + " | ".join(f"{found[name]:.1f}" for found in times) + " |"


def _of_file(case: Case, batch: int) -> dict[str, float]:
    rows, at_once = _rows(case.network, batch), max_batch_rows(case.network)
    model = build_graph(case.network, case.chosen)
    turns = [
        selection.measure_microseconds(
            {
                "the part": RuntimeSession(model, *_part(case, batch), at_once),
                "the whole file": RuntimeSession(model, ["output"], rows=at_once, whole=True),
            },
            rows,
            REPEATS,
        )
        for _ in range(SESSIONS)
    ]
    return {name: median(turn[name] for turn in turns) for name in turns[0]}


def _part(case: Case, batch: int) -> tuple[list[str], str]:
    """Return the outputs and the source of the part of the chosen graph for a batch."""
    return ([FEW_OUTPUT], FEW_INPUT) if batch <= case.chosen.few_rows else (["output"], "input")


def _rows(like: Network, batch: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).uniform(-1, 1, size=(batch, like.inputs)).astype(np.float32)


def error(like: Network, runtime: RuntimeSession, rows: NDArray[np.float32]) -> float:
    """Return the largest difference from float64 over the first 1,024 rows, as a share of the largest output."""
    wanted = like.respond(rows[:1024]).output
    return float(np.abs(runtime.run(rows)[0][:1024] - wanted).max() / np.abs(wanted).max())


def section(case: Case, batches: Sequence[int]) -> Iterator[str]:
    """Yield the lines on one network: its choice, a row for each layout, and a row of targets."""
    chosen = case.chosen
    few = f"{chosen.few.name} up to {chosen.few_rows} rows, then " if chosen.few else ""
    yield f"## {case.title}\n"
    yield f"Chosen: {few}{chosen.name}.\n"
    found = {batch: measured(case, batch) for batch in batches}
    yield "| layout | " + " | ".join(f"batch {batch:,}" for batch in batches) + " | largest error |"
    yield "|---" * (len(batches) + 2) + "|"
    yield "| ReLU, microseconds | " + " | ".join(f"{time:.1f}" for time, _ in found.values()) + " | |"
    for name in found[batches[0]][1]:
        ratios = [layout[name][0] for _, layout in found.values()]
        worst = max(layout[name][1] for _, layout in found.values())
        yield f"| {name} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + f" | {worst:.0e} |"
    verdicts = [_verdict(case, batch, found[batch][1][CHOSEN][0]) for batch in batches]
    exact = max(layout[CHOSEN][1] for _, layout in found.values()) <= accuracy.TOLERANCE
    yield f"| target | {' | '.join(verdicts)} | <= {accuracy.TOLERANCE:.0e}: {'met' if exact else '**not met**'} |\n"


def _verdict(case: Case, batch: int, ratio: float) -> str:
    if batch not in case.targets:
        return ""
    most = case.targets[batch]
    return f"<= {most:g}: {'met' if ratio <= most else '**not met**'}"


def page(batches: Sequence[int], command: str) -> Iterator[str]:
    """Yield the lines of the page, each network's as soon as it is measured."""
    cores = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    versions = ", ".join(f"{name} {version(name)}" for name in ("enn", "onnxruntime", "onnx", "numpy"))
    yield "# Unrollings, side by side\n"
    yield f"`{command}` measured this on one machine ({cores}): {versions}.\n"
    yield HOW.format(repeats=REPEATS, sessions=SESSIONS, tolerance=accuracy.TOLERANCE) + "\n"
    shipped = ring()
    for case in (*map(drawn, TARGETS), shipped):
        yield from section(case, batches)
    yield from file(shipped, batches)


def main() -> None:
    """Measure and print; write the page where --out says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unrolling", description=__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--out", type=Path, help="a file for the page")
    options = parser.parse_args()
    lines: list[str] = []
    for line in page(options.batches, shlex.join(["python", "-m", "benchmarks.unrolling", *sys.argv[1:]])):
        print(line, flush=True)
        lines.append(line)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

"""Benchmark every unrolling against a ReLU network of the same shape: `python -m benchmarks.unrolling --out FILE`.

Prints a page in Markdown with ratios of times and with errors relative to float64, all measured in one run.
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
"""Maximum time of the chosen layout relative to ReLU, by shape and batch."""
SHIPPED = Path(__file__).parents[1] / "models" / "repository"
RELU = ("ReLU", "ReLU in chunks")
CHOSEN = "chosen"
REPEATS = 7
SESSIONS = 7
METHOD = """A ratio is the time of a prediction divided by that of a ReLU network of the same shape and weights, both in
ONNX Runtime on one thread. Times are CPU times: the minimum of {repeats} alternating repetitions, so that other load of
the machine has little influence. Ratios are medians over {sessions} sessions, because the memory layout of a session
changes its time by up to a tenth. The unrollings run as in the service, with a large batch in chunks that fit in the
cache; ReLU runs in chunks or whole, whichever is faster. Errors are the largest differences from float64 over up to
1,024 rows, as a share of the largest output; {tolerance:.0e} is allowed. Q is the number of harmonics per neuron. Heads
are linear; `ring` has an activation at its output, which the ReLU network compared with it does not have, and which may
have its own unrolling: `folded, output ladder`."""
WHOLE_FILE_METHOD = """A session of plain ONNX Runtime that opens the whole file and requests `output` computes all
nodes: every other output, and one row of the layout for few rows. Microseconds, compared with those of the part that
the service runs:
"""


@dataclass(frozen=True)
class Case:
    """Network to measure.

    Attributes:
        title: Description of the network in the page.
        network: Network.
        layouts: Layouts to measure.
        chosen: Layout that the selection rule chooses.
        targets: Maximum time of the chosen layout relative to ReLU, by batch.
    """

    title: str
    network: Network
    layouts: Sequence[Layout]
    chosen: Layout
    targets: Mapping[int, float] = field(default_factory=dict)


def random_case(shape: Shape) -> Case:
    """Return a random network of a shape, with the candidates of the rule and two layouts that are only compared."""
    like = random_network(*shape)
    candidates = selection.candidate_layouts(like)
    layouts = [selection.layout_for(like, Direct()), selection.layout_for(like, Clenshaw()), *candidates]
    title = "{} inputs, {} hidden, {} outputs, Q = {}".format(*shape)
    return Case(title, like, layouts, selection.select_by_rule(like, candidates), TARGETS[shape])


def ring_case() -> Case:
    """Return the shipped model `ring`, which needs float64 for exact outputs, with layouts of both precisions."""
    like = load(SHIPPED, "ring").network
    exact = selection.candidate_layouts(like, float64=True)
    title = "The shipped `ring`: 2 inputs, 6 hidden, 1 output, Q = 6"
    return Case(title, like, [*selection.candidate_layouts(like), *exact], selection.select_by_rule(like, exact))


def random_network(inputs: int, hidden: int, outputs: int, harmonics: int) -> Network:
    """Return a network with a linear head, spectra of the size of a line's and pre-activations near [-1, 1]."""
    generator = np.random.default_rng(0)
    spectrum = cosine_series.line(harmonics) * generator.uniform(-1.5, 1.5, size=(hidden, harmonics))
    weights = [generator.normal(size=shape) / np.sqrt(shape[1]) for shape in ((hidden, inputs), (outputs, hidden))]
    biases = [generator.normal(size=len(weight)) * 0.3 for weight in weights]
    arrays = (weights[0], biases[0], spectrum, weights[1], biases[1])
    first, bias, coefficients, last, last_bias = (array.astype(np.float32) for array in arrays)
    layers = (Layer(first, bias, coefficients), Layer(last, last_bias, None))
    return Network("regression", "linear", layers, np.zeros(inputs, np.float32), np.zeros(outputs, np.float32))


def relu_graph(like: Network) -> onnx.ModelProto:
    """Return the graph of the ReLU network with the same weights."""
    graph = Graph()
    rows = Value("input", like.inputs, neurons_first=False)
    hidden = graph.add_affine(rows, Affine.from_layer(like.layers[0]), "hidden", neurons_first=False)
    active = Value(graph.add_node("Relu", [hidden.name], "active"), hidden.neurons, neurons_first=False)
    graph.add_affine(active, Affine.from_layer(like.layers[1]), "output", neurons_first=False)
    return graph.to_model({"output": [like.units]}, like.inputs, "ReLU network")


def build_sessions(case: Case, batch: int) -> dict[str, RuntimeSession]:
    """Return the sessions to measure with a batch, by name of the layout."""
    like, chosen, at_once = case.network, case.chosen, max_batch_rows(case.network)
    layouts = {
        layout.name: RuntimeSession(selection.prediction_graph(like, layout), ["output"], rows=at_once)
        for layout in case.layouts
    }
    plain = relu_graph(like)
    baselines = dict(
        zip(RELU, (RuntimeSession(plain, ["output"]), RuntimeSession(plain, ["output"], rows=at_once)), strict=True)
    )
    return {**baselines, **layouts, CHOSEN: RuntimeSession(build_graph(like, chosen), *_part(case, batch), at_once)}


def measure(case: Case, batch: int) -> tuple[float, dict[str, tuple[float, float]]]:
    """Return the microseconds of ReLU, and the ratio to it and the largest error of each layout."""
    rows = _rows(case.network, batch)
    times = [selection.measure_microseconds(build_sessions(case, batch), rows, REPEATS) for _ in range(SESSIONS)]
    baselines = [min(turn[name] for name in RELU) for turn in times]
    return median(baselines), {
        name: (
            median(turn[name] / baseline for turn, baseline in zip(times, baselines, strict=True)),
            largest_error(case.network, runtime, rows),
        )
        for name, runtime in build_sessions(case, batch).items()
        if name not in RELU
    }


def whole_file_lines(case: Case, batches: Sequence[int]) -> Iterator[str]:
    """Yield the lines on the time of a prediction with the whole file, and with the part that the service runs."""
    yield WHOLE_FILE_METHOD
    yield "| session | " + " | ".join(f"batch {batch:,}" for batch in batches) + " |"
    yield "|---" * (len(batches) + 1) + "|"
    times = [_measure_whole_file(case, batch) for batch in batches]
    for name in times[0]:
        yield f"| {name} | " + " | ".join(f"{microseconds[name]:.1f}" for microseconds in times) + " |"


def _measure_whole_file(case: Case, batch: int) -> dict[str, float]:
    """Return the microseconds of a prediction with the part that the service runs and with the whole file."""
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
    """Return random input rows in [-1, 1]."""
    return np.random.default_rng(1).uniform(-1, 1, size=(batch, like.inputs)).astype(np.float32)


def largest_error(like: Network, runtime: RuntimeSession, rows: NDArray[np.float32]) -> float:
    """Return the largest difference from float64 over the first 1,024 rows, as a share of the largest output."""
    expected = like.respond(rows[:1024]).output
    return float(np.abs(runtime.run(rows)[0][:1024] - expected).max() / np.abs(expected).max())


def section(case: Case, batches: Sequence[int]) -> Iterator[str]:
    """Measure one network and yield its lines: the chosen layout, a row for each layout, and a row of targets."""
    chosen = case.chosen
    few = f"{chosen.few.name} up to {chosen.few_rows} rows, then " if chosen.few else ""
    yield f"## {case.title}\n"
    yield f"Chosen: {few}{chosen.name}.\n"
    measurements = {batch: measure(case, batch) for batch in batches}
    yield "| layout | " + " | ".join(f"batch {batch:,}" for batch in batches) + " | largest error |"
    yield "|---" * (len(batches) + 2) + "|"
    yield "| ReLU, microseconds | " + " | ".join(f"{time:.1f}" for time, _ in measurements.values()) + " | |"
    for name in measurements[batches[0]][1]:
        ratios = [layout[name][0] for _, layout in measurements.values()]
        worst = max(layout[name][1] for _, layout in measurements.values())
        yield f"| {name} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + f" | {worst:.0e} |"
    verdicts = [_verdict(case, batch, measurements[batch][1][CHOSEN][0]) for batch in batches]
    exact = max(layout[CHOSEN][1] for _, layout in measurements.values()) <= accuracy.TOLERANCE
    yield f"| target | {' | '.join(verdicts)} | <= {accuracy.TOLERANCE:.0e}: {'met' if exact else '**not met**'} |\n"


def _verdict(case: Case, batch: int, ratio: float) -> str:
    """Return the target of a batch and whether the ratio meets it; empty without a target."""
    if batch not in case.targets:
        return ""
    limit = case.targets[batch]
    return f"<= {limit:g}: {'met' if ratio <= limit else '**not met**'}"


def environment() -> str:
    """Return the end of a sentence on the machine, with the versions of the packages."""
    cores = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    versions = ", ".join(f"{name} {version(name)}" for name in ("enn", "onnxruntime", "onnx", "numpy"))
    return f"{cores}): {versions}."


def page(batches: Sequence[int], command: str) -> Iterator[str]:
    """Yield the lines of the page; those of a network as soon as it is measured."""
    yield "# Unrollings compared\n"
    yield f"Measured by `{command}` on one machine ({environment()}\n"
    yield METHOD.format(repeats=REPEATS, sessions=SESSIONS, tolerance=accuracy.TOLERANCE) + "\n"
    shipped = ring_case()
    for case in (*map(random_case, TARGETS), shipped):
        yield from section(case, batches)
    yield from whole_file_lines(shipped, batches)


def main() -> None:
    """Run the benchmark, print the page, and write it to the file of --out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unrolling", description=__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES, help="numbers of rows per prediction")
    parser.add_argument("--out", type=Path, help="file to write the page to; default: only print it")
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

"""Benchmark forms of a model for sessions of ONNX Runtime alone: `python -m benchmarks.plain_sessions --out FILE`.

Prints a page in Markdown with the time of a prediction in each form, compared with a ReLU network of the same shape.
"""

import argparse
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.unrolling import environment, random_case, relu_graph
from enn_models import repository
from enn_models.network import Network
from enn_models.package import INPUT, open_package
from enn_training.publishing.onnx import selection
from enn_training.publishing.onnx.layout import FEW_INPUT, FEW_OUTPUT, build_graph
from enn_training.publishing.onnx.runtime import RuntimeSession
from enn_training.publishing.plain import OUTPUT, prediction_only

SHIPPED = Path(__file__).parents[1] / "models" / "repository"
SHAPES = ((2, 6, 1, 6), (30, 16, 2, 6), (64, 64, 10, 6))
BATCHES = (1, 1024)
REPEATS = 7
SESSIONS = 5
RELU, PLAIN = "ReLU", "plain file"
TARGET = 1.5
"""Maximum time of a single row in the plain file, relative to ReLU."""
METHOD = """An ordinary session opens a file and requests `output`. ONNX Runtime computes every node of a session, so
the form of the file decides about the time:

- **whole file**: the published `model.onnx`, which computes the explanations and the path for few rows too;
- **branching file**: predictions alone, where the operator `If` chooses the path by the number of rows. The scan of
  packages refuses `If`; with the explanations, which the card promises, both branches would cost more;
- **plain file**: the file that `enn-train plain` writes for this number of rows. The service runs the same part of the
  graph.

A ratio is the time of a prediction divided by that of a ReLU network of the same shape and weights. Times are CPU times
on one thread: the minimum of {repeats} alternating repetitions. Ratios are medians over {sessions} sessions.
"""


@dataclass(frozen=True)
class Case:
    """A model to measure.

    Attributes:
        title: Description of the model.
        network: Network.
        model: Published graph.
        few_rows: Maximum number of rows for the path for few rows.
    """

    title: str
    network: Network
    model: onnx.ModelProto
    few_rows: int


def shipped_cases() -> Iterator[Case]:
    """Yield the shipped models."""
    for entry in repository.list_versions(SHIPPED):
        package = open_package(repository.read_model(SHIPPED, entry.name, entry.version))
        few = package.card.unrolling.few
        yield Case(f"`{entry.name}`", package.network, package.model, few.rows if few else 0)


def random_cases() -> Iterator[Case]:
    """Yield random networks, exported as a table's."""
    for shape in SHAPES:
        case = random_case(shape)
        title = "random, {}-{}-{}, Q = {}".format(*shape)
        yield Case(title, case.network, build_graph(case.network, case.chosen), case.chosen.few_rows)


def forms(case: Case, batch: int) -> dict[str, onnx.ModelProto]:
    """Return the forms of a model, by name."""
    sizes = case.network.inputs, case.network.outputs
    many = prediction_only(case.model, INPUT, OUTPUT, *sizes)
    few = prediction_only(case.model, FEW_INPUT, FEW_OUTPUT, *sizes) if case.few_rows else many
    return {
        RELU: relu_graph(case.network),
        "whole file": case.model,
        "branching file": branching_file(few, many, case.few_rows),
        PLAIN: few if batch <= case.few_rows else many,
    }


def branching_file(few: onnx.ModelProto, many: onnx.ModelProto, rows: int) -> onnx.ModelProto:
    """Return a model that runs `few` up to a number of rows, and `many` above."""
    branches = [_branch(model, name) for model, name in ((few, "few"), (many, "many"))]
    constants = {"start": [0], "end": [1], "limit": [rows + 1]}
    nodes = [
        helper.make_node("Shape", [INPUT], ["shape"]),
        helper.make_node("Slice", ["shape", "start", "end"], ["rows"]),
        helper.make_node("Less", ["rows", "limit"], ["is_few"]),
        helper.make_node("If", ["is_few"], [OUTPUT], then_branch=branches[0], else_branch=branches[1]),
    ]
    initializers = [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "branching", many.graph.input, many.graph.output, initializers)
    return helper.make_model(graph, opset_imports=many.opset_import, ir_version=many.ir_version)


def _branch(model: onnx.ModelProto, name: str) -> onnx.GraphProto:
    """Return a graph as a branch, which reads the input of the graph around it."""
    result = f"{name}_result"
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in model.graph.node]
    for node in nodes:
        node.output[:] = [result if value == OUTPUT else value for value in node.output]
    outputs = [helper.make_tensor_value_info(result, TensorProto.FLOAT, None)]
    return helper.make_graph(nodes, name, [], outputs, model.graph.initializer)


def measure(case: Case, batch: int) -> tuple[float, Mapping[str, float]]:
    """Return the microseconds of ReLU, and the ratio of each other form to it."""
    rows = np.random.default_rng(1).uniform(-1, 1, size=(batch, case.network.inputs)).astype(np.float32)
    turns = []
    for _ in range(SESSIONS):
        sessions = {name: RuntimeSession(model, [OUTPUT], whole=True) for name, model in forms(case, batch).items()}
        turns.append(selection.measure_microseconds(sessions, rows, REPEATS))
    ratios = {name: median(turn[name] / turn[RELU] for turn in turns) for name in turns[0] if name != RELU}
    return median(turn[RELU] for turn in turns), ratios


def page(command: str) -> Iterator[str]:
    """Yield the lines of the page; those of a model as soon as it is measured."""
    yield "# Sessions of ONNX Runtime alone\n"
    yield f"Measured by `{command}` on one machine ({environment()}\n"
    yield METHOD.format(repeats=REPEATS, sessions=SESSIONS)
    cases = (*shipped_cases(), *random_cases())
    for batch in BATCHES:
        yield f"## {batch:,} {'row' if batch == 1 else 'rows'}\n"
        names = [name for name in forms(cases[0], batch) if name != RELU]
        target = f" <= {TARGET:g} |" if batch == 1 else ""
        yield f"| model | ReLU, microseconds | {' | '.join(names)} |{target}"
        yield "|---" * (len(names) + 2 + bool(target)) + "|"
        for case in cases:
            relu, ratios = measure(case, batch)
            verdict = f" {'met' if ratios[PLAIN] <= TARGET else '**not met**'} |" if target else ""
            cells = " | ".join(f"{ratios[name]:.2f}" for name in names)
            yield f"| {case.title} | {relu:.1f} | {cells} |{verdict}"
        yield ""


def main() -> None:
    """Run the benchmark, print the page, and write it to the file of --out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plain_sessions", description=__doc__)
    parser.add_argument("--out", type=Path, help="file to write the page to; default: only print it")
    options = parser.parse_args()
    lines: list[str] = []
    for line in page(shlex.join(["python", "-m", "benchmarks.plain_sessions", *sys.argv[1:]])):
        print(line, flush=True)
        lines.append(line)
    if options.out:
        options.out.write_text("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()

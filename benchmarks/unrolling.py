"""Every unrolling beside a ReLU network of the same shape: ratios of time and errors against float64, in one run."""

import argparse
from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray

from enn_models import series
from enn_models.network import Layer, Network
from enn_models.pieces import rows_at_once
from enn_training.exporting import choice
from enn_training.exporting.affine import Affine
from enn_training.exporting.assembly import FEW_INPUT, FEW_OUTPUT, Layout, assemble
from enn_training.exporting.graph import Graph, Value
from enn_training.exporting.runtime import Runtime
from enn_training.exporting.unrollings import Clenshaw, Direct

SHAPES = ((2, 6, 1, 6), (30, 16, 2, 6), (64, 64, 10, 6), (64, 256, 10, 12))
BATCHES = (1, 64, 1024, 8192)


def network(inputs: int, hidden: int, outputs: int, harmonics: int) -> Network:
    """Return a network with a linear head, spectra of the line's size and pre-activations near [-1, 1]."""
    generator = np.random.default_rng(0)
    spectrum = series.line(harmonics) * generator.uniform(-1.5, 1.5, size=(hidden, harmonics))
    weights = [generator.normal(size=shape) / np.sqrt(shape[1]) for shape in ((hidden, inputs), (outputs, hidden))]
    biases = [generator.normal(size=len(weight)) * 0.3 for weight in weights]
    arrays = (weights[0], biases[0], spectrum, weights[1], biases[1])
    first, bias, coefficients, last, last_bias = (array.astype(np.float32) for array in arrays)
    layers = (Layer(first, bias, coefficients), Layer(last, last_bias, None))
    return Network("regression", "linear", layers, np.zeros(inputs, np.float32), np.zeros(outputs, np.float32))


def relu(like: Network) -> onnx.ModelProto:
    """Return the graph of the ReLU network with the same weights."""
    graph = Graph()
    rows = Value("input", like.inputs, columns=False)
    hidden = graph.affine(rows, Affine.of(like.layers[0]), "hidden", columns=False)
    active = Value(graph.node("Relu", [hidden.name], "active"), hidden.neurons, columns=False)
    graph.affine(active, Affine.of(like.layers[1]), "output", columns=False)
    return graph.model({"output": [like.units]}, like.inputs, "ReLU network")


def layouts(like: Network) -> list[Layout]:
    """Return the candidates of the rule and, for comparison, those that never win."""
    return [choice.layout_of(like, Direct()), choice.layout_of(like, Clenshaw()), *choice.candidates(like)]


def runtimes(like: Network, chosen: Layout, batch: int) -> dict[str, Runtime]:
    """Return the sessions to time at a batch, all of them run in the service's pieces, the ReLU network too."""

    def opened(model: onnx.ModelProto, output: str = "output", source: str = "input") -> Runtime:
        return Runtime(model, [output], source, rows=rows_at_once(like))

    found = {layout.many.name: opened(choice.prediction(like, layout)) for layout in layouts(like)}
    few = (FEW_OUTPUT, FEW_INPUT) if batch <= chosen.rows else ()
    return {"relu": opened(relu(like)), **found, "chosen": opened(assemble(like, chosen), *few)}


def lines(like: Network, chosen: Layout, batch: int) -> Iterator[str]:
    """Yield one line an unrolling: ratio to ReLU and largest error as a share of the output's scale."""
    rows = np.random.default_rng(1).uniform(-1, 1, size=(batch, like.inputs)).astype(np.float32)
    sessions = runtimes(like, chosen, batch)
    times = choice.measure(sessions, rows)
    yield f"  batch {batch:5}: ReLU {times['relu']:.1f} us"
    for name, microseconds in times.items():
        if name != "relu":
            ratio = microseconds / times["relu"]
            yield f"    {name:18} {ratio:6.2f} x   error {error(like, sessions[name], rows):.0e}"


def error(like: Network, runtime: Runtime, rows: NDArray[np.float32]) -> float:
    """Return the largest difference from float64 over the first 1,024 rows, as a share of the largest output."""
    wanted = like.respond(rows[:1024]).output
    return float(np.abs(runtime.run(rows)[0][:1024] - wanted).max() / np.abs(wanted).max())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    for shape in SHAPES:
        like = network(*shape)
        chosen = choice.by_rule(like, choice.candidates(like))
        few = f"{chosen.few.name} up to {chosen.rows} rows, then " if chosen.few else ""
        print("inputs {}, hidden {}, outputs {}, Q {}".format(*shape), f"- chosen: {few}{chosen.many.name}")
        for batch in parser.parse_args().batches:
            for line in lines(like, chosen, batch):
                print(line, flush=True)


if __name__ == "__main__":
    main()

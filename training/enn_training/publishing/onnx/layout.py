"""From a network to its graph: one route of nodes to the output, and one to what explains it."""

from dataclasses import dataclass

import numpy as np
import onnx

from enn_models.network import Network
from enn_training.publishing.onnx.graph import explanation_outputs as explanation
from enn_training.publishing.onnx.graph.builder import Graph
from enn_training.publishing.onnx.graph.route import Route
from enn_training.publishing.onnx.unrollings.base import Unrolling

FEW_INPUT = "few/input"
"""The value inside the graph where the route for few rows starts: the first row of the input, or what is fed there."""
FEW_OUTPUT = "few/output"
"""The value inside the graph where it ends: `output` of what it starts with."""
FEW_BUMPS = "few/bumps"
"""The value inside the graph that explains it: `bumps` of the same."""


@dataclass(frozen=True)
class Layout:
    """Which unrolling each route of a graph uses.

    Attributes:
        many: The unrolling on the way to `output`, for batches.
        explanation: The unrolling on the way to the bumps, one without a read-out; None where `many` leads there too.
        double: Whether all of them compute in float64.
        head: The unrolling of a dct head, on the way to `output` too; None where `many` is.
        few: The layout whose `many` is the way to FEW_OUTPUT, for single rows, and to FEW_BUMPS unless it has another
            explanation; None where this one is as fast.
        rows: The most rows for which `few` is the faster one.
    """

    many: Unrolling
    explanation: Unrolling | None = None
    double: bool = False
    head: Unrolling | None = None
    few: "Layout | None" = None
    rows: int = 0

    @property
    def name(self) -> str:
        """The unrolling for batches, the precision where it is not float32, and the head's where it is another."""
        return self._with_head(f"{self.many.name} float64" if self.double else self.many.name)

    @property
    def unrollings(self) -> str:
        """The same without the precision."""
        return self._with_head(self.many.name)

    def _with_head(self, many: str) -> str:
        return many if self.head is None else f"{many}, output {self.head.name}"


def assemble(network: Network, layout: Layout, *, harmonics: bool = False) -> onnx.ModelProto:
    """Return the graph of a network, without its card.

    The graph outputs are `output`, `bumps`, `pre_activation` and, if asked for, `harmonics`. ONNX Runtime computes
    every node of its session, whatever is fetched; so who only predicts opens the part from `input` to `output`, or
    from FEW_INPUT to FEW_OUTPUT and, to explain it, to FEW_BUMPS. That part takes as many rows as it is fed; in the
    whole file it is fed the first row only, so that who opens that pays next to nothing for it, whatever the batch.
    """
    graph, depth = Graph(layout.double), len(network.layers) - 1
    many = Route(graph, network, layout.many, "", layout.head)
    explain, features = many, many.hidden(many.source("input"), depth)
    many.predict(features, "output")
    if layout.explanation is not None:
        explain = Route(graph, network, layout.explanation, "explain/")
        features = explain.hidden(explain.source("input"), depth)
    activations = explain.activations(features)
    explanation.bumps(graph, network, activations)
    explanation.pre_activation(graph, network, activations)
    units, neurons = network.layers[-1].weight.shape
    outputs = {"output": [network.outputs], "bumps": [units, neurons], "pre_activation": [units]}
    if harmonics:
        explanation.harmonics(graph, network)
        outputs["harmonics"] = [units, *network.spectrum.shape]
    if layout.few is not None:
        few = Route(graph.precise(double=layout.few.double), network, layout.few.many, "few/", layout.few.head)
        bounds = [graph.constant(f"few/{name}", np.array([at])) for name, at in (("from", 0), ("to", 1))]
        graph.node("Slice", ["input", *bounds, bounds[0]], FEW_INPUT)
        features = few.hidden(few.source(FEW_INPUT), depth)
        few.predict(features, FEW_OUTPUT)
        if layout.few.explanation is None:
            explanation.bumps(few.graph, network, few.activations(features), "few/")
    return graph.model(outputs, network.inputs, _description(network, layout))


def _description(network: Network, layout: Layout) -> str:
    few = f"; {FEW_OUTPUT} is the same for few rows, unrolled as {layout.few.name}" if layout.few else ""
    return (
        f"Expressive Neural Network, {network.task}, {network.head} head; output is unrolled as {layout.name}{few}. "
        "bias + sum of bumps = pre_activation. Everything else about the model: the metadata enn.card."
    )

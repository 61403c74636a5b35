"""Assemble the ONNX graph of a network: one path to the prediction and one to its explanation."""

from dataclasses import dataclass

import numpy as np
import onnx

from enn_models.network import Network
from enn_training.publishing.onnx.graph import explanation_outputs
from enn_training.publishing.onnx.graph.builder import Graph
from enn_training.publishing.onnx.graph.route import ForwardPass
from enn_training.publishing.onnx.unrollings.base import Unrolling

FEW_INPUT = "few/input"
"""Inner value at which the path for few rows starts: the first row of the input, or the rows fed there."""
FEW_OUTPUT = "few/output"
"""Inner value with the prediction for the rows of FEW_INPUT."""
FEW_BUMPS = "few/bumps"
"""Inner value with the bumps for the rows of FEW_INPUT."""


@dataclass(frozen=True)
class Layout:
    """Unrollings used on each path of a graph.

    Attributes:
        unrolling: Unrolling on the path to `output`, for batches.
        explanation: Unrolling without a read-out on a separate path to the bumps; None if the path to `output` serves
            both.
        float64: Compute in float64 instead of float32.
        head: Unrolling of a dct head on the path to `output`; None to use `unrolling`.
        few: Layout of the path from FEW_INPUT to FEW_OUTPUT for single rows and small batches; the path computes
            FEW_BUMPS as well unless that layout has a separate `explanation`. None if this layout is as fast.
        few_rows: Largest batch for which `few` is faster.
    """

    unrolling: Unrolling
    explanation: Unrolling | None = None
    float64: bool = False
    head: Unrolling | None = None
    few: "Layout | None" = None
    few_rows: int = 0

    @property
    def name(self) -> str:
        """Name of the unrolling, with the precision if it is float64 and the unrolling of the head if it differs."""
        return self._with_head(f"{self.unrolling.name} float64" if self.float64 else self.unrolling.name)

    @property
    def unrollings(self) -> str:
        """The name without the precision."""
        return self._with_head(self.unrolling.name)

    def _with_head(self, many: str) -> str:
        return many if self.head is None else f"{many}, output {self.head.name}"


def build_graph(network: Network, layout: Layout, *, harmonics: bool = False) -> onnx.ModelProto:
    """Return the ONNX graph of a network, without its card.

    ONNX Runtime computes every node of a session, even for outputs that are not requested. To predict only, open the
    part of the graph from `input` to `output`, or from FEW_INPUT to FEW_OUTPUT, and add FEW_BUMPS to explain. These
    parts take any number of rows. In the complete file the path for few rows receives only the first row, so that its
    cost does not depend on the batch.

    Args:
        network: Network to write.
        layout: Unrollings to use.
        harmonics: Add the output `harmonics`.

    Returns:
        Model with the outputs `output`, `bumps`, `pre_activation` and optionally `harmonics`, all shapes inferred.
    """
    graph, depth = Graph(layout.float64), len(network.layers) - 1
    forward = ForwardPass(graph, network, layout.unrolling, "", layout.head)
    features = forward.add_hidden_layers(forward.add_input("input"), depth)
    forward.add_prediction(features, "output")
    if layout.explanation is not None:
        forward = ForwardPass(graph, network, layout.explanation, "explain/")
        features = forward.add_hidden_layers(forward.add_input("input"), depth)
    activations = forward.add_activations(features)
    explanation_outputs.add_bumps(graph, network, activations)
    explanation_outputs.add_pre_activation(graph, network, activations)
    units, neurons = network.layers[-1].weight.shape
    outputs = {"output": [network.outputs], "bumps": [units, neurons], "pre_activation": [units]}
    if harmonics:
        explanation_outputs.add_harmonics(graph, network)
        outputs["harmonics"] = [units, *network.spectrum.shape]
    if layout.few is not None:
        few = ForwardPass(
            graph.with_precision(float64=layout.few.float64), network, layout.few.unrolling, "few/", layout.few.head
        )
        bounds = [graph.add_constant(f"few/{name}", np.array([at])) for name, at in (("from", 0), ("to", 1))]
        graph.add_node("Slice", ["input", *bounds, bounds[0]], FEW_INPUT)
        features = few.add_hidden_layers(few.add_input(FEW_INPUT), depth)
        few.add_prediction(features, FEW_OUTPUT)
        if layout.few.explanation is None:
            explanation_outputs.add_bumps(few.graph, network, few.add_activations(features), "few/")
    return graph.to_model(outputs, network.inputs, _describe(network, layout))


def _describe(network: Network, layout: Layout) -> str:
    """Return the documentation string of the graph."""
    few = f"; {FEW_OUTPUT} is the same for few rows, unrolled as {layout.few.name}" if layout.few else ""
    return (
        f"Expressive Neural Network, {network.task}, {network.head} head; output is unrolled as {layout.name}{few}. "
        "bias + sum of bumps = pre_activation. Everything else about the model: the metadata enn.card."
    )

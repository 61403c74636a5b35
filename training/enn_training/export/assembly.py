"""From a network to its graph: one route of nodes to the output, and one to the bumps."""

from dataclasses import dataclass

import numpy as np
import onnx

from enn_models.network import Layer, Network
from enn_models.series import Floats
from enn_training.export.affine import Affine
from enn_training.export.graph import Graph, Value
from enn_training.export.unrollings.base import Unrolling
from enn_training.export.unrollings.horner import Horner

FEW = "few/output"
"""The value inside the graph that equals `output` and is faster to compute for few rows."""


@dataclass(frozen=True)
class Layout:
    """Which unrolling each route of a graph uses.

    Attributes:
        many: The unrolling on the way to `output`, for batches.
        few: The unrolling on the way to FEW, for single rows; None where `many` is as fast.
    """

    many: Unrolling
    few: Unrolling | None = None


def assemble(network: Network, layout: Layout, explanation: Unrolling) -> onnx.ModelProto:
    """Return the graph of a network, without its card.

    The graph outputs are `output`, `bumps` and `pre_activation`. A runtime computes all that leads to any output of its
    session, so who only predicts opens the part of the graph that leads to `output` (or to FEW).

    Args:
        network: The network.
        layout: The unrollings of the predictions.
        explanation: The unrolling on the way to the bumps; one without a read-out.
    """
    graph = Graph()
    source = [Value("input", network.inputs, columns=False)]
    if network.input_offset.any():
        source = [Value(graph.binary("Sub", "input", network.input_offset, "centred"), network.inputs, columns=False)]
    many = _Route(graph, network, layout.many, "")
    last = many.hidden(source)
    many.predict(*last, "output")
    if explanation != layout.many:
        last = _Route(graph, network, explanation, "explain/").hidden(source)
    _explain(graph, network.layers[-1], last[0][0])
    if layout.few is not None:
        few = _Route(graph, network, layout.few, "few/")
        few.predict(*few.hidden(source), FEW)
    units, neurons = network.layers[-1].weight.shape
    outputs = {"output": [network.outputs], "bumps": [units, neurons], "pre_activation": [units]}
    return graph.model(outputs, network.inputs, _description(network, layout))


@dataclass(frozen=True)
class _Route:
    """The way from the inputs to an output in one unrolling; `scope` is the prefix of its names."""

    graph: Graph
    network: Network
    unrolling: Unrolling
    scope: str

    def hidden(self, source: list[Value]) -> tuple[list[Value], Affine | None]:
        """Append the hidden layers; return the last one's features and their read-out."""
        value, readout = source, None
        for number, layer in enumerate(self.network.layers[:-1], start=1):
            value, readout = self._activate(layer, value, readout, f"{self.scope}layer{number}")
        return value, readout

    def predict(self, value: list[Value], readout: Affine | None, name: str) -> None:
        """Append the output layer, its head and the link to probabilities."""
        network, graph = self.network, self.graph
        layer = network.layers[-1]
        if network.head == "dct":
            value, readout = self._activate(layer, value, readout, f"{self.scope}layer{len(network.layers)}")
            self._values(value, readout, name)
            return
        affine = Affine.of(layer).after(readout)
        if network.link == "identity":
            graph.affine(value, affine, name, columns=False)
            return
        if network.outputs != network.units:  # [1-p, p] as the sigmoids of [-logit, logit]: nothing cancels
            affine = Affine(np.concatenate([-affine.weight, affine.weight]), np.concatenate([-affine.bias, affine.bias]))
        logits = graph.affine(value, affine, f"{self.scope}logits", columns=False)
        if network.link == "sigmoid":
            graph.node("Sigmoid", [logits.name], name)
        else:
            graph.node("Softmax", [logits.name], name, axis=1)

    def _activate(self, layer: Layer, value: list[Value], readout: Affine | None, scope: str) -> tuple[list[Value], Affine | None]:
        unrolling, coefficients = self.unrolling, _coefficients(layer)
        affine = Affine.of(layer).after(readout)
        size = unrolling.tile or len(coefficients)
        parts: list[Value] = []
        for start in range(0, len(coefficients), size):
            part, own = slice(start, start + size), coefficients[start : start + size]
            name = f"{scope}/tile{start // size}" if size < len(coefficients) else scope
            arguments = unrolling.arguments(Affine(affine.weight[part], affine.bias[part]), own)
            theta = self.graph.affine(value, arguments, f"{name}/arguments", columns=unrolling.columns)
            features = unrolling.features(self.graph, theta.name, own, name)
            parts.append(Value(features, len(own) if unrolling.readout(own) is None else theta.neurons, unrolling.columns))
        return parts, unrolling.readout(coefficients)

    def _values(self, value: list[Value], readout: Affine | None, name: str) -> None:
        """Append what turns an activated output layer into rows of values, offset added."""
        graph, offset = self.graph, self.network.output_offset.astype(np.float64)
        if readout is not None or offset.any():
            identity = Affine(np.eye(len(offset)), np.zeros(len(offset)))
            affine = identity if readout is None else readout
            graph.affine(value, Affine(affine.weight, affine.bias + offset), name, columns=False)
        elif value[0].columns:
            graph.node("Transpose", [value[0].name], name, perm=[1, 0])
        else:
            graph.node("Identity", [value[0].name], name)


def _explain(graph: Graph, layer: Layer, activation: Value) -> None:
    """Append the bumps, weight x activation, and the pre-activation that they sum to."""
    rows = activation.name
    if activation.columns:
        rows = graph.node("Transpose", [rows], "activation", perm=[1, 0])
    axis = graph.constant("bumps_axis", np.array([1]))
    every = graph.node("Unsqueeze", [rows, axis], "activation_of_every_unit")
    graph.binary("Mul", every, layer.weight[None], "bumps")
    graph.affine([activation], Affine.of(layer), "pre_activation", columns=False)


def _coefficients(layer: Layer) -> Floats:
    if layer.coefficients is None:
        raise ValueError("a linear layer has no activation to unroll; expected DCT coefficients")
    return layer.coefficients.astype(np.float64)


def _description(network: Network, layout: Layout) -> str:
    few = f"; {FEW} equals output by {layout.few.name} nodes, for few rows" if layout.few else ""
    return (
        f"Expressive Neural Network, {network.task}, {network.head} head; output by {layout.many.name} nodes{few}. "
        "bias + sum of bumps = pre_activation. Everything else about the model: the metadata enn.card."
    )


EXPLANATION = Horner

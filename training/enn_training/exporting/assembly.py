"""From a network to its graph: one route of nodes to the output, and one to the bumps."""

from dataclasses import dataclass, replace

import numpy as np
import onnx

from enn_models.network import Layer, Network
from enn_models.series import Floats
from enn_training.exporting.affine import Affine
from enn_training.exporting.encoding import encoded
from enn_training.exporting.graph import Graph, Value
from enn_training.exporting.unrollings.base import Unrolling
from enn_training.exporting.wrapping import wrapped

FEW_INPUT = "few/input"
"""The value inside the graph where the route for few rows starts: the first rows of the input."""
FEW_OUTPUT = "few/output"
"""The value inside the graph where it ends: `output` of those rows."""


@dataclass(frozen=True)
class Layout:
    """Which unrolling each route of a graph uses.

    Attributes:
        many: The unrolling on the way to `output`, for batches.
        explanation: The unrolling on the way to the bumps; one without a read-out.
        few: The unrolling on the way to FEW_OUTPUT, for single rows; None where `many` is as fast.
        rows: The most rows for which `few` is the faster one.
        reach: The largest magnitude of each column, if the first layer's angles are to be wrapped; else None.
    """

    many: Unrolling
    explanation: Unrolling
    few: Unrolling | None = None
    rows: int = 0
    reach: tuple[float, ...] | None = None


def assemble(network: Network, layout: Layout) -> onnx.ModelProto:
    """Return the graph of a network, without its card.

    The graph outputs are `output`, `bumps` and `pre_activation`. ONNX Runtime computes every node of its session,
    whatever is fetched; so who only predicts opens the part from `input` to `output`, or from FEW_INPUT to FEW_OUTPUT.
    The route for few rows takes the first `layout.rows` rows only, so that it costs little to who opens the whole file.
    """
    graph = Graph()
    many = _Route(graph, network, layout, layout.many, "")
    source = many.source("input")
    features = many.hidden(source)
    many.predict(*features, "output")
    if layout.explanation != layout.many:
        features = _Route(graph, network, layout, layout.explanation, "explain/").hidden(source)
    _explain(graph, network.layers[-1], features[0])
    if layout.few is not None:
        few = _Route(graph, network, layout, layout.few, "few/")
        bounds = [graph.constant(f"few/{name}", np.array([at])) for name, at in (("from", 0), ("to", layout.rows))]
        graph.node("Slice", ["input", *bounds, bounds[0]], FEW_INPUT)
        few.predict(*few.hidden(few.source(FEW_INPUT)), FEW_OUTPUT)
    units, neurons = network.layers[-1].weight.shape
    outputs = {"output": [network.outputs], "bumps": [units, neurons], "pre_activation": [units]}
    return graph.model(outputs, network.inputs, _description(network, layout))


@dataclass(frozen=True)
class _Route:
    """The way from the inputs to an output in one unrolling; `scope` is the prefix of its names."""

    graph: Graph
    network: Network
    layout: Layout
    unrolling: Unrolling
    scope: str

    def source(self, name: str) -> list[Value]:
        """Return the columns of raw rows, less their offset; wrapping takes the offset off exactly, later."""
        offset, encoding = self.network.input_offset, self.network.encoding
        value = Value(name, len(offset), columns=False)
        if encoding is not None:
            value = encoded(self.graph, name, encoding, self.scope)
        if self.layout.reach is not None:
            return [Value(_rows(self.graph, value, f"{self.scope}columns"), len(offset), columns=False)]
        if offset.any():
            addend = offset[:, None] if value.columns else offset
            value = replace(value, name=self.graph.binary("Sub", value.name, addend, f"{self.scope}centred"))
        return [value]

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
            affine = Affine(
                np.concatenate([-affine.weight, affine.weight]), np.concatenate([-affine.bias, affine.bias])
            )
        logits = graph.affine(value, affine, f"{self.scope}logits", columns=False)
        if network.link == "sigmoid":
            graph.node("Sigmoid", [logits.name], name)
        else:
            graph.node("Softmax", [logits.name], name, axis=1)

    def _activate(
        self, layer: Layer, value: list[Value], readout: Affine | None, scope: str
    ) -> tuple[list[Value], Affine | None]:
        unrolling, coefficients = self.unrolling, _coefficients(layer)
        affine, readout = Affine.of(layer).after(readout), unrolling.readout(coefficients)
        size = unrolling.tile or len(coefficients)
        parts: list[Value] = []
        for start in range(0, len(coefficients), size):
            tile, own = slice(start, start + size), coefficients[start : start + size]
            name = f"{scope}/tile{start // size}" if size < len(coefficients) else scope
            arguments = unrolling.arguments(Affine(affine.weight[tile], affine.bias[tile]), own)
            theta = self._angles(value, arguments, f"{name}/arguments", first=layer is self.network.layers[0])
            features = unrolling.features(self.graph, theta.name, own, name)
            parts.append(Value(features, len(own) if readout is None else readout.weight.shape[1], unrolling.columns))
        return parts, readout

    def _angles(self, value: list[Value], arguments: Affine, name: str, *, first: bool) -> Value:
        columns = self.unrolling.columns
        if first and self.layout.reach is not None:
            offset = self.network.input_offset.astype(np.float64)
            arguments = arguments.after(Affine(np.eye(len(offset)), -offset))
            return wrapped(self.graph, value[0], arguments, np.array(self.layout.reach), name, columns=columns)
        return self.graph.affine(value, arguments, name, columns=columns)

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


def _explain(graph: Graph, layer: Layer, activations: list[Value]) -> None:
    """Append the bumps, weight x activation, and the pre-activation that they sum to."""
    rows = [_rows(graph, value, f"activation{index}") for index, value in enumerate(activations)]
    together = rows[0] if len(rows) == 1 else graph.node("Concat", rows, "activation", axis=1)
    every = graph.node("Unsqueeze", [together, graph.constant("unit_axis", np.array([1]))], "activation_of_every_unit")
    graph.binary("Mul", every, layer.weight[None], "bumps")
    graph.affine(activations, Affine.of(layer), "pre_activation", columns=False)


def _rows(graph: Graph, value: Value, name: str) -> str:
    return graph.node("Transpose", [value.name], name, perm=[1, 0]) if value.columns else value.name


def _coefficients(layer: Layer) -> Floats:
    if layer.coefficients is None:
        raise ValueError("a linear layer has no activation to unroll; expected DCT coefficients")
    return layer.coefficients.astype(np.float64)


def _description(network: Network, layout: Layout) -> str:
    few = f"; {FEW_OUTPUT} is the same for few rows, by {layout.few.name} nodes" if layout.few else ""
    return (
        f"Expressive Neural Network, {network.task}, {network.head} head; output by {layout.many.name} nodes{few}. "
        "bias + sum of bumps = pre_activation. Everything else about the model: the metadata enn.card."
    )

"""A route: the nodes that lead from the raw inputs through the layers, all in one unrolling."""

from dataclasses import dataclass, replace

import numpy as np

from enn_models.cosine_series import Floats
from enn_models.network import Layer, Network
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value
from enn_training.publishing.onnx.graph.encoding import encoded
from enn_training.publishing.onnx.unrollings.base import Unrolling


@dataclass(frozen=True)
class Features:
    """What a route has computed so far.

    Attributes:
        value: The raw inputs, or the features of the last layer.
        readout: The map from them to its activations; None where they are the activations.
    """

    value: Value
    readout: Affine | None = None


@dataclass(frozen=True)
class Route:
    """The way through a network.

    Attributes:
        graph: The graph that it is appended to.
        network: The network.
        unrolling: That of every layer.
        scope: The prefix of its names.
        head: That of the output layer, if it is another.
    """

    graph: Graph
    network: Network
    unrolling: Unrolling
    scope: str
    head: Unrolling | None = None

    def source(self, name: str) -> Features:
        """Append what opens float32 raw rows: in the graph's precision they become columns, less their offset."""
        offset, encoding = self.network.input_offset, self.network.encoding
        value = Value(self.graph.opened(name, f"{self.scope}input_float64"), len(offset), columns=False)
        if encoding is not None:
            value = encoded(self.graph, value.name, encoding, self.scope)
        if offset.any():
            addend = offset[:, None] if value.columns else offset
            value = replace(value, name=self.graph.binary("Sub", value.name, addend, f"{self.scope}centred"))
        return Features(value)

    def hidden(self, features: Features, layers: int) -> Features:
        """Append the first hidden layers, so many of them."""
        for number in range(1, layers + 1):
            features = self._activate(features, number, self.unrolling)
        return features

    def activations(self, features: Features) -> Value:
        """Append what reads the last hidden layer's activations out of its features."""
        if features.readout is None:
            return features.value
        name = f"{self.scope}activation_of_neurons"
        return self.graph.affine(features.value, features.readout, name, columns=features.value.columns)

    def predict(self, features: Features, name: str) -> None:
        """Append the output layer, its head and the link to probabilities, from the last hidden layer's features."""
        network = self.network
        if network.head == "dct":
            features = self._activate(features, len(network.layers), self.head or self.unrolling)
            self.graph.published(lambda inner: self._values(features, inner), name)
        else:
            self.graph.published(lambda inner: self._linear(features, inner), name)

    def _activate(self, features: Features, number: int, unrolling: Unrolling) -> Features:
        layer, scope = self.network.layers[number - 1], f"{self.scope}layer{number}"
        spectrum = coefficients(layer)
        affine = unrolling.arguments(Affine.of(layer).after(features.readout), spectrum)
        arguments = self.graph.affine(features.value, affine, f"{scope}/arguments", columns=unrolling.columns)
        found = unrolling.features(self.graph, arguments.name, spectrum, scope)
        return Features(found, unrolling.readout(spectrum))

    def _linear(self, features: Features, name: str) -> None:
        network, graph = self.network, self.graph
        affine = Affine.of(network.layers[-1]).after(features.readout)
        if network.link == "identity":
            graph.affine(features.value, affine, name, columns=False)
            return
        if network.outputs != network.units:  # [1-p, p] as the sigmoids of [-logit, logit]: nothing cancels
            affine = Affine(
                np.concatenate([-affine.weight, affine.weight]), np.concatenate([-affine.bias, affine.bias])
            )
        logits = graph.affine(features.value, affine, f"{self.scope}logits", columns=False)
        if network.link == "sigmoid":
            graph.node("Sigmoid", [logits.name], name)
        else:
            graph.node("Softmax", [logits.name], name, axis=1)

    def _values(self, features: Features, name: str) -> None:
        """Append what turns an activated output layer into rows of values, offset added."""
        graph, offset, value = self.graph, self.network.output_offset.astype(np.float64), features.value
        if features.readout is not None or offset.any():
            affine = features.readout or Affine(np.eye(len(offset)), np.zeros(len(offset)))
            graph.affine(value, Affine(affine.weight, affine.bias + offset), name, columns=False)
        elif value.columns:
            graph.node("Transpose", [graph.flat(value, f"{name}_columns").name], name, perm=[1, 0])
        else:
            graph.node("Identity", [value.name], name)


def coefficients(layer: Layer) -> Floats:
    """Return a layer's DCT coefficients, float64 [neurons, Q].

    Raises:
        ValueError: The layer is linear.
    """
    if layer.coefficients is None:
        raise ValueError("a linear layer has no activation to unroll; expected DCT coefficients")
    return layer.coefficients.astype(np.float64)

"""Append the layers of a network to a graph, from raw inputs to predictions, with one unrolling."""

from dataclasses import dataclass, replace

import numpy as np

from enn_models.cosine_series import Floats
from enn_models.network import Layer, Network
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value
from enn_training.publishing.onnx.graph.encoding import add_encoding
from enn_training.publishing.onnx.unrollings.base import Unrolling


@dataclass(frozen=True)
class Features:
    """Intermediate result of a forward pass.

    Attributes:
        value: Raw inputs, or the features of the last appended layer.
        readout: Map from the features to the activations of that layer; None if the features are the activations.
    """

    value: Value
    readout: Affine | None = None


@dataclass(frozen=True)
class ForwardPass:
    """Forward pass of a network through a graph.

    Attributes:
        graph: Graph to append to.
        network: Network to write.
        unrolling: Unrolling of the layers.
        scope: Prefix of the new names.
        head: Unrolling of a dct head; None to use `unrolling`.
    """

    graph: Graph
    network: Network
    unrolling: Unrolling
    scope: str
    head: Unrolling | None = None

    def add_input(self, name: str) -> Features:
        """Append the conversion of raw rows: cast to the graph's precision, encode, subtract the input offset."""
        offset, encoding = self.network.input_offset, self.network.encoding
        value = Value(self.graph.cast_input(name, f"{self.scope}input_float64"), len(offset), neurons_first=False)
        if encoding is not None:
            value = add_encoding(self.graph, value.name, encoding, self.scope)
        if offset.any():
            addend = offset[:, None] if value.neurons_first else offset
            value = replace(value, name=self.graph.add_binary("Sub", value.name, addend, f"{self.scope}centred"))
        return Features(value)

    def add_hidden_layers(self, features: Features, layers: int) -> Features:
        """Append the first `layers` hidden layers."""
        for number in range(1, layers + 1):
            features = self._add_activated_layer(features, number, self.unrolling)
        return features

    def add_activations(self, features: Features) -> Value:
        """Append the read-out of the last hidden layer's activations."""
        if features.readout is None:
            return features.value
        name = f"{self.scope}activation_of_neurons"
        return self.graph.add_affine(features.value, features.readout, name, neurons_first=features.value.neurons_first)

    def add_prediction(self, features: Features, name: str) -> None:
        """Append the output layer with its head and link function.

        Args:
            features: Features of the last hidden layer.
            name: Name of the prediction.
        """
        network = self.network
        if network.head == "dct":
            features = self._add_activated_layer(features, len(network.layers), self.head or self.unrolling)
            self.graph.add_output(lambda inner: self._add_dct_output(features, inner), name)
        else:
            self.graph.add_output(lambda inner: self._add_linear_output(features, inner), name)

    def _add_activated_layer(self, features: Features, number: int, unrolling: Unrolling) -> Features:
        """Append an affine map and the unrolled activation of layer `number`, counted from 1."""
        layer, scope = self.network.layers[number - 1], f"{self.scope}layer{number}"
        spectrum = layer_coefficients(layer)
        affine = unrolling.arguments(Affine.from_layer(layer).compose(features.readout), spectrum)
        arguments = self.graph.add_affine(
            features.value, affine, f"{scope}/arguments", neurons_first=unrolling.neurons_first
        )
        found = unrolling.features(self.graph, arguments.name, spectrum, scope)
        return Features(found, unrolling.readout(spectrum))

    def _add_linear_output(self, features: Features, name: str) -> None:
        """Append a linear head and its link: identity, sigmoid or softmax."""
        network, graph = self.network, self.graph
        affine = Affine.from_layer(network.layers[-1]).compose(features.readout)
        if network.link == "identity":
            graph.add_output_affine(features.value, affine, name)
            return
        if network.outputs != network.units:  # [1-p, p] as the sigmoids of [-logit, logit]: nothing cancels
            affine = Affine(
                np.concatenate([-affine.weight, affine.weight]), np.concatenate([-affine.bias, affine.bias])
            )
        logits = graph.add_affine(features.value, affine, f"{self.scope}logits", neurons_first=False)
        if network.link == "sigmoid":
            graph.add_node("Sigmoid", [logits.name], name)
        else:
            graph.add_node("Softmax", [logits.name], name, axis=1)

    def _add_dct_output(self, features: Features, name: str) -> None:
        """Append the conversion of an activated output layer to [batch, outputs], with the output offset added."""
        graph, offset, value = self.graph, self.network.output_offset.astype(np.float64), features.value
        if features.readout is not None or offset.any():
            affine = features.readout or Affine(np.eye(len(offset)), np.zeros(len(offset)))
            graph.add_output_affine(value, Affine(affine.weight, affine.bias + offset), name)
        elif value.neurons_first:
            graph.add_node("Transpose", [graph.to_neurons_first(value, f"{name}_columns").name], name, perm=[1, 0])
        else:
            graph.add_node("Identity", [value.name], name)


def layer_coefficients(layer: Layer) -> Floats:
    """Return the DCT coefficients of a layer, float64 [neurons, Q].

    Raises:
        ValueError: The layer is linear.
    """
    if layer.coefficients is None:
        raise ValueError("a linear layer has no activation to unroll; expected DCT coefficients")
    return layer.coefficients.astype(np.float64)

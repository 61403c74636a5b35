"""Append the outputs that explain a prediction: bumps, pre-activation and harmonics."""

import numpy as np

from enn_models.network import Network
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value
from enn_training.publishing.onnx.graph.route import Features, ForwardPass
from enn_training.publishing.onnx.unrollings import Direct


def add_bumps(graph: Graph, network: Network, activations: Value, scope: str = "") -> None:
    """Append `bumps`, [batch, units, neurons]: weight x activation of the last hidden layer."""
    name = activations.name
    if activations.neurons_first:
        name = graph.add_node(
            "Transpose",
            [graph.to_neurons_first(activations, f"{scope}activation_columns").name],
            f"{scope}activation",
            perm=[1, 0],
        )
    every = graph.add_node(
        "Unsqueeze", [name, graph.add_constant("unit_axis", np.array([1]))], f"{scope}activation_of_every_unit"
    )
    weight = network.layers[-1].weight.astype(np.float64)
    graph.add_output(lambda inner: graph.add_binary("Mul", every, weight[None], inner), f"{scope}bumps")


def add_pre_activation(graph: Graph, network: Network, activations: Value) -> None:
    """Append `pre_activation`, [batch, units]: bias + sum of the bumps."""
    affine = Affine.from_layer(network.layers[-1])
    graph.add_output(lambda inner: graph.add_output_affine(activations, affine, inner), "pre_activation")


def add_harmonics(graph: Graph, network: Network) -> None:
    """Append `harmonics`, [batch, units, neurons, Q]: weight x F_q cos((2q-1) theta), in a separate forward pass."""
    forward = ForwardPass(graph, network, Direct(), "harmonics/")
    below = forward.add_hidden_layers(forward.add_input("input"), len(network.layers) - 2)
    graph.add_output(lambda inner: _add_bump_terms(graph, network, below, inner), "harmonics")


def _add_bump_terms(graph: Graph, network: Network, below: Features, name: str) -> None:
    """Append the harmonics of the bumps from the features below the last hidden layer."""
    spectrum = network.spectrum
    angles = graph.add_affine(
        below.value, Affine.from_layer(network.layers[-2]).to_angles(), "harmonics/angles", neurons_first=False
    )
    number = np.arange(spectrum.shape[1])
    odd = (2 * number + 1.0) * (-1.0) ** number
    axes = graph.add_constant("harmonics/axes", np.array([1, 3]))
    apart = graph.add_node("Unsqueeze", [angles.name, axes], "harmonics/angles_apart")
    sines = graph.add_node("Sin", [graph.add_binary("Mul", apart, odd, "harmonics/phases")], "harmonics/sines")
    weight = network.layers[-1].weight.astype(np.float64)[:, :, None] * spectrum
    graph.add_binary("Mul", sines, weight[None], name)

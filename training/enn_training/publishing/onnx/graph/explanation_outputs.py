"""What explains an output: the bumps of the last hidden layer, the pre-activation they sum to, and their harmonics."""

import numpy as np

from enn_models.network import Network
from enn_training.publishing.onnx.graph.affine import Affine
from enn_training.publishing.onnx.graph.builder import Graph, Value
from enn_training.publishing.onnx.graph.route import Features, Route
from enn_training.publishing.onnx.unrollings import Direct


def bumps(graph: Graph, network: Network, activations: Value, scope: str = "") -> None:
    """Append `bumps`, weight x activation."""
    name = activations.name
    if activations.columns:
        name = graph.node(
            "Transpose", [graph.flat(activations, f"{scope}activation_columns").name], f"{scope}activation", perm=[1, 0]
        )
    every = graph.node(
        "Unsqueeze", [name, graph.constant("unit_axis", np.array([1]))], f"{scope}activation_of_every_unit"
    )
    weight = network.layers[-1].weight.astype(np.float64)
    graph.published(lambda inner: graph.binary("Mul", every, weight[None], inner), f"{scope}bumps")


def pre_activation(graph: Graph, network: Network, activations: Value) -> None:
    """Append `pre_activation`, bias + the sum of the bumps."""
    affine = Affine.of(network.layers[-1])
    graph.published(lambda inner: graph.affine(activations, affine, inner, columns=False), "pre_activation")


def harmonics(graph: Graph, network: Network) -> None:
    """Append `harmonics`, the terms of the bumps: weight x F_q cos((2q-1) theta), by a route of their own."""
    route = Route(graph, network, Direct(), "harmonics/")
    below = route.hidden(route.source("input"), len(network.layers) - 2)
    graph.published(lambda inner: _terms(graph, network, below, inner), "harmonics")


def _terms(graph: Graph, network: Network, below: Features, name: str) -> None:
    spectrum = network.spectrum
    angles = graph.affine(below.value, Affine.of(network.layers[-2]).angles(), "harmonics/angles", columns=False)
    number = np.arange(spectrum.shape[1])
    odd = (2 * number + 1.0) * (-1.0) ** number
    axes = graph.constant("harmonics/axes", np.array([1, 3]))
    apart = graph.node("Unsqueeze", [angles.name, axes], "harmonics/angles_apart")
    sines = graph.node("Sin", [graph.binary("Mul", apart, odd, "harmonics/phases")], "harmonics/sines")
    weight = network.layers[-1].weight.astype(np.float64)[:, :, None] * spectrum
    graph.binary("Mul", sines, weight[None], name)

"""Random networks and learned models that contain them, for tests of exports."""

import itertools
from dataclasses import replace

import numpy as np

from enn_models.network import Head, Layer, Network, Task
from enn_training.data.dataset import fingerprint, summarize_columns
from enn_training.learned_model import LearnedModel

KINDS = [("dct", "regression"), ("dct", "classification"), ("linear", "regression"), ("linear", "classification")]


def network(widths, harmonics, head: Head = "linear", task: Task = "regression", gain=1.0):
    """Return a random network whose spectra decay like that of a line.

    Args:
        widths: Numbers of inputs, of hidden neurons of each layer, and of output units.
        harmonics: Number of harmonics of each activation, Q.
        head: Kind of the output layer.
        task: Task of the network.
        gain: Factor of the weights.
    """
    generator = np.random.default_rng(len(widths) + harmonics)
    layers = []
    for index, (inputs, neurons) in enumerate(itertools.pairwise(widths), start=1):
        coefficients = generator.normal(size=(neurons, harmonics)) / np.arange(1, 2 * harmonics, 2) ** 2
        linear = head == "linear" and index == len(widths) - 1
        weight = gain * generator.normal(size=(neurons, inputs)) / np.sqrt(inputs)
        bias = generator.normal(size=neurons)
        arrays = [array.astype(np.float32) for array in (weight, bias, coefficients)]
        layers.append(Layer(arrays[0], arrays[1], None if linear else arrays[2]))
    offset = np.full(widths[0], 0.25, np.float32)
    shifted = head == "dct" and task == "regression"
    return Network(task, head, tuple(layers), offset, np.full(widths[-1], 0.5 if shifted else 0.0, np.float32))


def scale_first_layer(net: Network, gain: float) -> Network:
    """Return the network with the weights of its first layer multiplied by a gain."""
    first = replace(net.layers[0], weight=np.float32(gain) * net.layers[0].weight)
    return replace(net, layers=(first, *net.layers[1:]))


def learned(net: Network) -> LearnedModel:
    """Return a learned model of a network, with features x0, x1, ... over [-1, 1]."""
    x = np.random.default_rng(0).uniform(-1, 1, size=(50, net.inputs)).astype(np.float32).astype(np.float64)
    names = tuple(f"x{index}" for index in range(net.inputs))
    classes = None if net.task == "regression" else tuple(range(max(2, net.units)))
    digest = fingerprint(names, x, x[:, 0])
    return LearnedModel(
        net, summarize_columns(names, x), classes, x[:6], {"learner": "none"}, {"r2": 0.5}, digest, x[:10]
    )

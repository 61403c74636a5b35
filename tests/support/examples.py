"""Small networks with random parameters."""

from itertools import pairwise

import numpy as np

from enn_models.network import Head, Layer, Network, Task


def network(
    sizes: tuple[int, ...] = (2, 4, 1),
    *,
    head: Head = "dct",
    task: Task = "classification",
    harmonics: int = 3,
    seed: int = 0,
    spread: float = 1.0,
) -> Network:
    """Return a network with random parameters.

    Args:
        sizes: Numbers of inputs, of hidden neurons of each layer, and of output units.
        head: Kind of the output layer.
        task: Task of the network.
        harmonics: Number of harmonics of each activation, Q.
        seed: Seed of the parameters.
        spread: Standard deviation of the parameters.
    """
    random = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return random.normal(scale=spread, size=shape).astype(np.float32)

    layers: list[Layer] = []
    for index, (inputs, neurons) in enumerate(pairwise(sizes)):
        linear = head == "linear" and index == len(sizes) - 2
        layers.append(Layer(draw(neurons, inputs), draw(neurons), None if linear else draw(neurons, harmonics)))
    return Network(task, head, tuple(layers), draw(sizes[0]), np.zeros(sizes[-1], np.float32))

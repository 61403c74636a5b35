"""The paper's figure of a network: activations above, bumps below, then the response and the prediction.

Source: figures 5 to 8 of the paper (arXiv 2307.00673).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from matplotlib.figure import Figure

from enn_models import cosine_series
from enn_models.card import Card
from enn_models.cosine_series import Floats
from enn_models.network import Network

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 201
"""Number of points along each side of the input plane, as in the paper."""


@dataclass(frozen=True)
class Plane:
    """Hold a grid over the training ranges of two features, with the others at their means.

    Attributes:
        names: Names of the two features.
        axes: Values of the two features, each [POINTS].
        rows: Raw inputs, [POINTS * POINTS, features]; the first feature varies along the columns of the picture.
    """

    names: tuple[str, str]
    axes: tuple[Floats, Floats]
    rows: Floats

    @classmethod
    def of(cls, card: Card) -> "Plane":
        """Return the plane of the first two numeric features; the others are at their mean, or their first category.

        Raises:
            ValueError: The model has fewer than two numeric features.
        """
        numeric = [index for index, feature in enumerate(card.features) if feature.kind == "numeric"]
        if len(numeric) < 2:
            raise ValueError(f"the model has {len(numeric)} numeric feature(s); a plane needs two")
        first, second = numeric[:2]
        chosen = (card.features[first], card.features[second])
        across, up = (np.linspace(feature.minimum, feature.maximum, POINTS) for feature in chosen)
        middle = [feature.mean if feature.kind == "numeric" else 0.0 for feature in card.features]
        rows = np.tile(middle, (POINTS * POINTS, 1))
        rows[:, first], rows[:, second] = np.tile(across, POINTS), np.repeat(up, POINTS)
        return cls((chosen[0].name, chosen[1].name), (across, up), rows)


def draw(card: Card, network: Network, unit: int = 0) -> Figure:
    """Return the figure of one output unit; its method `savefig` writes PNG or SVG.

    Args:
        card: Card of the model.
        network: Network of the model.
        unit: Index of the output unit to draw the bumps of.
    """
    plane = Plane.of(card)
    response = network.respond(plane.rows)
    z = network.hidden_pre_activations(plane.rows)[-1]
    neurons = z.shape[1]
    figure = Figure(figsize=(2.2 * (neurons + 2), 4.8), layout="constrained")
    axes = figure.subplots(2, neurons + 2, squeeze=False)
    coefficients = cast("np.ndarray", network.layers[-2].coefficients)  # hidden layers always have them
    scale = float(np.abs(response.bumps[:, unit]).max())
    for neuron in range(neurons):
        activation(axes[0, neuron], z[:, neuron], coefficients[neuron], neuron)
        _surface(axes[1, neuron], plane, response.bumps[:, unit, neuron], f"bump {neuron}", scale)
    _surface(axes[0, -2], plane, response.pre_activation[:, unit], "bias + bumps")
    _surface(axes[1, -2], plane, response.output[:, unit if network.link != "sigmoid" else 1], "output")
    _output_activation(axes[0, -1], network, response.pre_activation[:, unit], unit)
    _surface(axes[1, -1], plane, _decision(card, response.output), "prediction")
    return figure


def activation(axes: "Axes", z: Floats, coefficients: Floats | np.ndarray, neuron: int) -> None:
    """Draw one activation over the range of its pre-activations, with the density of the rows under it.

    Args:
        axes: Axes to draw on.
        z: Pre-activations of the neuron, [rows].
        coefficients: DCT coefficients of the neuron, [Q].
        neuron: Index of the neuron, for the title.
    """
    grid = np.linspace(z.min(), z.max(), 400)
    density, edges = np.histogram(z, bins=60, density=True)
    values = cosine_series.activation(grid[:, None], coefficients[None])[:, 0]
    low, high = float(values.min()), float(values.max())
    axes.fill_between(edges[:-1], low, low + (high - low) * density / density.max(), color="0.88", step="post")
    axes.plot(grid, values, color="C0")
    axes.set_title(f"activation {neuron}", fontsize=9)
    axes.tick_params(labelsize=7)


def _output_activation(axes: "Axes", network: Network, z: Floats, unit: int) -> None:
    coefficients = network.layers[-1].coefficients
    if coefficients is None:
        axes.set_axis_off()
        return
    activation(axes, z, coefficients[unit], unit)
    axes.set_title("output activation", fontsize=9)


def _surface(axes: "Axes", plane: Plane, values: Floats, title: str, scale: float | None = None) -> None:
    scale = scale or float(np.abs(values).max()) or 1.0
    (left, *_, right), (bottom, *_, top) = plane.axes
    axes.imshow(
        values.reshape(POINTS, POINTS),
        origin="lower",
        extent=(left, right, bottom, top),
        aspect="auto",
        cmap="RdBu_r",
        vmin=-scale,
        vmax=scale,
    )
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(plane.names[0], fontsize=7)
    axes.set_ylabel(plane.names[1], fontsize=7)
    axes.tick_params(labelsize=7)


def _decision(card: Card, output: Floats) -> Floats:
    if card.classes is None:
        return output[:, 0]
    return np.sign(output[:, 0]) if output.shape[1] == 1 else output.argmax(axis=1).astype(np.float64)

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
from enn_training.errors import OptionError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 201
"""Number of points along each side of the input plane, as in the paper."""
MAX_NEURONS = 24
"""Maximum number of neurons to draw; a picture of hundreds exceeds every screen."""


@dataclass(frozen=True)
class Plane:
    """Hold a grid over the training ranges of two features, or of one, with the others at their means.

    Attributes:
        names: Names of the features.
        axes: Values of the features, each [POINTS].
        rows: Raw inputs, [POINTS * POINTS or POINTS, features]; the first feature varies along the columns of the
            picture.
    """

    names: tuple[str, ...]
    axes: tuple[Floats, ...]
    rows: Floats

    @classmethod
    def of(cls, card: Card) -> "Plane":
        """Return the plane of the first two numeric features; the others are at their mean, or their first category.

        Raises:
            OptionError: No numeric feature has a range.
        """
        features = card.features
        chosen = [
            index for index, each in enumerate(features) if each.kind == "numeric" and each.minimum < each.maximum
        ]
        if not chosen:
            raise OptionError("the model has no numeric feature with a range; expected one or two to draw it over")
        chosen = chosen[:2]
        axes = tuple(np.linspace(features[index].minimum, features[index].maximum, POINTS) for index in chosen)
        middle = [feature.mean if feature.kind == "numeric" else 0.0 for feature in features]
        rows = np.tile(middle, (POINTS ** len(chosen), 1))
        for index, values in zip(chosen, np.meshgrid(*axes), strict=True):
            rows[:, index] = values.ravel()
        return cls(tuple(features[index].name for index in chosen), axes, rows)


def draw(card: Card, network: Network, unit: int = 0) -> Figure:
    """Return the figure of one output unit; its method `savefig` writes PNG or SVG.

    Args:
        card: Card of the model.
        network: Network of the model.
        unit: Index of the output unit to draw the bumps of.

    Raises:
        OptionError: No numeric feature has a range.
    """
    plane, hidden, last = Plane.of(card), network.layers[-2], network.layers[-1]
    z = network.hidden_pre_activations(plane.rows)[-1]
    activations = hidden.activation(z)
    pre_activation = last.pre_activation(activations)
    output = network.apply_head(pre_activation)
    bumps = last.weight[unit].astype(np.float64) * activations
    neurons = _largest(bumps)
    figure = Figure(figsize=(2.2 * (len(neurons) + 2), 4.8), layout="constrained")
    axes = figure.subplots(2, len(neurons) + 2, squeeze=False)
    coefficients = cast("np.ndarray", hidden.coefficients)  # hidden layers always have them
    scale = float(np.abs(bumps[:, neurons]).max())
    for place, neuron in enumerate(neurons):
        activation(axes[0, place], z[:, neuron], coefficients[neuron], neuron)
        _surface(axes[1, place], plane, bumps[:, neuron], f"bump {neuron}", scale)
    _surface(axes[0, -2], plane, pre_activation[:, unit], "bias + bumps")
    _surface(axes[1, -2], plane, output[:, unit if network.link != "sigmoid" else 1], "output")
    _output_activation(axes[0, -1], network, pre_activation[:, unit], unit)
    _surface(axes[1, -1], plane, _decision(card, output), "prediction")
    if len(neurons) < bumps.shape[1]:
        figure.suptitle(f"the {len(neurons)} of {bumps.shape[1]} neurons with the largest bumps")
    return figure


def _largest(bumps: Floats) -> list[int]:
    """Return the neurons with the largest deviations of their bumps [rows, neurons], in their order."""
    ranked = np.argsort(-bumps.std(axis=0), kind="stable")[:MAX_NEURONS]
    return sorted(ranked.tolist())


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
    """Draw values over the plane as colors, or over one feature as a curve."""
    scale = scale or float(np.abs(values).max()) or 1.0
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=7)
    # A name is text: "$" begins no formula.
    axes.set_xlabel(plane.names[0], fontsize=7, parse_math=False)
    if len(plane.axes) == 1:
        axes.plot(plane.axes[0], values)
        axes.set_ylim(-1.05 * scale, 1.05 * scale)
        return
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
    axes.set_ylabel(plane.names[1], fontsize=7, parse_math=False)


def _decision(card: Card, output: Floats) -> Floats:
    if card.classes is None:
        return output[:, 0]
    return np.sign(output[:, 0]) if output.shape[1] == 1 else output.argmax(axis=1).astype(np.float64)

"""The picture of a problem: ideal and obtained maps, learning curves, and the learned activations over the data."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from enn_models.network import Network
from enn_training.data.problems import Problem
from enn_training.evaluation.figure import POINTS, activation
from enn_training.experiments.paper import peers
from enn_training.experiments.paper.contenders import HARD, Enn, Stacked
from enn_training.experiments.paper.results import Result
from enn_training.experiments.paper.spread import Outcome, best, shown, spreads

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
CLASSES = ListedColormap(["#9ec5e8", "#f2b08d", "black"])
"""Class -1, class +1, and what is taken for the other."""


def draw(problem: Problem, outcome: Outcome) -> Figure:
    """Return the picture of one problem's results, of the seed of the ENN's median score."""
    hard = problem.name == HARD
    enn = Enn(12, 2.0) if hard else Enn()
    equal = (*peers.tuned(32), peers.kan(6)) if hard else (*peers.tuned(17), peers.kan(3))
    rivals = {peer.name: Stacked(peer) for peer in equal}
    rival = rivals[best(spreads(problem.task, outcome, tuple(rivals)))]
    ours, theirs = middle(outcome[enn.name]), middle(outcome[rival.name])
    network = enn.network(problem, ours)
    x = _plane()
    maps = {
        f"{enn.label}: {shown(problem.task, ours.score)}": network.respond(x).output[:, 0],
        f"{rival.label}: {shown(problem.task, theirs.score)}": rival.respond(theirs, x),
    }
    rows = 2 if hard else 1
    figure = Figure(figsize=(15.4, 3.4 + 1.7 * rows), layout="constrained")
    upper, lower = cast("np.ndarray", figure.subfigures(2, 1, height_ratios=(3.4, 1.7 * rows)))
    _maps(upper.subplots(1, 4), problem, maps)
    _curves(upper.axes[-1], outcome, (enn, *rivals.values()))
    _activations(lower.subplots(rows, 7).ravel(), network, x)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a PNG of 256 colors, so that fifteen of them weigh little."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=75, metadata={"Software": None})
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE)
    small.save(path, optimize=True)


def middle(seeds: dict[int, Result]) -> Result:
    """Return the result of the median score."""
    return sorted(seeds.values(), key=lambda result: result.score)[len(seeds) // 2]


def _plane() -> Floats:
    """Return the points of the square, [POINTS * POINTS, 2]; x0 runs along the columns of the picture."""
    line = np.linspace(-1.0, 1.0, POINTS)
    return np.column_stack([np.tile(line, POINTS), np.repeat(line, POINTS)])


def _maps(axes: "NDArray[np.object_]", problem: Problem, maps: dict[str, Floats]) -> None:
    x = _plane()
    truth = problem.rule(x[:, 0], x[:, 1])
    limits = (0.0, 2.0) if problem.task == "classification" else (-1.0, 1.0)
    _surface(axes[0], truth.astype(np.float64), f"{problem.name}: ideal", limits)
    scale = max(float(np.quantile(np.abs(found - truth), 0.99)) for found in maps.values())
    for place, (title, found) in zip(axes[1:3], maps.items(), strict=True):
        if problem.task == "classification":
            obtained = found > 0
            _surface(place, np.where(obtained == truth, obtained, 2), title, limits)
        else:
            _surface(place, found - truth, f"{title}, error, colors to ±{scale:.0e}", (-scale, scale))


def _surface(axes: "Axes", values: Floats, title: str, limits: tuple[float, float]) -> None:
    colors = CLASSES if limits == (0.0, 2.0) else "RdBu_r"
    square = values.reshape(POINTS, POINTS)
    axes.imshow(square, origin="lower", extent=(-1, 1, -1, 1), cmap=colors, vmin=limits[0], vmax=limits[1])
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("x0", fontsize=7)
    axes.set_ylabel("x1", fontsize=7)
    axes.tick_params(labelsize=7)


def _curves(axes: "Axes", outcome: Outcome, drawn: tuple[Enn | Stacked, ...]) -> None:
    """Draw the median learning curve of each contender."""
    for contender in drawn:
        curves = [result.curve for result in outcome[contender.name].values()]
        errors = np.median([[error for _, error in curve] for curve in curves], axis=0)
        passes = [number for number, _ in curves[0]]
        width = 2.0 if isinstance(contender, Enn) else 1.0
        axes.loglog(passes, np.maximum(errors, 1e-12), label=contender.label, linewidth=width)
    axes.set_title("held-out squared error over passes", fontsize=9)
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=7)


def _activations(axes: "NDArray[np.object_]", network: Network, x: Floats) -> None:
    """Draw the hidden activations and then that of the output."""
    z = network.hidden_pre_activations(x)[-1]
    hidden, last = (cast("np.ndarray", layer.coefficients) for layer in network.layers)
    for neuron, coefficients in enumerate(hidden):
        activation(axes[neuron], z[:, neuron], coefficients, neuron)
    activation(axes[len(hidden)], network.respond(x).pre_activation[:, 0], last[0], 0)
    axes[len(hidden)].set_title("output activation", fontsize=9)
    for place in axes[len(hidden) + 1 :]:
        place.set_axis_off()

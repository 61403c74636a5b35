"""Draw a problem's results: ideal and learned maps, learning curves, and learned activations with data density."""

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
from enn_training.experiments.paper.contenders import HARD_PROBLEM, ENNContender, PeerContender
from enn_training.experiments.paper.results import Result
from enn_training.experiments.paper.spread import Outcome, best_contender, collect_spreads, format_score

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
CLASSES = ListedColormap(["#9ec5e8", "#f2b08d", "black"])
"""Colors of class -1, class +1, and wrongly classified points."""


def draw(problem: Problem, outcome: Outcome) -> Figure:
    """Return the figure of one problem, for the seed with the ENN's median score."""
    hard = problem.name == HARD_PROBLEM
    enn = ENNContender(12, 2.0) if hard else ENNContender()
    equal = (*peers.tuned_peers(32), peers.kan_peer(6)) if hard else (*peers.tuned_peers(17), peers.kan_peer(3))
    rivals = {peer.name: PeerContender(peer) for peer in equal}
    rival = rivals[best_contender(collect_spreads(problem.task, outcome, tuple(rivals)))]
    ours, theirs = median_result(outcome[enn.name]), median_result(outcome[rival.name])
    network = enn.network(problem, ours)
    x = _grid_points()
    maps = {
        f"{enn.label}: {format_score(problem.task, ours.score)}": network.respond(x).output[:, 0],
        f"{rival.label}: {format_score(problem.task, theirs.score)}": rival.respond(theirs, x),
    }
    rows = 2 if hard else 1
    figure = Figure(figsize=(15.4, 3.4 + 1.7 * rows), layout="constrained")
    upper, lower = cast("np.ndarray", figure.subfigures(2, 1, height_ratios=(3.4, 1.7 * rows)))
    _maps(upper.subplots(1, 4), problem, maps)
    _curves(upper.axes[-1], outcome, (enn, *rivals.values()))
    _activations(lower.subplots(rows, 7).ravel(), network, x)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a PNG with 256 colors, to keep the fifteen files small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=75, metadata={"Software": None})
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE)
    small.save(path, optimize=True)


def median_result(seeds: dict[int, Result]) -> Result:
    """Return the result with the median score."""
    return sorted(seeds.values(), key=lambda result: result.score)[len(seeds) // 2]


def _grid_points() -> Floats:
    """Return the points of the square, [POINTS * POINTS, 2]; x0 runs along the columns of the picture."""
    line = np.linspace(-1.0, 1.0, POINTS)
    return np.column_stack([np.tile(line, POINTS), np.repeat(line, POINTS)])


def _maps(axes: "NDArray[np.object_]", problem: Problem, maps: dict[str, Floats]) -> None:
    """Draw the ideal map, the two learned maps, and wrong points or errors."""
    x = _grid_points()
    truth = problem.rule(x[:, 0], x[:, 1])
    limits = (0.0, 2.0) if problem.task == "classification" else (-1.0, 1.0)
    _surface(axes[0], truth.astype(np.float64), f"{problem.name}: ideal", limits)
    scale = max(float(np.quantile(np.abs(values - truth), 0.99)) for values in maps.values())
    for panel, (title, values) in zip(axes[1:3], maps.items(), strict=True):
        if problem.task == "classification":
            predicted = values > 0
            _surface(panel, np.where(predicted == truth, predicted, 2), title, limits)
        else:
            _surface(panel, values - truth, f"{title}, error, colors to ±{scale:.0e}", (-scale, scale))


def _surface(axes: "Axes", values: Floats, title: str, limits: tuple[float, float]) -> None:
    """Draw values over the square."""
    colors = CLASSES if limits == (0.0, 2.0) else "RdBu_r"
    square = values.reshape(POINTS, POINTS)
    axes.imshow(square, origin="lower", extent=(-1, 1, -1, 1), cmap=colors, vmin=limits[0], vmax=limits[1])
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("x0", fontsize=7)
    axes.set_ylabel("x1", fontsize=7)
    axes.tick_params(labelsize=7)


def _curves(axes: "Axes", outcome: Outcome, drawn: tuple[ENNContender | PeerContender, ...]) -> None:
    """Draw the median learning curve of each contender."""
    for contender in drawn:
        curves = [result.curve for result in outcome[contender.name].values()]
        errors = np.median([[error for _, error in curve] for curve in curves], axis=0)
        passes = [number for number, _ in curves[0]]
        width = 2.0 if isinstance(contender, ENNContender) else 1.0
        axes.loglog(passes, np.maximum(errors, 1e-12), label=contender.label, linewidth=width)
    axes.set_title("held-out squared error over passes", fontsize=9)
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=7)


def _activations(axes: "NDArray[np.object_]", network: Network, x: Floats) -> None:
    """Draw the hidden activations and the output activation."""
    z = network.hidden_pre_activations(x)[-1]
    hidden, last = (cast("np.ndarray", layer.coefficients) for layer in network.layers)
    for neuron, coefficients in enumerate(hidden):
        activation(axes[neuron], z[:, neuron], coefficients, neuron)
    activation(axes[len(hidden)], network.respond(x).pre_activation[:, 0], last[0], 0)
    axes[len(hidden)].set_title("output activation", fontsize=9)
    for panel in axes[len(hidden) + 1 :]:
        panel.set_axis_off()

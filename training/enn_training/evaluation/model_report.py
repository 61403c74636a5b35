"""Report of a model in the terminal: its card, and the DCT spectrum of every activation."""

from collections.abc import Iterator

import numpy as np
from rich.table import Table
from rich.text import Text

from enn_models.card import Card, to_array
from enn_models.card.features import Feature
from enn_models.cosine_series import Floats
from enn_models.network import Layer, Network

BARS = " ▁▂▃▄▅▆▇█"
WIDE = 64
"""Largest number of neurons to show of a layer; the most important ones are shown."""


def card_table(card: Card, network: Network) -> Table:
    """Return the card as a table, with one line for each field and each feature."""
    table = Table("field", "value", box=None, show_header=False, padding=(0, 2, 0, 0))
    sizes = "-".join(map(str, card.layers))
    table.add_row("network", f"{sizes}, Q = {card.harmonics}, {card.head} head, {network.parameters} parameters")
    # Classes, scores and features have the names of their user, in which "[" begins no markup.
    table.add_row("task", Text(card.task + (f" of {', '.join(map(str, card.classes))}" if card.classes else "")))
    for name, value in card.scores.items():
        table.add_row(Text(name), f"{value:.6g}")
    if "cut_short" in card.training:
        table.add_row("training", "cut short by the time limit")
    table.add_row("background", f"{len(card.background or ())} rows")
    for feature in card.features:
        table.add_row(Text(feature.name), Text(_describe_feature(feature)))
    return table


def spectrum_table(card: Card, network: Network) -> Iterator[Table]:
    """Yield a table for each activated layer, with one line for each neuron: its coefficients as bars and numbers.

    The importance of a neuron of the last hidden layer is the standard deviation of its bumps, over all units and the
    background rows, or the golden rows if the model has no background.
    """
    rows = to_array(card.background or card.golden.inputs)
    bumps = network.respond(rows).bumps
    importance = np.sqrt(bumps.var(axis=0).sum(axis=0))
    for index, layer in enumerate(network.layers):
        if layer.coefficients is not None:
            last_hidden = index == len(network.layers) - 2
            yield _spectrum(index, layer, layer.coefficients, importance if last_hidden else None)


def _spectrum(index: int, layer: Layer, coefficients: Floats | np.ndarray, importance: Floats | None) -> Table:
    neurons = np.arange(len(layer.bias))
    if importance is not None:
        neurons = np.argsort(-importance, kind="stable")
    title = f"layer {index}: importance and coefficients F1 to F{coefficients.shape[1]} of each neuron"
    table = Table("neuron", "importance", "spectrum", "coefficients", title=title, title_justify="left", box=None)
    for neuron in neurons[:WIDE]:
        found = "" if importance is None else f"{importance[neuron]:.4f}"
        values = " ".join(f"{value:+.3f}" for value in coefficients[neuron])
        table.add_row(str(neuron), found, _bars(np.abs(coefficients[neuron])), values)
    if len(neurons) > WIDE:
        table.caption = f"and {len(neurons) - WIDE} more"
    return table


def _bars(sizes: np.ndarray) -> str:
    top = float(sizes.max()) or 1.0
    return "".join(BARS[round(float(size) / top * (len(BARS) - 1))] for size in sizes)


def _describe_feature(feature: Feature) -> str:
    missing = ", may be missing" if feature.missing else ""
    if feature.kind == "numeric":
        return f"{feature.minimum:.6g} to {feature.maximum:.6g}, mean {feature.mean:.6g}{missing}"
    if feature.kind == "categorical":
        return f"one of {', '.join(map(repr, feature.categories))}{missing}"
    return f"true or false{missing}"

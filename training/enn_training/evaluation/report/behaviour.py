"""Sections of a report about the model itself: card, importance, interactions, average effects, activations."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from enn_models import cosine_series
from enn_models.card import Card, to_array
from enn_models.explanations.attributions import complete
from enn_models.explanations.average_effects import average_effect
from enn_models.explanations.importance import importance
from enn_models.explanations.output_names import output_names
from enn_models.network import Network
from enn_training.evaluation.figure import MAX_NEURONS
from enn_training.evaluation.metrics import Floats
from enn_training.evaluation.report.figures import Series, bars, chart
from enn_training.evaluation.report.parts import Section, Table, number

TOP = 20
"""Most features and pairs in a figure."""
EFFECTS = 12
"""Most curves of average effects: those of the most important features."""
POINTS = 81
MAX_PAIR_FEATURES = 60
"""Most features for interactions, whose time grows with the square of their number."""
MAX_WORK = 2**26
"""Most terms of importance: explained rows x background rows x columns x neurons x harmonics."""
MAX_UNITS = 4


def card_section(card: Card, network: Network) -> Section:
    """Return the section of the card: task, data, fingerprint, parameters, training and recorded scores."""
    rows = [
        ("task", card.task + (f" of {len(card.classes)} classes" if card.classes else "")),
        ("network", f"{'-'.join(map(str, card.layers))}, Q = {card.harmonics}, {card.head} head"),
        ("parameters", str(network.parameters)),
        ("features", str(len(card.features))),
        ("fingerprint of the training data", card.fingerprint),
    ]
    rows += [(name, _text(value)) for name, value in card.training.items() if name != "pruned"]
    scores = [(name, number(value)) for name, value in card.scores.items()]
    tables = [Table("Model", ("field", "value"), rows), Table("Scores in the card", ("score", "value"), scores)]
    return Section("Model card", "", tables)


def behaviour(card: Card, network: Network) -> Iterator[Section]:
    """Yield the sections about the behaviour of a model, in the order of the page."""
    if card.background is None:
        yield Section("Importance", "The model carries no background rows, over which importance is a mean.")
    else:
        yield from _importance(card, network, to_array(card.background))
    yield _activations(card, network)


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON value of the record of the training
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    return number(value) if isinstance(value, float) else str(value)


def _importance(card: Card, network: Network, background: Floats) -> Iterator[Section]:
    """Yield the sections over the background rows."""
    names, exact = card.feature_names, len(network.layers) == 2
    pairs = exact and len(names) <= MAX_PAIR_FEATURES
    background = background[: max(8, min(len(background), int((MAX_WORK / _terms(network, pairs=pairs)) ** 0.5)))]
    found = complete(importance(network, background, interactions=pairs))
    sizes = found.features.mean(axis=0)
    order = np.argsort(-sizes, kind="stable")
    top = order[:TOP].tolist()
    text = f"Mean absolute Shapley values of the pre-activation over {found.rows} background rows"
    text += "." if exact else ", estimated from random orders of the features."
    figure = bars("Importance of the features", [names[place] for place in top], sizes[top].tolist())
    yield Section("Importance", text, figures=[figure])
    if found.interactions is None:
        yield Section("Interactions", f"They take one hidden layer and at most {MAX_PAIR_FEATURES} features.")
    else:
        yield _interactions(names, found.interactions.mean(axis=0))
    yield _effects(card, network, background, order[:EFFECTS].tolist())


def _terms(network: Network, *, pairs: bool) -> int:
    """Return the number of terms per pair of an explained row and a background row."""
    coefficients = sum(layer.coefficients.size for layer in network.layers if layer.coefficients is not None)
    return max(1, coefficients * network.inputs * (network.inputs if pairs else 1))


def _interactions(names: list[str], sizes: Floats) -> Section:
    first, second = np.triu_indices(len(names), 1)
    values = sizes[first, second]
    top = np.argsort(-values, kind="stable")[:TOP]
    if not len(top):
        return Section("Interactions", "A single feature has none.")
    labels = [f"{names[first[place]]} and {names[second[place]]}" for place in top]
    return Section("Interactions", "Pairs by size.", figures=[bars("Interactions", labels, values[top].tolist())])


def _effects(card: Card, network: Network, background: Floats, places: list[int]) -> Section:
    """Return the mean pre-activation over the background for values of each feature."""
    units, figures = output_names(card.classes, network.units), list[Markup]()
    for place in places:
        feature = card.features[place]
        numeric = feature.kind == "numeric"
        values = np.linspace(feature.minimum, feature.maximum, POINTS if numeric else int(feature.maximum) + 1)
        means = complete(average_effect(network, background, place, values))
        if numeric:
            series = [Series(values, means[:, unit]) for unit in range(min(MAX_UNITS, network.units))]
            shown = ", ".join(map(str, units[:MAX_UNITS]))
            figures.append(
                chart(f"Average effect of {feature.name}", feature.name, f"pre-activation of {shown}", series)
            )
            continue
        texts = feature.categories if feature.kind == "categorical" else ("false", "true")
        heights = means[:, 0] - means[:, 0].min()
        order = np.argsort(-heights, kind="stable")[:TOP]
        title = f"Average effect of {feature.name} on {units[0]}, above the lowest"
        labels = [f"{feature.name}: {texts[at]}" for at in order]
        figures.append(bars(title, labels, heights[order].tolist()))
    text = "Exact mean of the pre-activation over the background rows in which the feature has a value."
    return Section("Average effects", text, figures=figures)


def _activations(card: Card, network: Network) -> Section:
    """Return the activations of the last hidden layer over the range of the training data."""
    layer, place = network.layers[-2], len(network.layers) - 2
    z = network.hidden_pre_activations(to_array(card.background or card.golden.inputs))[-1]
    usage = None if card.usage is None else card.usage[place]
    sizes = z.std(axis=0) if usage is None else np.array([neuron.deviation for neuron in usage])
    effect = sizes * np.linalg.norm(network.layers[-1].weight, axis=0)
    shown, figures = np.sort(np.argsort(-effect, kind="stable")[:MAX_NEURONS]).tolist(), list[Markup]()
    for neuron in shown:
        low, high = (
            (z[:, neuron].min(), z[:, neuron].max()) if usage is None else (usage[neuron].low, usage[neuron].high)
        )
        grid = np.linspace(low, high, 161)
        values = cosine_series.activation(grid[:, None], np.asarray(layer.coefficients)[neuron][None])[:, 0]
        series = [Series(grid, values)]
        if usage is not None:
            counts = np.array(usage[neuron].counts, dtype=np.float64)
            heights = values.min() + (values.max() - values.min()) * counts / counts.max()
            edges = np.repeat(np.linspace(low, high, len(counts) + 1), 2)[1:-1]
            series.append(Series(edges, np.repeat(heights, 2), "reference"))
        figures.append(chart(f"Activation {neuron}", "pre-activation", f"activation {neuron}", series))
    text = "Activations of the last hidden layer; the dashed steps are the density of the training rows."
    if len(shown) < len(layer.bias):
        text += f" The {len(shown)} of {len(layer.bias)} neurons with the largest effect are shown."
    return Section("Activations", text, figures=figures)

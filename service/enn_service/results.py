"""Results: the arrays of a run told in the words of the card, one value a row."""

from typing import Any

from enn_models import series
from enn_models.card import Card
from enn_service.errors import InvalidRequestError
from enn_service.model import Model
from enn_service.session import Array


def predictions(card: Card, output: Array) -> list[Any]:
    """Return the prediction of each row of output [batch, outputs].

    Regression: a number, or a list where there are several. Classification: the label with the probabilities of all
    classes (linear head) or with the score (dct head: of the second class of two, else of the label).
    """
    if card.classes is None:
        return (output[:, 0] if output.shape[1] == 1 else output).tolist()
    classes = card.classes
    if card.head == "linear":
        texts = [str(label) for label in classes]
        return [
            {"label": classes[best], "probabilities": dict(zip(texts, row, strict=True))}
            for best, row in zip(output.argmax(axis=1).tolist(), output.tolist(), strict=True)
        ]
    if output.shape[1] == 1:
        return [{"label": classes[score > 0], "score": score} for score in output[:, 0].tolist()]
    best = output.argmax(axis=1).tolist()
    return [{"label": classes[index], "score": row[index]} for index, row in zip(best, output.tolist(), strict=True)]


def unit_names(card: Card) -> list[Any]:
    """Return what each output unit stands for: a class, the second of two, or a regression value."""
    units = card.layers[-1]
    if card.classes is None:
        return ["value"] if units == 1 else [f"value_{unit}" for unit in range(units)]
    return [card.classes[1]] if units == 1 else list(card.classes)


def chosen_units(card: Card, output: Array, wanted: object) -> list[int]:
    """Return the unit to explain for each row: the one asked for, or that of the predicted class.

    Raises:
        InvalidRequestError: No unit stands for what is wanted.
    """
    if wanted is None:
        return output.argmax(axis=1).tolist() if card.layers[-1] > 1 and card.classes else [0] * len(output)
    names = [str(name) for name in unit_names(card)]
    if str(wanted) not in names:
        raise InvalidRequestError(f"parameters.output: {wanted!r:.60}; the model explains {', '.join(names)}")
    return [names.index(str(wanted))] * len(output)


def explanations(model: Model, rows: Array, units: list[int], bumps: Array, *, harmonics: bool) -> list[dict[str, Any]]:
    """Return the explanation of each row: bias + sum of the bumps' values = pre_activation, exactly.

    Args:
        model: The model that gave the bumps.
        rows: Its inputs, [batch, features].
        units: The unit to explain, one a row.
        bumps: What the runtime gave, [batch, units, neurons].
        harmonics: Whether to split each bump into the terms of its series.
    """
    output_layer, hidden_layer = model.network.layers[-1], model.network.layers[-2]
    z = model.network.hidden(rows)[-1]
    activations = hidden_layer.activation(z).tolist()
    terms = (
        series.harmonics(z, hidden_layer.coefficients) if harmonics and hidden_layer.coefficients is not None else None
    )
    outside = model.out_of_range(rows)
    names = unit_names(model.card)
    result: list[dict[str, Any]] = []
    for row, unit in enumerate(units):
        weights = output_layer.weight[unit].tolist()
        values = bumps[row, unit].tolist()
        parts: list[dict[str, Any]] = [
            {"neuron": neuron, "value": value, "activation": value / weight if weight else activation, "weight": weight}
            for neuron, (value, weight, activation) in enumerate(zip(values, weights, activations[row], strict=True))
        ]
        if terms is not None:
            for part, neuron_terms in zip(parts, terms[row], strict=True):
                part["harmonics"] = (part["weight"] * neuron_terms).tolist()
        bias = float(output_layer.bias[unit])
        result.append(
            {
                "output": names[unit],
                "pre_activation": bias + sum(values),
                "bias": bias,
                "bumps": parts,
                "out_of_range": outside.get(row, []),
            }
        )
    return result

"""Results: the arrays of a run told in the words of the card, as JSON text written in one go.

What is the same in every answer of a model is a template, made once; a template's places take the numbers of a row.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_models import series
from enn_models.card import Card
from enn_models.network import Network
from enn_service.errors import InvalidRequestError
from enn_service.session import Array

PLACE = b"%b"
Outside = NDArray[np.bool_]
"""Which values of rows lie outside their training range, [batch, features]."""


class Results:
    """How one model's answers are told.

    Args:
        card: The model's card.
        network: Its float64 oracle, for the parts of a bump that the graph does not give.

    Attributes:
        units: What each output unit stands for.
    """

    def __init__(self, card: Card, network: Network) -> None:
        self._card, self._network = card, network
        self.units = _unit_names(card)
        self._indices = _indices(self.units)
        self._features = [feature.name for feature in card.features]
        labels = [_template(label) for label in card.classes or ()]
        self._scored = [b'{"label":%b,"score":%b}' % (label, PLACE) for label in labels]
        pairs = b",".join(b"%b:%b" % (_template(str(label)), PLACE) for label in card.classes or ())
        self._likely = [b'{"label":%b,"probabilities":{%b}}' % (label, pairs) for label in labels]
        self._explained = [self._explanation(unit, harmonics=0) for unit in range(network.units)]

    def predictions(self, output: Array) -> bytes:
        """Return the list of predictions, one for each row of output [batch, outputs].

        Regression: a number, or a list where there are several. Classification: the label with the probabilities of
        all classes (linear head) or with the score (dct head: of the second class of two, else of the label).
        """
        if self._card.classes is None:
            return _dumps(output[:, 0] if output.shape[1] == 1 else output)
        if self._card.head == "linear":
            texts, width = _texts(output), output.shape[1]
            rows = enumerate(output.argmax(axis=1).tolist())
            return b"[%b]" % b",".join(
                [self._likely[best] % tuple(texts[row * width : (row + 1) * width]) for row, best in rows]
            )
        if output.shape[1] == 1:
            scores = output.ravel()
            chosen = [score > 0 for score in scores.tolist()]
        else:
            scores, chosen = output.max(axis=1), output.argmax(axis=1).tolist()
        scored = zip(chosen, _texts(scores), strict=True)
        return b"[%b]" % b",".join([self._scored[index] % text for index, text in scored])

    def explanations(
        self,
        rows: Array,
        units: Sequence[int],
        bumps: Array,
        outside: Outside | None,
        *,
        harmonics: bool,
        attributions: Sequence[dict[str, Any]] | None = None,
    ) -> bytes:
        """Return the list of explanations: bias + sum of the bumps' values = pre_activation, exactly.

        Args:
            rows: The inputs, [batch, features].
            units: The unit to explain, one a row.
            bumps: What the runtime gave, [batch, units, neurons].
            outside: Which inputs lie outside their training range; None where none does.
            harmonics: Whether to split each bump into the terms of its series.
            attributions: What else to tell of each row.
        """
        parts, sums = self._parts(rows, units, bumps, harmonics=harmonics)
        texts, width = _texts(parts), parts.shape[1] * parts.shape[2]
        templates = self._explained
        if harmonics:
            templates = [self._explanation(unit, harmonics=parts.shape[2] - 2) for unit in range(len(templates))]
        filled = [
            templates[unit] % (total, *texts[row * width : (row + 1) * width], tail)
            for row, (unit, total, tail) in enumerate(
                zip(units, _texts(sums), self._tails(len(rows), outside, attributions), strict=True)
            )
        ]
        return b"[%b]" % b",".join(filled)

    def out_of_range(self, outside: Outside) -> dict[int, list[str]]:
        """Return, for each row that leaves the training range, the names of the features that do.

        Outside that range the activations go on periodically, so such an answer is an extrapolation.
        """
        result: dict[int, list[str]] = {}
        for row, feature in np.argwhere(outside).tolist():
            result.setdefault(row, []).append(self._features[feature])
        return result

    def chosen_units(self, output: Array, wanted: object) -> list[int]:
        """Return the unit to explain for each row: the one asked for, or that of the predicted class."""
        if wanted is None:
            several = len(self.units) > 1 and self._card.classes
            return output.argmax(axis=1).tolist() if several else [0] * len(output)
        return [self.unit(wanted)] * len(output)

    def unit(self, wanted: object, field: str = "parameters.output") -> int:
        """Return the unit that stands for a label or a value's name.

        Raises:
            InvalidRequestError: None does.
        """
        if (unit := self._indices.get(str(wanted))) is None:
            known = ", ".join(str(name) for name in self.units)
            raise InvalidRequestError(f"{field}: {wanted!r:.60}; the model explains {known}")
        return unit

    def _parts(
        self, rows: Array, units: Sequence[int], bumps: Array, *, harmonics: bool
    ) -> tuple[series.Floats, series.Floats]:
        """Return the parts of every bump and their sums with the bias, all float64.

        The parts are value, activation and terms, [batch, neurons, 2 + terms]; the sums are [batch].
        """
        last, hidden = self._network.layers[-1], self._network.layers[-2]
        chosen = units[0] if len(set(units)) == 1 else list(units)
        every = slice(None) if isinstance(chosen, int) else np.arange(len(rows))
        weights, bias = last.weight[chosen].astype(np.float64), last.bias[chosen].astype(np.float64)
        terms = self._card.harmonics if harmonics else 0
        parts = np.empty((*bumps.shape[::2], 2 + terms))
        values, activations = parts[:, :, 0], parts[:, :, 1]
        values[:] = bumps[every, chosen]
        weightless = np.count_nonzero(weights) != weights.size
        if harmonics or weightless:
            z = self._network.hidden(rows)[-1]
            activations[:] = hidden.activation(z)
            if hidden.coefficients is not None:
                parts[:, :, 2:] = weights[..., None] * series.harmonics(z, hidden.coefficients)[:, :, :terms]
        np.divide(values, weights, out=activations, where=weights != 0 if weightless else True)
        return parts, bias + values.sum(axis=1)

    def _explanation(self, unit: int, *, harmonics: int) -> bytes:
        """Return the template of an explanation of a unit: its pre-activation, parts of bumps and tail are open."""
        last = self._network.layers[-1]
        terms = b',"harmonics":[%b]' % b",".join([PLACE] * harmonics) if harmonics else b""
        bumps = (
            b'{"neuron":%d,"value":%b,"activation":%b,"weight":%b%b}' % (neuron, PLACE, PLACE, _template(weight), terms)
            for neuron, weight in enumerate(last.weight[unit].tolist())
        )
        head = b'{"output":%b,"pre_activation":%b,"bias":%b' % (
            _template(self.units[unit]),
            PLACE,
            _template(float(last.bias[unit])),
        )
        return b'%b,"bumps":[%b],"out_of_range":%b}' % (head, b",".join(bumps), PLACE)

    def _tails(self, rows: int, outside: Outside | None, attributions: Sequence[dict[str, Any]] | None) -> list[bytes]:
        named = {} if outside is None else self.out_of_range(outside)
        tails = [orjson.dumps(named[row]) if row in named else b"[]" for row in range(rows)]
        if attributions is None:
            return tails
        return [
            b'%b,"attributions":%b' % (tail, orjson.dumps(given))
            for tail, given in zip(tails, attributions, strict=True)
        ]


def _unit_names(card: Card) -> list[Any]:
    """Return what each output unit stands for: a class, the second of two, or a regression value."""
    units = card.layers[-1]
    if card.classes is None:
        return ["value"] if units == 1 else [f"value_{unit}" for unit in range(units)]
    return [card.classes[1]] if units == 1 else list(card.classes)


def _indices(units: Sequence[Any]) -> dict[str, int]:
    """Return the unit of each name, written as Python or, where that leaves no doubt, as JSON does (true)."""
    indices = {str(name): unit for unit, name in enumerate(units)}
    return {orjson.dumps(name).decode(): unit for unit, name in enumerate(units)} | indices


def _template(value: Any) -> bytes:  # noqa: ANN401  (any JSON)
    """Return a value as text that stands in a template as it is."""
    return orjson.dumps(value).replace(b"%", b"%%")


def _dumps(array: NDArray[np.floating]) -> bytes:
    return orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY)


def _texts(array: NDArray[np.floating]) -> list[bytes]:
    """Return the text of each number of an array, row after row."""
    return _dumps(array.ravel())[1:-1].split(b",")

"""Results: predictions told in the words of the card, as JSON text written in one go.

What is the same in every answer of a model is a template, made once; a template's places take the numbers of a row.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_models.card import Card
from enn_service.errors import InvalidRequestError, describe_value
from enn_service.runtime.range_check import OutOfRange
from enn_service.runtime.session import Array

SLOT = b"%b"
NEGATIVE = b"\0"
"""What stands for the comma before a negative number while there is more to replace: no JSON has this byte."""
COMMA, MINUS = b",-"
LONG = 4096
"""Bytes of a text from which arrays of its characters are compared faster than it is searched."""


class PredictionEncoder:
    """How one model's answers are told.

    Args:
        card: The model's card.

    Attributes:
        units: What each output unit stands for.
        chooses: Whether one of several units stands for what is predicted.
    """

    def __init__(self, card: Card) -> None:
        self._card = card
        self.units = _unit_names(card)
        self.chooses = len(self.units) > 1 and card.classes is not None
        self._indices = _indices(self.units)
        self._features = card.feature_names
        labels = [template(label) for label in card.classes or ()]
        self._scored = [b'{"label":%b,"score":%b}' % (label, SLOT) for label in labels]
        self._separators = [b'},{"label":%b,"score":' % orjson.dumps(label) for label in card.classes or ()]
        pairs = b",".join(b"%b:%b" % (template(str(label)), SLOT) for label in card.classes or ())
        self._likely = [b'{"label":%b,"probabilities":{%b}}' % (label, pairs) for label in labels]

    def predictions(self, output: Array) -> bytes:
        """Return the list of predictions, one for each row of output [batch, outputs].

        Regression: a number, or a list where there are several. Classification: the label with the probabilities of
        all classes (linear head) or with the score (dct head: of the second class of two, else of the label).
        """
        if self._card.classes is None:
            return _dumps(output[:, 0] if output.shape[1] == 1 else output)
        if self._card.head == "linear":
            texts, width = number_texts(output), output.shape[1]
            rows = enumerate(output.argmax(axis=1).tolist())
            return b"[%b]" % b",".join(
                [self._likely[best] % tuple(texts[row * width : (row + 1) * width]) for row, best in rows]
            )
        if output.shape[1] == 1 and np.count_nonzero(output) == output.size:
            return self._signed(output.ravel())
        scores = output.max(axis=1)
        chosen = output.argmax(axis=1) if output.shape[1] > 1 else scores > 0
        scored = zip(chosen.astype(int).tolist(), number_texts(scores), strict=True)
        return b"[%b]" % b",".join([self._scored[index] % text for index, text in scored])

    def prediction(self, output: Array) -> bytes:
        """Return the prediction of a single row as it stands in that list, from its output [outputs]."""
        texts = orjson.dumps(output, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")
        if self._card.classes is None:
            return texts[0] if len(texts) == 1 else b"[%b]" % b",".join(texts)
        values = output.tolist()
        if self._card.head == "linear":
            return self._likely[values.index(max(values))] % tuple(texts)
        if len(values) == 1:
            return self._scored[int(values[0] > 0)] % texts[0]
        best = values.index(max(values))
        return self._scored[best] % texts[best]

    def _signed(self, scores: Array) -> bytes:
        """Return the predictions of scores other than 0, whose sign is their class and is seen in their text."""
        negative, positive = self._separators
        text = _marked(b"," + _dumps(scores)[1:-1]).replace(b",", positive).replace(NEGATIVE, negative)
        return b"[%b}]" % text[2:]

    def out_of_range(self, outside: OutOfRange) -> dict[int, list[str]]:
        """Return, for each row that leaves the training range, the names of the features that do.

        Outside that range the activations go on periodically, so such an answer is an extrapolation.
        """
        result: dict[int, list[str]] = {}
        for row, feature in outside.places():
            result.setdefault(row, []).append(self._features[feature])
        return result

    def chosen_units(self, output: Array, wanted: object) -> list[int]:
        """Return the unit to explain for each row: the one asked for, or that of the predicted class."""
        if wanted is None:
            return output.argmax(axis=1).tolist() if self.chooses else [0] * len(output)
        return [self.unit(wanted)] * len(output)

    def unit(self, wanted: object, field: str = "parameters.output") -> int:
        """Return the unit that stands for a label or a value's name.

        Raises:
            InvalidRequestError: None does.
        """
        unit = self._indices.get(str(wanted)) if isinstance(wanted, str | int | float) else None
        if unit is None:
            known = ", ".join(str(name) for name in self.units)
            raise InvalidRequestError(f"{field}: {describe_value(wanted)}; the model explains {known}")
        return unit


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


def template(value: Any) -> bytes:  # noqa: ANN401  (any JSON)
    """Return a value as text that stands in a template as it is."""
    return orjson.dumps(value).replace(b"%", b"%%")


def _dumps(array: NDArray[np.floating]) -> bytes:
    return orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY)


def _marked(numbers: bytes) -> bytes:
    """Return numbers, each behind a comma, with another mark for a comma before a negative one."""
    if len(numbers) < LONG:
        return numbers.replace(b",-", NEGATIVE + b"-")
    characters = np.frombuffer(bytearray(numbers), np.uint8)
    before = characters[:-1]
    before *= (before != COMMA) | (characters[1:] != MINUS)
    return characters.tobytes()


def number_texts(array: NDArray[np.floating]) -> list[bytes]:
    """Return the text of each number of an array, row after row."""
    return _dumps(array.ravel())[1:-1].split(b",")

"""Encoder of predictions to JSON bytes.

The constant part of every prediction is a template, built once per model; the numbers of a row fill its slots.
"""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_models.card import Card
from enn_models.explanations.output_names import index_by_name, output_names
from enn_service.errors import InvalidRequestError, describe_value
from enn_service.runtime.flagged_values.out_of_range import OutOfRangeEncoder
from enn_service.runtime.session import Array

SLOT = b"%b"
"""Slot of a template that takes the text of one number."""
NEGATIVE = b"\0"
"""Temporary replacement of a comma before a negative number; JSON never contains this byte."""
COMMA, MINUS = b",-"
NUMBER_BYTES = 11
"""Usual length of a float32 as text."""
LONG = 4096
"""Number of bytes from which comparing arrays of characters is faster than `bytes.replace`."""


class PredictionEncoder:
    """Encode the predictions of one model.

    Args:
        card: Card of the model.

    Attributes:
        output_names: Label or name of each output unit.
        is_multiclass: True if each class has its own output unit.
        bytes_per_row: Estimated length of a prediction.
        out_of_range: Encoder of the features that are outside their training range.
    """

    def __init__(self, card: Card) -> None:
        self._card = card
        self.output_names = output_names(card.classes, card.layers[-1])
        self.is_multiclass = len(self.output_names) > 1 and card.classes is not None
        self.out_of_range = OutOfRangeEncoder(card)
        self._indices = index_by_name(self.output_names)
        labels = [template(label) for label in card.classes or ()]
        self._score_templates = [b'{"label":%b,"score":%b}' % (label, SLOT) for label in labels]
        self._separators = [b'},{"label":%b,"score":' % orjson.dumps(label) for label in card.classes or ()]
        pairs = b",".join(b"%b:%b" % (template(str(label)), SLOT) for label in card.classes or ())
        self._probability_templates = [b'{"label":%b,"probabilities":{%b}}' % (label, pairs) for label in labels]
        linear = card.head == "linear"
        templates = self._probability_templates if linear else self._score_templates
        numbers = len(labels) if linear and labels else 1 if labels else card.layers[-1]
        self.bytes_per_row = max(map(len, templates), default=2) + numbers * (NUMBER_BYTES + 1)

    def encode(self, output: Array) -> bytes:
        """Encode a JSON list with one prediction per row of output [batch, outputs].

        Regression: a number, or a list of numbers for several outputs. Classification with the linear head: the label
        and the probability of each class. With the dct head: the label and its score; for two classes the score of the
        second one, whose sign decides.
        """
        if self._card.classes is None:
            return _dumps(output[:, 0] if output.shape[1] == 1 else output)
        if self._card.head == "linear":
            texts, width = number_texts(output), output.shape[1]
            templates = [self._probability_templates[best] for best in output.argmax(axis=1).tolist()]
            rows = range(0, len(texts), width)
            return b"[%b]" % b",".join(
                [text % tuple(texts[row : row + width]) for text, row in zip(templates, rows, strict=True)]
            )
        if output.shape[1] == 1 and np.count_nonzero(output) == output.size:
            return self._encode_signed(output.ravel())
        scores = output.max(axis=1)
        chosen = output.argmax(axis=1) if output.shape[1] > 1 else scores > 0
        scored = zip(chosen.astype(int).tolist(), number_texts(scores), strict=True)
        return b"[%b]" % b",".join([self._score_templates[index] % text for index, text in scored])

    def encode_row(self, output: Array) -> bytes:
        """Encode the prediction of a single row, as `encode` does, from its output [outputs]."""
        texts = orjson.dumps(output, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")
        if self._card.classes is None:
            return texts[0] if len(texts) == 1 else b"[%b]" % b",".join(texts)
        values = output.tolist()
        if self._card.head == "linear":
            return self._probability_templates[values.index(max(values))] % tuple(texts)
        if len(values) == 1:
            return self._score_templates[int(values[0] > 0)] % texts[0]
        best = values.index(max(values))
        return self._score_templates[best] % texts[best]

    def _encode_signed(self, scores: Array) -> bytes:
        """Encode the predictions of two classes from scores [batch] other than 0.

        The sign of a score is its class: the comma before each number is replaced by the label of that number's sign.
        """
        negative, positive = self._separators
        text = _mark_negatives(b"," + _dumps(scores)[1:-1]).replace(b",", positive).replace(NEGATIVE, negative)
        return b"[%b}]" % text[2:]

    def explained_outputs(self, output: Array, name: object) -> list[int]:
        """Return the index of the output unit to explain for each row.

        Args:
            output: Outputs of the run, [batch, outputs].
            name: Label or name of the unit; None for the predicted class of each row.
        """
        if name is None:
            return output.argmax(axis=1).tolist() if self.is_multiclass else [0] * len(output)
        return [self.output_index(name)] * len(output)

    def output_index(self, name: object, field: str = "parameters.output") -> int:
        """Return the index of the output unit with this label or name.

        Args:
            name: Label or name.
            field: Place of the name in the request, for error messages.

        Raises:
            InvalidRequestError: The model has no such unit.
        """
        index = self._indices.get(str(name)) if isinstance(name, str | int | float) else None
        if index is None:
            known = ", ".join(str(known) for known in self.output_names)
            raise InvalidRequestError(f"{field}: {describe_value(name)}; the model explains {known}")
        return index


def template(value: Any) -> bytes:  # noqa: ANN401  (any JSON)
    """Encode a constant value of a template, with its percent signs escaped."""
    return orjson.dumps(value).replace(b"%", b"%%")


def _dumps(array: NDArray[np.floating]) -> bytes:
    return orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY)


def _mark_negatives(numbers: bytes) -> bytes:
    """Replace the comma before each negative number by NEGATIVE; each number follows a comma."""
    if len(numbers) < LONG:
        return numbers.replace(b",-", NEGATIVE + b"-")
    characters = np.frombuffer(bytearray(numbers), np.uint8)
    before = characters[:-1]
    before *= (before != COMMA) | (characters[1:] != MINUS)
    return characters.tobytes()


def number_texts(array: NDArray[np.floating]) -> list[bytes]:
    """Encode each number of an array, in row-major order."""
    return _dumps(array.ravel())[1:-1].split(b",")

"""Intervals and label sets of a stated coverage: the tensors `lower`, `upper` and `set`, and their JSON text."""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_models import conformal
from enn_models.card import Calibration, Card
from enn_service.errors import InvalidRequestError
from enn_service.runtime.prediction_encoder import NUMBER_BYTES, PredictionEncoder, number_texts
from enn_service.runtime.session import EXPLAIN_OUTPUTS, PREDICT_OUTPUTS, Array

FIELD = "parameters.coverage"
HASH_NS = 3_000
"""Estimated time of the hash of a row, and of ordering its classes."""
CLASS_NS = 100
"""Estimated time of one class of a set."""
BUMP_NS = 5
"""Estimated time of one bump in the scale of a row."""
REGION_BYTES = 40
"""Usual length of the names and brackets of a region in JSON."""

Regions = dict[str, NDArray[Any]]
"""Tensors by name: `lower` and `upper`, float32 [rows, outputs], or `set`, bool [rows, classes]."""


class CoverageEncoder:
    """Compute and encode the intervals or label sets of one model.

    Args:
        card: Card of the model.
        predictions: Encoder of the model's predictions.

    Attributes:
        shapes: Shape of each tensor by name, with -1 for the batch; none without a calibration.
        tensors: Names of the model's outputs that are needed.
        numbers_per_row: Count of numbers of a row's region.
        bytes_per_row: Estimated length of a row's region as JSON.
        row_ns: Estimated time of a row, in nanoseconds.
    """

    def __init__(self, card: Card, predictions: PredictionEncoder) -> None:
        self._card, self._predictions, units = card, predictions, card.layers[-1]
        self._labels = [orjson.dumps(label) for label in card.classes or ()]
        shapes = (
            {"lower": [-1, units], "upper": [-1, units]} if card.classes is None else {"set": [-1, len(self._labels)]}
        )
        self.shapes: dict[str, list[int]] = {} if card.calibration is None else shapes
        self.tensors = EXPLAIN_OUTPUTS if card.classes is None else PREDICT_OUTPUTS
        self.numbers_per_row = len(self._labels) or 2 * units
        labels = sum(len(label) + 1 for label in self._labels)
        self.bytes_per_row = REGION_BYTES + (labels or self.numbers_per_row * (NUMBER_BYTES + 1))
        self.row_ns = HASH_NS + CLASS_NS * len(self._labels) if self._labels else BUMP_NS * units * card.layers[-2]

    def check(self, coverage: float) -> None:
        """Check that the model has regions of a coverage.

        Raises:
            InvalidRequestError: The model has no calibration, or one of too few rows.
        """
        calibration = self._card.calibration
        if calibration is None:
            raise InvalidRequestError(
                f"{FIELD}: the model has no calibration; leave it out, or train the model again with a learner that"
                " cross-validates (ENNClassifier, ENNRegressor, or enn-train table --learner auto)"
            )
        largest = conformal.largest_coverage(calibration.rows)
        if coverage > largest:
            raise InvalidRequestError(
                f"{FIELD}: {coverage}; the {calibration.rows} rows of the calibration allow at most {largest:.6g}"
            )

    def row_cost(self, coverage: float | None) -> tuple[int, int]:
        """Check a coverage, and return the count of numbers and the time in nanoseconds of a row; 0 without a coverage.

        Raises:
            InvalidRequestError: `check` refuses the coverage.
        """
        if coverage is None:
            return 0, 0
        self.check(coverage)
        return self.numbers_per_row, self.row_ns

    def regions(self, rows: Array, output: Array, bumps: Array | None, coverage: float) -> Regions:
        """Return the tensors of regions.

        Args:
            rows: Rows, [batch, features].
            output: Outputs of the run, [batch, outputs].
            bumps: Bumps of the run, [batch, units, neurons]; None for classes.
            coverage: Coverage that `check` accepted.

        Raises:
            ArithmeticError: A bound is too large for float32.
        """
        calibration: Any = self._card.calibration
        if bumps is None or self._labels:
            probabilities = conformal.class_probabilities(output, self._card.head)
            return {"set": conformal.label_sets(calibration, rows, probabilities, coverage)}
        return _intervals(calibration, output.astype(np.float64), bumps, coverage)

    def class_order(self, output: Array) -> NDArray[np.intp]:
        """Return the indices of the classes of each row, the most probable first, [batch, classes]."""
        return np.argsort(-conformal.class_probabilities(output, self._card.head), axis=1, kind="stable")

    def encode(self, output: Array, regions: Regions) -> list[bytes]:
        """Encode each prediction with its region.

        Regression: {"value", "lower", "upper"}, with lists for several outputs. Classification: the prediction with
        "set", a list of labels with the most probable first.
        """
        if not self._labels:
            parts = [_rows_of_texts(part) for part in (output, regions["lower"], regions["upper"])]
            return [b'{"value":%b,"lower":%b,"upper":%b}' % row for row in zip(*parts, strict=True)]
        order = self.class_order(output).tolist()
        sizes = regions["set"].sum(axis=1).tolist()
        sets = [
            b",".join([self._labels[index] for index in indices[:size]])
            for indices, size in zip(order, sizes, strict=True)
        ]
        predictions = [self._predictions.encode_row(row) for row in output]
        return [b'%b,"set":[%b]}' % (text[:-1], labels) for text, labels in zip(predictions, sets, strict=True)]


def _intervals(calibration: Calibration, output: NDArray[np.float64], bumps: Array, coverage: float) -> Regions:
    """Return `lower` and `upper`, rounded outward to float32."""
    widths = conformal.half_widths(calibration, bumps, coverage)
    with np.errstate(over="ignore"):
        bounds = (output - widths, output + widths)
        lower, upper = (bound.astype(np.float32) for bound in bounds)
    lower = np.where(lower > bounds[0], np.nextafter(lower, np.float32(-np.inf)), lower)
    upper = np.where(upper < bounds[1], np.nextafter(upper, np.float32(np.inf)), upper)
    if not (np.isfinite(lower).all() and np.isfinite(upper).all()):
        raise ArithmeticError("not all bounds of the intervals are float32 numbers")
    return {"lower": lower, "upper": upper}


def _rows_of_texts(values: Array) -> list[bytes]:
    """Return each row of values [batch, outputs] as a number, or as a list of several numbers."""
    texts, width = number_texts(values), values.shape[1]
    if width == 1:
        return texts
    return [b"[%b]" % b",".join(texts[at : at + width]) for at in range(0, len(texts), width)]

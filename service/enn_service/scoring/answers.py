"""Answers of a model as Arrow columns, under the names that frames of explanations have."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from enn_models.explanations.methods import Method
from enn_service.inference.attributions import (
    AttributionParameters,
    compute_attributions,
    parse_attribution_options,
)
from enn_service.runtime.flagged_values.out_of_range import OutOfRange
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import EXPLAIN_OUTPUTS, PREDICT_OUTPUTS, Array

Columns = dict[str, pa.Array]


@dataclass(frozen=True)
class ScoreOptions:
    """Answers besides the prediction.

    Attributes:
        bumps: True for the bumps of the explained output.
        attributions: Method of attribution; None for none.
        coverage: Coverage of intervals or label sets; None for none.
        output: Label or name of the explained output; None for the predicted class of each row.
    """

    bumps: bool = False
    attributions: Method | None = None
    coverage: float | None = None
    output: str | None = None


class Answers:
    """Compute the answers to rows of one model.

    Args:
        model: Model that answers.
        options: Answers besides the prediction.

    Attributes:
        tensors: Names of the outputs to compute.
        numbers: Count of numbers of a row's answer.

    Raises:
        InvalidRequestError: The model has no such answer; the text is that of the service.
    """

    def __init__(self, model: ServedModel, options: ScoreOptions) -> None:
        self._model, self._options = model, options
        if options.coverage is not None:
            model.coverage_encoder.check(options.coverage)
        if options.output is not None:
            model.prediction_encoder.output_index(options.output)
        self._attributions = parse_attribution_options(model, AttributionParameters(attributions=options.attributions))
        covered = options.coverage is not None and model.coverage_encoder.tensors == EXPLAIN_OUTPUTS
        self.tensors = EXPLAIN_OUTPUTS if options.bumps or covered else PREDICT_OUTPUTS
        self.numbers = sum(model.sizes[name] for name in self.tensors) + model.features * model.network.units
        classes = list(model.card.classes or ())
        kinds = set(map(type, classes))
        self._labels = pa.array(classes if len(kinds) < 2 else [str(label) for label in classes])
        self._names = pa.array(self._model.prediction_encoder.output_names)
        self._features = pa.array(model.card.feature_names)

    def columns(self, rows: Array, outside: OutOfRange | None, tensors: Sequence[Array]) -> Columns:
        """Return the columns of the answer.

        Args:
            rows: Validated rows, [rows, features].
            outside: Values outside their training range; None if there are none.
            tensors: Outputs of the run, in the order of `tensors`.
        """
        output, bumps = tensors[0], tensors[1] if len(tensors) > 1 else None
        columns = self._predictions(output)
        if self._options.coverage is not None:
            columns |= self._regions(rows, output, bumps, self._options.coverage)
        if self._options.bumps or self._attributions is not None:
            units = np.array(self._model.prediction_encoder.explained_outputs(output, self._options.output), np.intp)
            columns["output"] = self._names.take(pa.array(units))
            if self._options.bumps and bumps is not None:
                columns |= self._bumps(bumps, units)
            if self._attributions is not None:
                columns |= self._shares(rows, units)
        return columns | {"out_of_range": self._outside(outside, len(rows))}

    def _predictions(self, output: Array) -> Columns:
        """Return the columns `prediction` and `score` or the probabilities, as the V1 protocol chooses them."""
        if not len(self._labels):
            return _values("prediction", output)
        several = output.shape[1] > 1
        chosen = output.argmax(axis=1) if several else (output[:, 0] > 0).astype(np.intp)
        columns: Columns = {"prediction": self._labels.take(pa.array(chosen))}
        if self._model.card.head != "linear":
            return columns | {"score": pa.array(output.max(axis=1))}
        names = [f"probability_{label}" for label in self._model.card.classes or ()]
        return columns | dict(zip(names, map(_column, output.T), strict=True))

    def _regions(self, rows: Array, output: Array, bumps: Array | None, coverage: float) -> Columns:
        """Return the columns of intervals, or `prediction_set` with the most probable label first."""
        regions = self._model.coverage_encoder.regions(rows, output, bumps, coverage)
        if "set" not in regions:
            return {
                name: column
                for bound in ("lower", "upper")
                for name, column in _values(f"prediction_{bound}", regions[bound]).items()
            }
        order = self._model.coverage_encoder.class_order(output)
        sizes = regions["set"].sum(axis=1)
        chosen = order[np.arange(order.shape[1]) < sizes[:, None]]
        return {"prediction_set": _lists(sizes, self._labels.take(pa.array(chosen)))}

    def _bumps(self, bumps: Array, units: NDArray[np.intp]) -> Columns:
        """Return the bias, the bumps and their sum, in float64 as the V1 protocol has them."""
        bias = self._model.network.layers[-1].bias.astype(np.float64)[units]
        values = bumps[np.arange(len(units)), units].astype(np.float64)
        named = {f"bump_{index}": _column(value) for index, value in enumerate(values.T)}
        return {"bias": pa.array(bias), **named, "pre_activation": pa.array(bias + values.sum(axis=1))}

    def _shares(self, rows: Array, units: NDArray[np.intp]) -> Columns:
        """Return the attribution of each feature, and the value that they start from."""
        options: Any = self._attributions
        columns = self._model.network.encode(rows)
        steps, found = compute_attributions(self._model, columns, options, [[unit] for unit in units.tolist()]), None
        while found is None:
            try:
                next(steps)
            except StopIteration as stop:
                found = stop.value.attributions
        values = found.values[np.arange(len(units)), units]
        named = zip(self._model.card.feature_names, map(_column, values.T), strict=True)
        base = {"base_value": pa.array(np.asarray(found.base_value, np.float64)[units])}
        return base | {f"attribution_{name}": column for name, column in named}

    def _outside(self, outside: OutOfRange | None, rows: int) -> pa.Array:
        """Return the names of the features of each row that are outside their training range."""
        counts, features = np.zeros(rows, np.intp), np.empty(0, np.intp)
        if outside is not None:
            places = np.array(outside.places(), np.intp)
            counts, features = np.bincount(places[:, 0], minlength=rows), places[:, 1]
        return _lists(counts, self._features.take(pa.array(features)))


def _column(values: NDArray[Any]) -> pa.Array:
    return pa.array(np.ascontiguousarray(values))


def _values(name: str, values: Array) -> Columns:
    """Return values [rows, outputs] as a column, or as one column for each of several outputs."""
    if values.shape[1] == 1:
        return {name: _column(values[:, 0])}
    return {f"{name}_{place}": _column(column) for place, column in enumerate(values.T)}


def _lists(sizes: NDArray[Any], values: pa.Array) -> pa.Array:
    """Return lists of these sizes whose values follow each other."""
    return pa.ListArray.from_arrays(pa.array(np.append(0, np.cumsum(sizes)).astype(np.int32)), values)

"""Typed explanations as NumPy arrays, of the client and of models in this process, also for pandas and shap."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from enn_models.explanations.prediction_columns import prediction_columns

if TYPE_CHECKING:
    import pandas as pd
    import shap

PREFIX = "attribution_"
"""Prefix of the column of a feature whose own name is that of another column."""
RESERVED = re.compile(
    rf"prediction(_\d+)?|prediction_((lower|upper)(_\d+)?|set)|output|bias|bump_\d+|rest|pre_activation|response|out_of_range|{PREFIX}.*",
    re.DOTALL,
)
"""Names of columns that are not those of features; in every frame, so that a feature always has the same column."""
MISSING = "missing"
"""Text of a missing category in a plot."""
Floats = NDArray[np.float64]


class MixedOutputsError(ValueError):
    """The rows explain different outputs, which one plot cannot show; the text names them."""


class NoInteractionsError(ValueError):
    """The explanation has no interactions, because they were not requested."""


@dataclass(frozen=True, eq=False)
class Attributions:
    """Attributions of features: base_value + the sum of a row's values is the row's pre_activation.

    Attributes:
        method: Method of attribution.
        features: Names of the features.
        values: Attribution of each feature, float64 [rows, features].
        base_value: Pre-activation that the attributions start from, float64 [rows].
        data: Rows as the caller gave them, in the order of `features`, object [rows, features].
        interactions: Part of each value that belongs to each pair, and on the diagonal to the feature alone, float64
            [rows, features, features]; each line sums to the feature's value. None unless requested.
    """

    method: str
    features: list[str]
    values: Floats
    base_value: Floats
    data: NDArray[Any]
    interactions: Floats | None = None


@dataclass(frozen=True, eq=False)
class Explanations:
    """Predictions and their exact explanations: bias + the sum of a row's bumps + rest is its pre_activation.

    Attributes:
        predictions: Predictions as the service's V1 protocol has them, [rows].
        output: Output explained in each row: a class label, or the name of a value; [rows].
        neurons: Index of each bump's neuron, int64 [rows, shown]: all neurons, or with `top` the largest bumps first.
        bumps: Contributions to the pre-activation, weight x activation, float64 [rows, shown].
        activations: Activations of the neurons, float64 [rows, shown].
        weights: Weights from the neurons to the explained output, float64 [rows, shown].
        rest: Sum of the bumps that are not shown, float64 [rows]; 0 without `top`.
        bias: Bias of the explained output, float64 [rows].
        pre_activation: Pre-activation of the explained output, float64 [rows].
        response: Value that the head computes from it: regression value, score or probability; float64 [rows].
        slope: Derivative of a dct head's activation at the pre-activation, float64 [rows]; None for a linear head.
        probability_changes: Change of the probability by each bump, float64 [rows, shown]; None without probabilities.
        base_probability: Probability for the bias alone, float64 [rows]; None without probabilities.
        harmonics: Terms of each bump's cosine series, float64 [rows, shown, Q]; None unless requested.
        out_of_range: Features outside their training range, for each row.
        ranges: Training range of each feature that is out of range in some row.
        attributions: Attributions of features; None unless requested.
        stability: Bounds over all rows within a tolerance, for each row: {"lower", "upper", "label_holds",
            "counterexample"}; None unless requested.
        counterfactuals: Nearest row found with a wished outcome, for each row: {"instance", "changes", "distance",
            "no_closer_than", "prediction"}; None unless requested.
        index: Index of the pandas frame that was explained; None for other rows.
    """

    predictions: list[Any]
    output: list[Any]
    neurons: NDArray[np.int64]
    bumps: Floats
    activations: Floats
    weights: Floats
    rest: Floats
    bias: Floats
    pre_activation: Floats
    response: Floats
    slope: Floats | None
    probability_changes: Floats | None
    base_probability: Floats | None
    harmonics: Floats | None
    out_of_range: list[tuple[str, ...]]
    ranges: dict[str, tuple[float, float]]
    attributions: Attributions | None
    stability: list[dict[str, Any]] | None = None
    counterfactuals: list[dict[str, Any]] | None = None
    index: Any = None

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas frame with one line per row and the index of the caller's frame.

        Returns:
            Columns prediction (a label or a value; prediction_0, ... for several values), output, bias, bump_0, ...,
            pre_activation, response, the attribution of each feature under its name, out_of_range. A feature whose name
            is one of these, or begins with "attribution_", has "attribution_" before it. With `top`, bumps that a row
            does not show are NaN, and a column `rest` contains their sum. A coverage adds prediction_lower, ....
        """
        return _to_frame(self)

    def to_shap(self, *, interactions: bool = False) -> "shap.Explanation":
        """Return an explanation of one output for the plots of the library shap.

        Args:
            interactions: True for the interactions of features, [rows, features, features], which the explanation has
                if they were requested: for `shap.summary_plot` and, with `[:, "age", "income"]`, for other plots.

        Returns:
            The attributions of features, or the bumps if there are none, [rows, features]. `data` has numbers, with a
            category's place in alphabetical order and NaN for a missing value; `display_data` has the values as sent.
            With `top`, `rest` is a bump of its own, and bumps that a row does not show are 0.

        Raises:
            MixedOutputsError: The rows explain different outputs: each its predicted class.
            NoInteractionsError: The explanation has no interactions.
        """
        return _to_shap({None: self}, several=False, interactions=interactions)

    @property
    def is_partial(self) -> bool:
        """True if some bumps are not shown."""
        return bool(np.count_nonzero(self.rest))


class OutputExplanations(dict[Any, Explanations]):
    """Explanations of the same rows by output: a class label, or the name of a value."""

    def to_shap(self, *, interactions: bool = False) -> "shap.Explanation":
        """Return an explanation of all outputs for the plots of the library shap.

        Args:
            interactions: True for the interactions of features, [rows, features, features, outputs].

        Returns:
            Explanation as of `Explanations.to_shap`, but with values [rows, features, outputs], and with the labels as
            `output_names`.

        Raises:
            NoInteractionsError: The explanations have no interactions.
        """
        return _to_shap(self, several=True, interactions=interactions)


def _attribution_column(feature: str) -> str:
    """Return the column with the attribution of a feature: its name, with PREFIX if that is reserved."""
    return PREFIX + feature if RESERVED.fullmatch(feature) else feature


def _to_frame(found: Explanations) -> "pd.DataFrame":
    """Return a pandas frame with one line per row."""
    import pandas as pd  # noqa: PLC0415  (the client and the service work without it)

    neurons, values = _by_neuron([found], np.nan)
    columns: dict[str, Any] = {**prediction_columns(found.predictions), "output": found.output, "bias": found.bias}
    columns |= {f"bump_{neuron}": values[:, place, 0] for place, neuron in enumerate(neurons)}
    if found.is_partial:
        columns["rest"] = found.rest
    columns |= {"pre_activation": found.pre_activation, "response": found.response}
    if found.attributions is not None:
        given = found.attributions
        columns |= {_attribution_column(name): given.values[:, place] for place, name in enumerate(given.features)}
    return pd.DataFrame({**columns, "out_of_range": found.out_of_range}, index=found.index)


def _to_shap(outputs: Mapping[Any, Explanations], *, several: bool, interactions: bool) -> "shap.Explanation":
    """Return the explanation of one output or of several for the plots of shap.

    Args:
        outputs: Explanations of the same rows, by output.
        several: True for values [rows, features, outputs], False for [rows, features] of a single output.
        interactions: True for the values of pairs, which have another dimension of features.

    Raises:
        MixedOutputsError: The rows of an explanation explain different outputs.
    """
    import shap  # noqa: PLC0415  (the client and the service work without it)

    every = list(outputs.values())
    for found in every:
        _check_one_output(found.output)
    attributions = [found.attributions for found in every if found.attributions is not None]
    labels = list(map(str, outputs)) if several else None
    if attributed := _attributed(every, interactions=interactions):
        names, base = attributions[0].features, [each.base_value for each in attributions]
        values, labels = np.stack(attributed, axis=-1), labels or (names if interactions else None)
        data, shown = _plotted(attributions[0].data)
    else:
        base = [found.bias for found in every]
        neurons, values = _by_neuron(every, 0.0)
        data = shown = _by_neuron(every[:1], 0.0, neurons, activations=True)[1][:, :, 0]
        names = [f"bump {neuron}" for neuron in neurons]
        if any(found.is_partial for found in every):
            names.append("rest")
            rest = np.stack([found.rest for found in every], axis=1)
            values = np.concatenate([values, rest[:, None]], axis=1)
            data = shown = np.column_stack([data, rest[:, 0]])
    return shap.Explanation(
        values if several else values[..., 0],
        np.stack(base, axis=1) if several else base[0],
        data=data,
        display_data=shown,
        feature_names=names,
        output_names=labels,
    )


def _attributed(every: Sequence[Explanations], *, interactions: bool) -> list[Floats]:
    """Return the attributions of features in each explanation, or those of their pairs; an empty list without any."""
    found = [each.attributions for each in every if each.attributions is not None]
    if not interactions:
        return [each.values for each in found]
    pairs = [each.interactions for each in found if each.interactions is not None]
    if len(pairs) < len(every):
        raise NoInteractionsError(
            'the explanation has no interactions; request them with attributions="shapley", interactions=True'
        )
    return pairs


def _by_neuron(
    every: Sequence[Explanations],
    absent: float,
    neurons: Sequence[int] | None = None,
    *,
    activations: bool = False,
) -> tuple[list[int], Floats]:
    """Return the bumps of each neuron that some row shows.

    Args:
        every: Explanations of the same rows.
        absent: Value of a neuron in a row that does not show it.
        neurons: Indices of the neurons in ascending order; None for those that are shown.
        activations: True for the activations instead of the bumps.

    Returns:
        Indices of the neurons, and the values, [rows, neurons, explanations].
    """
    shown = np.unique(np.concatenate([found.neurons.ravel() for found in every])) if neurons is None else neurons
    result = np.full((len(every[0].neurons), len(shown), len(every)), absent)
    for place, found in enumerate(every):
        values = found.activations if activations else found.bumps
        np.put_along_axis(result[:, :, place], np.searchsorted(shown, found.neurons), values, axis=1)
    return [int(neuron) for neuron in shown], result


def _check_one_output(output: list[Any]) -> None:
    labels = list(dict.fromkeys(output))
    if len(labels) > 1:
        raise MixedOutputsError(
            f"the rows explain the outputs {', '.join(map(repr, labels))}, each row its predicted class; a plot of "
            "shap shows one output: pass output=..., or use explain_outputs, or explain fewer rows"
        )


def _plotted(data: NDArray[Any]) -> tuple[Floats, NDArray[Any]]:
    """Return the rows as numbers that give positions and colours, and as values to be shown.

    A category is its place among those of its column in alphabetical order, and a missing value is NaN.
    """
    numbers, shown = np.full(data.shape, np.nan), np.empty(data.shape, dtype=object)
    for place, column in enumerate(data.T):
        known = np.array([value is not None and value == value for value in column], dtype=bool)  # noqa: PLR0124  (NaN)
        if all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in column[known]):
            numbers[known, place] = column[known].astype(np.float64)
            shown[:, place] = numbers[:, place]
            continue
        shown[:, place] = [str(value) if there else MISSING for value, there in zip(column, known, strict=True)]
        numbers[known, place] = np.unique(shown[known, place].astype(str), return_inverse=True)[1]
    return numbers, shown

"""Results: what the answers say, as typed values with NumPy arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    import shap

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ModelVersion:
    """A version in the service's repository.

    Attributes:
        name: The model's name.
        version: The version's name.
        state: READY or UNAVAILABLE.
        reason: Why the file in the repository is not the one served; empty where it is.
    """

    name: str
    version: str
    state: str
    reason: str


@dataclass(frozen=True, eq=False)
class Attributions:
    """What each feature adds to the pre-activation: base_value + the sum of a row's values = its pre_activation.

    Attributes:
        method: The rule by which it is shared out.
        features: The features' names.
        values: float64 [rows, features].
        base_value: float64 [rows].
        data: The rows as they were sent, in the order of the features: object [rows, features].
    """

    method: str
    features: list[str]
    values: Floats
    base_value: Floats
    data: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Explanations:
    """Predictions and their exact explanations: bias + the sum of a row's bumps, and the rest, = its pre_activation.

    Attributes:
        predictions: What predict gives for the rows.
        output: The output explained for each row: a class label, or the name of a value; [rows].
        neurons: Which neuron each bump is of, int64 [rows, shown]: all, or the largest first where `top` was asked for.
        bumps: Their shares of the pre-activation, weight x activation, float64 [rows, shown].
        activations: Their activations, float64 [rows, shown].
        weights: Their weights towards the output explained, float64 [rows, shown].
        rest: What the neurons that are not shown add, float64 [rows]; 0 where all are.
        bias: The bias of the output explained, float64 [rows].
        pre_activation: The sum, float64 [rows].
        response: What the head makes of it: the regression value, the score or the probability; float64 [rows].
        slope: Of a dct head's output activation where the pre-activation stands, float64 [rows]; None of a linear head.
        probability_changes: What each bump adds to the probability, float64 [rows, shown]; None without probabilities.
        base_probability: The probability at the bias alone, float64 [rows]; None without probabilities.
        harmonics: The terms of each bump's series, float64 [rows, shown, Q]; None unless asked for.
        out_of_range: For each row the features outside their training range, where the row is an extrapolation.
        ranges: The training ranges of all features that any row leaves.
        attributions: What each feature adds; None unless asked for.
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

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas frame, one line a row: output, bias, bump_0, ..., pre_activation, response, out_of_range.

        With `top`, bumps that a row does not show are missing there, and a column `rest` has their sum.
        """
        import pandas as pd  # noqa: PLC0415  (the client works without it)

        neurons, values = self._by_neuron(np.nan)
        bumps = {f"bump_{neuron}": values[:, place] for place, neuron in enumerate(neurons)}
        if self._is_partial:
            bumps["rest"] = self.rest
        columns = {"output": self.output, "bias": self.bias, **bumps}
        columns |= {"pre_activation": self.pre_activation, "response": self.response}
        if self.attributions is not None:
            given = self.attributions.values
            columns |= {name: given[:, index] for index, name in enumerate(self.attributions.features)}
        return pd.DataFrame({**columns, "out_of_range": self.out_of_range})

    def to_shap(self) -> "shap.Explanation":
        """Return what the plots of shap draw: the features' attributions, or the bumps where none were asked for.

        With `top`, the rest is a bump of its own, and bumps that a row does not show are 0 there.
        """
        import shap  # noqa: PLC0415  (the client works without it)

        found = self.attributions
        if found is not None:
            return shap.Explanation(found.values, found.base_value, data=found.data, feature_names=found.features)
        neurons, values = self._by_neuron(0.0)
        _, data = self._by_neuron(0.0, self.activations)
        names = [f"bump {neuron}" for neuron in neurons]
        if self._is_partial:
            names.append("rest")
            values, data = (np.column_stack([each, self.rest]) for each in (values, data))
        return shap.Explanation(values, self.bias, data=data, feature_names=names)

    @property
    def _is_partial(self) -> bool:
        return bool(np.count_nonzero(self.rest))

    def _by_neuron(self, absent: float, numbers: Floats | None = None) -> tuple[list[int], Floats]:
        """Return the neurons that any row shows, and numbers of theirs (default: the bumps), [rows, neurons]."""
        neurons = np.unique(self.neurons)
        result = np.full((len(self.neurons), len(neurons)), absent)
        places = np.searchsorted(neurons, self.neurons)
        np.put_along_axis(result, places, self.bumps if numbers is None else numbers, axis=1)
        return neurons.tolist(), result


def explanations(answer: dict[str, Any], instances: Any) -> Explanations:  # noqa: ANN401  (rows of any kind)
    """Return a V1 explain answer as arrays; instances are the rows that were sent."""
    return _explanations(answer["predictions"], answer["explanations"], answer["explanations"], instances)


def explanations_of_outputs(answer: dict[str, Any], instances: Any) -> dict[Any, Explanations]:  # noqa: ANN401
    """Return a V1 explain answer about several outputs as arrays, by output."""
    flags = answer["explanations"]
    every = [
        _explanations(answer["predictions"], list(rows), flags, instances)
        for rows in zip(*(row["outputs"] for row in flags), strict=True)
    ]
    return {found.output[0]: found for found in every}


def _explanations(
    predictions: list[Any],
    rows: list[dict[str, Any]],
    flags: list[dict[str, Any]],
    instances: Any,  # noqa: ANN401
) -> Explanations:
    def of_rows(read: Callable[[dict[str, Any]], Any]) -> Floats:
        return np.array([read(row) for row in rows], dtype=np.float64)

    def of_bumps(field: str) -> Floats:
        return of_rows(lambda row: [bump[field] for bump in row["bumps"]])

    split = all("harmonics" in bump for row in rows for bump in row["bumps"])
    likely = all("base_probability" in row for row in rows)
    standing = all("output_activation" in row for row in rows)
    return Explanations(
        predictions=predictions,
        output=[row["output"] for row in rows],
        neurons=np.array([[bump["neuron"] for bump in row["bumps"]] for row in rows], dtype=np.int64),
        bumps=of_bumps("value"),
        activations=of_bumps("activation"),
        weights=of_bumps("weight"),
        rest=of_rows(lambda row: row["rest"]["value"] if "rest" in row else 0.0),
        bias=of_rows(itemgetter("bias")),
        pre_activation=of_rows(itemgetter("pre_activation")),
        response=of_rows(itemgetter("response")),
        slope=of_rows(lambda row: row["output_activation"]["slope"]) if standing else None,
        probability_changes=of_bumps("probability_change") if likely else None,
        base_probability=of_rows(itemgetter("base_probability")) if likely else None,
        harmonics=of_bumps("harmonics") if split else None,
        out_of_range=[tuple(row["out_of_range"]) for row in flags],
        ranges={name: (low, high) for row in flags for name, (low, high) in row.get("ranges", {}).items()},
        attributions=_attributions([row["attributions"] for row in rows if "attributions" in row], instances),
    )


def _attributions(rows: list[dict[str, Any]], instances: Any) -> Attributions | None:  # noqa: ANN401
    if not rows:
        return None
    features = list(rows[0]["values"])
    data = [[row[name] for name in features] if isinstance(row, dict) else list(row) for row in instances]
    return Attributions(
        method=rows[0]["method"],
        features=features,
        values=np.array([list(row["values"].values()) for row in rows], dtype=np.float64),
        base_value=np.array([row["base_value"] for row in rows], dtype=np.float64),
        data=np.array(data, dtype=object),
    )

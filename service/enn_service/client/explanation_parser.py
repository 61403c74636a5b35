"""Parser of explain responses, and the explanations of rows that several requests explain."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from enn_models.explanations.results import Attributions, Explanations, Floats, OutputExplanations


def explanations(response: dict[str, Any], instances: Any) -> Explanations:  # noqa: ANN401  (rows of any kind)
    """Convert a V1 explain response to arrays; `instances` are the rows that were sent."""
    return _explanations(response["predictions"], response["explanations"], response["explanations"], instances)


def explanations_of_outputs(response: dict[str, Any], instances: Any) -> OutputExplanations:  # noqa: ANN401
    """Convert a V1 explain response for several outputs to arrays, by output."""
    flags = response["explanations"]
    every = [
        _explanations(response["predictions"], list(rows), flags, instances)
        for rows in zip(*(row["outputs"] for row in flags), strict=True)
    ]
    return OutputExplanations({found.output[0]: found for found in every})


def join(parts: list[Explanations], index: Any) -> Explanations:  # noqa: ANN401  (a pandas index)
    """Join the explanations of successive ranges of rows.

    Args:
        parts: Explanations, at least one.
        index: Index of all rows; None if they have none.
    """
    return replace(_joined(parts), index=index)


def join_outputs(parts: list[OutputExplanations], index: Any) -> OutputExplanations:  # noqa: ANN401  (as above)
    """Join the explanations of successive ranges of rows, by output; arguments as in `join`."""
    return OutputExplanations({output: join([part[output] for part in parts], index) for output in parts[0]})


def _joined(parts: Any) -> Any:  # noqa: ANN401  (a field of explanations)
    """Join the values of a field over successive ranges of rows; those of a dataclass field by field."""
    first = parts[0]
    if len(parts) == 1 or first is None or isinstance(first, str):
        return first
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    if isinstance(first, list):
        return list(chain.from_iterable(parts))
    if isinstance(first, dict):
        return dict(chain.from_iterable(part.items() for part in parts))
    values = {name: _joined([getattr(part, name) for part in parts]) for name in first.__dataclass_fields__}
    return replace(first, **(values | ({"features": first.features} if isinstance(first, Attributions) else {})))


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
        stability=[row["stability"] for row in rows] if all("stability" in row for row in rows) else None,
        counterfactuals=[row["counterfactual"] for row in rows]
        if all("counterfactual" in row for row in rows)
        else None,
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
        interactions=_interactions(rows),
    )


def _interactions(rows: list[dict[str, Any]]) -> Floats | None:
    if not all("interactions" in row for row in rows):
        return None
    lines = [[list(line.values()) for line in row["interactions"].values()] for row in rows]
    return np.array(lines, dtype=np.float64)

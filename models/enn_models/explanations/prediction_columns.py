"""Columns of a frame for predictions as the V1 protocol has them, with their intervals or label sets."""

from typing import Any


def prediction_columns(predictions: list[Any]) -> dict[str, list[Any]]:
    """Return the column `prediction`, a label or a value, and those of its interval or set if it has one."""
    first = predictions[0] if predictions else None
    if not isinstance(first, dict):
        return _value_columns("prediction", predictions)
    columns: dict[str, list[Any]] = {}
    for field in ("label", "value", "lower", "upper"):
        if field in first:
            name = f"prediction_{field}" if field in ("lower", "upper") else "prediction"
            columns |= _value_columns(name, [each[field] for each in predictions])
    return columns | ({"prediction_set": [each["set"] for each in predictions]} if "set" in first else {})


def _value_columns(name: str, values: list[Any]) -> dict[str, list[Any]]:
    """Return values as a column, or as one column for each of several outputs."""
    if not values or not isinstance(values[0], list):
        return {name: values}
    return {f"{name}_{place}": list(each) for place, each in enumerate(zip(*values, strict=True))}

"""Words: what JSON holds for a feature besides numbers, which is the name of a category, true, false or null."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from enn_models.features import Feature

NUMBERS = {int, float}
MAX_SHOWN = 10
MAX_LETTERS = 60


def value_decoder(feature: Feature, *, tensor: bool) -> Callable[[Any], Any]:
    """Return what turns a JSON value of a feature into the number that the graph takes, and what is none into None.

    A number is the index of a category, unless names of its feature read as numbers: which of the two is meant is
    then not guessed, and the name is asked for as a text. In a tensor numbers are indices always.

    Args:
        feature: The feature.
        tensor: Whether the value stands in a tensor, which holds numbers and null alone.
    """
    words: dict[Any, float] = {None: float("nan")} if feature.missing else {}
    kept = NUMBERS
    if not tensor and feature.kind == "categorical":
        words |= feature.codes
        kept = set() if feature.has_numeric_names else NUMBERS
    if not tensor and feature.kind == "boolean":
        words |= {False: 0.0, True: 1.0}

    def read(value: Any) -> Any:  # noqa: ANN401  (JSON from outside)
        if type(value) in kept:
            return value
        return words.get(value) if value is None or type(value) in (str, bool) else None

    return read


def encode_value(feature: Feature, value: float) -> Any:  # noqa: ANN401  (any JSON)
    """Return the JSON value that `reader` turns into this float32 value: a number has no more digits than it needs."""
    if math.isnan(value):
        return None
    if feature.kind == "categorical":
        return feature.categories[int(value)]
    return bool(value) if feature.kind == "boolean" else float(str(np.float32(value)))


def describe_expected(feature: Feature, *, tensor: bool) -> str:
    """Return what a value of a feature may be, for messages."""
    what = "a number"
    if not tensor and feature.kind == "boolean":
        what = "true or false"
    if not tensor and feature.kind == "categorical":
        shown = [repr(category[:MAX_LETTERS]) for category in feature.categories[:MAX_SHOWN]]
        what = f"a text, one of {', '.join(shown)}" + (", ..." if len(feature.categories) > MAX_SHOWN else "")
    return f"{what}, or null" if feature.missing else what

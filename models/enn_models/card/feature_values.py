"""Conversion between the JSON values of a feature (number, category name, boolean, null) and its codes."""

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from enn_models.card.features import Feature
from enn_models.card.unknown_values import UNSEEN

Unknown = Literal["refuse", "mark", "accept"]
"""Treatment of names that are not known, and of missing values where training rows had none."""

NUMBERS = {int, float}
"""Python types of JSON numbers; `bool` is not among them."""
MAX_CATEGORIES = 10
"""Maximum number of categories listed in an error message."""
MAX_CATEGORY_LENGTH = 60
"""Maximum number of characters of a category shown in an error message."""


def value_decoder(feature: Feature, *, tensor: bool, unknown: Unknown = "refuse") -> Callable[[Any], Any]:
    """Return a function that converts a JSON value of a feature to its code, and an invalid value to None.

    A number is the index of a category, unless the name of a category reads as a number ("1"): a number would then be
    ambiguous, so only names are valid. In a tensor numbers are always indices. A name that is not known is the category
    for other names, if the feature has one.

    Args:
        feature: Feature of the values.
        tensor: True if the values come from a tensor, which contains only numbers and null.
        unknown: "mark" for the code `UNSEEN` of a name that counts as another one, "accept" for this code of every name
            that is not known and for NaN of every missing value.
    """
    codes: dict[Any, float] = {None: float("nan")} if feature.missing or unknown == "accept" else {}
    accepted_numbers, other = NUMBERS, None
    if not tensor and feature.kind == "categorical":
        codes |= feature.codes
        other = None if feature.other is None else feature.codes[feature.other]
        if unknown == "accept" or (unknown == "mark" and other is not None):
            other = UNSEEN
        accepted_numbers = set() if feature.has_numeric_names else NUMBERS
    if not tensor and feature.kind == "boolean":
        codes |= {False: 0.0, True: 1.0}

    def decode(value: Any) -> Any:  # noqa: ANN401  (JSON from outside)
        if type(value) in accepted_numbers:
            return value
        # Lists and objects are not hashable, and a number equals a boolean: only these types are looked up.
        if type(value) is str:
            return codes.get(value, other)
        return codes.get(value) if value is None or type(value) is bool else None

    return decode


def encode_value(feature: Feature, value: float) -> Any:  # noqa: ANN401  (any JSON)
    """Convert a float32 code to the JSON value that `value_decoder` maps to it; numbers have the fewest digits.

    Args:
        feature: Feature of the value.
        value: Code of the value; NaN for a missing one.
    """
    if math.isnan(value):
        return None
    if feature.kind == "categorical":
        return feature.categories[int(value)]
    return bool(value) if feature.kind == "boolean" else float(str(np.float32(value)))


def describe_expected(feature: Feature, *, tensor: bool) -> str:
    """Describe the valid values of a feature for an error message.

    Args:
        feature: Feature to describe.
        tensor: True if the value comes from a tensor, which contains only numbers and null.
    """
    expected = "a number"
    if not tensor and feature.kind == "boolean":
        expected = "true or false"
    if not tensor and feature.kind == "categorical":
        names = [repr(category[:MAX_CATEGORY_LENGTH]) for category in feature.categories[:MAX_CATEGORIES]]
        more = ", ..." if len(feature.categories) > MAX_CATEGORIES else ""
        expected = f"a string, one of {', '.join(names)}{more}" if feature.other is None else "a string"
    return f"{expected}, or null" if feature.missing else expected

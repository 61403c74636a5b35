"""Names of the output units of a model: class labels, or names of values."""

import json
from collections.abc import Sequence
from typing import Any


def output_names(classes: Sequence[Any] | None, units: int) -> list[Any]:
    """Return the name of each output unit: a class label (of two classes the second), or the name of a value.

    Args:
        classes: Class labels; None for a regression.
        units: Number of output units.
    """
    if classes is None:
        return ["value"] if units == 1 else [f"value_{unit}" for unit in range(units)]
    return [classes[1]] if units == 1 else list(classes)


def index_by_name(names: Sequence[Any]) -> dict[str, int]:
    """Return the index of each name as `str` writes it, and as JSON does (true) unless that is another name."""
    indices = {str(name): index for index, name in enumerate(names)}
    return {json.dumps(name, ensure_ascii=False): index for index, name in enumerate(names)} | indices

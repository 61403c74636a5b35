"""Weights of classes: factors of the weights of their rows, by label or balanced."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from enn_training.data.dataset import Split
from enn_training.errors import OptionError
from enn_training.learned_model import Label

ClassWeight = Mapping[Any, float] | Literal["balanced"] | None
"""Factor of each class by label, others 1; or "balanced", inversely proportional to the rows of the classes."""


def class_factors(
    class_weight: ClassWeight, classes: tuple[Label, ...] | None, training: Split
) -> tuple[float, ...] | None:
    """Return the factor of each class; None if no class has one.

    Args:
        class_weight: Factors, as a user states them.
        classes: Labels of the class indices; None for a regression.
        training: Training rows; "balanced" gives every class the same sum of weights.

    Raises:
        OptionError: A label is unknown, a factor is no number above 0, or there are no classes.
    """
    if class_weight is None:
        return None
    if classes is None:
        raise OptionError("class_weight: the target is a value, not a class; leave the option out")
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise OptionError(f"class_weight {class_weight!r}: expected 'balanced' or a factor for each label")
        sums = np.bincount(training.y.astype(np.int64), training.weight, minlength=len(classes))
        return tuple((sums.sum() / (len(classes) * np.maximum(sums, 1e-300))).tolist())
    places = {label: place for place, label in enumerate(classes)}
    factors = [1.0] * len(classes)
    for label, factor in class_weight.items():
        if label not in places:
            known = ", ".join(map(repr, classes))
            raise OptionError(f"class_weight: {label!r} is no class; expected one of {known}")
        if not (isinstance(factor, int | float | np.number) and 0.0 < factor < np.inf):
            raise OptionError(f"class_weight of {label!r}: {factor!r}; expected a number above 0")
        factors[places[label]] = float(factor)
    return tuple(factors)


def weight_record(training: Split, factors: tuple[float, ...] | None) -> dict[str, Any]:
    """Return the entries of a training record that say how rows were weighted."""
    weighted = {} if training.weight is None else {"weighted": True}
    return weighted | ({} if factors is None else {"class_weight": list(factors)})

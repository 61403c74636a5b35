"""Options of the learner as parameters of the estimator, as in `learner__decay`."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, Self

from sklearn.base import BaseEstimator

from enn_training.errors import OptionError
from enn_training.learners.base import Learner

PREFIX = "learner__"


class NestedOptionsMixin(BaseEstimator):
    """Get and set the fields of the learner under their names after `learner__`.

    A learner that is named, such as "adam", becomes an object with its options when one of them is set.
    """

    learner: Any
    _learner: Callable[[], Learner]

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - scikit-learn's interface
        """Return the parameters by name, and if deep those of a learner object."""
        params = super().get_params(deep=deep)
        if deep and is_dataclass(self.learner):
            params |= {f"{PREFIX}{field.name}": getattr(self.learner, field.name) for field in fields(self.learner)}
        return params

    def set_params(self, **params: object) -> Self:
        """Set parameters, and those of the learner under `learner__` after a new learner.

        Raises:
            OptionError: The learner has no such option, or the value is out of its range.
        """
        nested = {name.removeprefix(PREFIX): params.pop(name) for name in [*params] if name.startswith(PREFIX)}
        super().set_params(**params)
        if nested:
            learner = self._learner()
            known = [field.name for field in fields(learner)] if is_dataclass(learner) else []
            if unknown := [name for name in nested if name not in known]:
                raise OptionError(f"{PREFIX}{unknown[0]}: expected one of {', '.join(known) or 'no option'}")
            self.learner = replace(learner, **nested)  # pyright: ignore[reportArgumentType]
        return self

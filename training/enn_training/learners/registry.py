"""Registry of learners: the command line and the estimators find a learner, its options and its defaults here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from enn_training.errors import OptionError
from enn_training.learners.base import Learner

LearnerName = Literal["auto", "auto-adam", "adam", "lms", "lm"]
"""Names of the learners that an estimator accepts."""


@dataclass(frozen=True)
class LearnerSpec:
    """Describe one learner.

    Attributes:
        name: Name in `--learner` and in the estimators' argument `learner`.
        description: One line for `--help`.
        load: Function that imports and returns the class, so that `--help` need not import torch or numba.
        options: Keyword arguments of the class that callers may set.
        holds_out_rows: True if the learner splits off validation rows itself and trains on all rows it is given.
        table_defaults: Option values for tables that differ from the class's own defaults.
    """

    name: str
    description: str
    load: Callable[[], type[Learner]]
    options: tuple[str, ...]
    holds_out_rows: bool = False
    table_defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def create(self, options: Mapping[str, Any]) -> Learner:
        """Return a learner with these options; the others keep their defaults.

        Raises:
            OptionError: An option is out of its range, or the learner does not have it.
        """
        for name in options:
            if name not in self.options:
                accepted = ", ".join(self.options) or "no options"
                raise OptionError(f"{name} does not belong to learner {self.name!r}; expected {accepted}")
        return self.load()(**options)


def _load_auto() -> type[Learner]:
    from enn_training.learners.auto import Auto

    return Auto


def _load_auto_adam() -> type[Learner]:
    from enn_training.learners.auto_adam import AutoAdam

    return AutoAdam


def _load_adam() -> type[Learner]:
    from enn_training.learners.adam import Adam

    return Adam


def _load_lms() -> type[Learner]:
    from enn_training.learners.lms import LMS

    return LMS


def _load_levenberg_marquardt() -> type[Learner]:
    from enn_training.learners.levenberg_marquardt.learner import LevenbergMarquardt

    return LevenbergMarquardt


def _index(*specs: LearnerSpec) -> dict[str, LearnerSpec]:
    return {spec.name: spec for spec in specs}


# The table defaults were the best or nearly the best of decay 0.1 and 1 on breast-cancer, wine, iris, digits and
# diabetes, four splits each: a nearly linear start and a strong decay.
LEARNERS: dict[str, LearnerSpec] = _index(
    LearnerSpec(
        "lm",
        "Levenberg-Marquardt steps from many initial networks",
        _load_levenberg_marquardt,
        options=("starts", "spread"),
    ),
    LearnerSpec(
        "lms",
        "the authors' least mean squares, one sample at a time",
        _load_lms,
        options=("passes", "spread", "pace", "max_time"),
        table_defaults={"spread": 0.25},
    ),
    LearnerSpec(
        "adam",
        "AdamW with one cycle of the learning rate",
        _load_adam,
        options=("passes", "spread", "decay", "max_time"),
        table_defaults={"spread": 0.25, "decay": 1.0},
    ),
    LearnerSpec(
        "auto",
        "for tables: second-order steps, or AdamW for large networks, chosen by cross-validation",
        _load_auto,
        options=("hidden", "max_time"),
        holds_out_rows=True,
    ),
    LearnerSpec(
        "auto-adam",
        "AdamW with size, penalties and steps chosen by cross-validation",
        _load_auto_adam,
        options=("passes", "hidden", "max_time"),
        holds_out_rows=True,
    ),
)


def find_learner(name: str) -> LearnerSpec:
    """Return the specification of a registered learner.

    Raises:
        OptionError: No learner has this name.
    """
    if name not in LEARNERS:
        raise OptionError(f"learner {name!r}: expected one of {', '.join(LEARNERS)}")
    return LEARNERS[name]


def holds_out_rows(learner: Learner) -> bool:
    """Return True if a learner's class is registered as one that splits off validation rows itself."""
    return any(spec.holds_out_rows and isinstance(learner, spec.load()) for spec in LEARNERS.values())

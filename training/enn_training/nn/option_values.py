"""Checks of option values: numbers of NumPy become those of Python, which JSON can hold, and others are refused."""

import math
from collections.abc import Callable, Sequence
from numbers import Integral, Real

from enn_training.errors import OptionError

POSITIVE, FROM_ZERO = "a positive number", "a number of at least 0"
Check = Callable[[str, object], int | float]
"""Function from the name and the value of an option to the checked value."""


def check_options(holder: object, check: Check, *, required: Sequence[str] = (), optional: Sequence[str] = ()) -> None:
    """Replace options of a frozen dataclass by their checked values.

    Args:
        holder: Dataclass with an attribute for each option.
        check: Check of each value.
        required: Names of options that have a value.
        optional: Names of options that can be None.
    """
    for name in (*required, *optional):
        value = getattr(holder, name)
        if value is not None or name in required:
            object.__setattr__(holder, name, check(name, value))


def whole_number(name: str, value: object) -> int:
    """Return a whole number; raise OptionError for another value."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise OptionError(f"{name} {_shown(value)}: expected a whole number")
    return int(value)


def positive_whole_number(name: str, value: object) -> int:
    """Return a whole number of at least 1; raise OptionError for another value."""
    if (number := whole_number(name, value)) < 1:
        raise OptionError(f"{name} {number}: expected {POSITIVE}")
    return number


def whole_number_from_zero(name: str, value: object) -> int:
    """Return a whole number of at least 0; raise OptionError for another value."""
    if (number := whole_number(name, value)) < 0:
        raise OptionError(f"{name} {number}: expected {FROM_ZERO}")
    return number


def positive_number(name: str, value: object) -> int | float:
    """Return a finite number above 0; raise OptionError for another value."""
    if (number := _real(name, value, POSITIVE)) <= 0:
        raise OptionError(f"{name} {number}: expected {POSITIVE}")
    return number


def number_from_zero(name: str, value: object) -> int | float:
    """Return a finite number of at least 0; raise OptionError for another value."""
    if (number := _real(name, value, FROM_ZERO)) < 0:
        raise OptionError(f"{name} {number}: expected {FROM_ZERO}")
    return number


def _real(name: str, value: object, expected: str) -> int | float:
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
        raise OptionError(f"{name} {_shown(value)}: expected {expected}")
    return int(value) if isinstance(value, Integral) else float(value)


def _shown(value: object) -> str:
    """Return the value as its user wrote it: a number of NumPy shows its type in `repr`."""
    return str(value) if isinstance(value, Real) else repr(value)

"""Columns: what each raw column of a data set is, before anything is learned from it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Column:
    """One raw column.

    Attributes:
        name: Its name.
        kind: Numbers, codes of categories, or 0 for false and 1 for true.
        categories: The texts that the codes 0, 1, ... of a categorical column stand for.
        missing: Whether values may be missing, NaN.
    """

    name: str
    kind: Literal["numeric", "categorical", "boolean"] = "numeric"
    categories: tuple[str, ...] = ()
    missing: bool = False

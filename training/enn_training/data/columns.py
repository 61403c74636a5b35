"""Column: name, kind and categories of a raw column of a data set."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Column:
    """Describe one raw column.

    Attributes:
        name: Name of the column.
        kind: "numeric" for numbers, "categorical" for codes of categories, "boolean" for 0 (false) and 1 (true).
        categories: Texts of the codes 0, 1, ... of a categorical column.
        missing: True if values can be missing (NaN).
    """

    name: str
    kind: Literal["numeric", "categorical", "boolean"] = "numeric"
    categories: tuple[str, ...] = ()
    missing: bool = False

"""Column: name, kind and categories of a raw column of a data set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

MAX_CATEGORIES = 50
"""Most categories of a column; of more, the rare ones are pooled."""
OTHER = "other"
"""Name of the category that stands for the pooled ones."""


@dataclass(frozen=True)
class Column:
    """Describe one raw column.

    Attributes:
        name: Name of the column.
        kind: "numeric" for numbers, "categorical" for codes of categories, "boolean" for 0 (false) and 1 (true).
        categories: Texts of the codes 0, 1, ... of a categorical column.
        missing: True if values can be missing (NaN).
        other: Category that stands for all texts that are not among the categories; None without.
        ordered: True if the categories have an order, and their codes are numbers for the network.
    """

    name: str
    kind: Literal["numeric", "categorical", "boolean"] = "numeric"
    categories: tuple[str, ...] = ()
    missing: bool = False
    other: str | None = None
    ordered: bool = False


def pool(categories: Sequence[str], counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return the most frequent categories in their order, and last the category of all others.

    Args:
        categories: More texts than a column can have.
        counts: Number of rows of each text.
    """
    ranked = sorted((text for text in categories if text != OTHER), key=lambda text: -counts[text])
    kept = set(ranked[: MAX_CATEGORIES - 1])
    return (*(text for text in categories if text in kept), OTHER)


def describe_pool(column: Column, counts: Mapping[str, int]) -> str:
    """Return a sentence about the pooled categories of a column; counts as in `pool`."""
    rare = [count for text, count in counts.items() if text == column.other or text not in column.categories]
    return f"{len(rare)} of {len(counts)} categories, in {sum(rare)} row(s), are pooled as {column.other!r}"

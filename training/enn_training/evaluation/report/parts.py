"""Parts of a report: sections with sentences, tables and figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Table:
    """Hold a table of texts; the first cell of a row names the row.

    Attributes:
        caption: Title of the table.
        header: Names of the columns.
        rows: Cells of each row.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """Hold a section of the page.

    Attributes:
        title: Heading.
        text: Sentences below the heading.
        tables: Tables of the section.
        figures: Figures as SVG.
    """

    title: str
    text: str = ""
    tables: Sequence[Table] = ()
    figures: Sequence[Markup] = ()


def number(value: float) -> str:
    """Return a number with four significant digits."""
    return f"{value:.4g}"

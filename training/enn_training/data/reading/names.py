"""Names of the columns of a table: blank and repeated ones get a name, or the column is left out."""

import warnings
from collections.abc import Sequence

import pandas as pd

from enn_training.errors import TableWarning


def name_columns(frame: pd.DataFrame, header: Sequence[str]) -> tuple[pd.DataFrame, dict[int, str]]:
    """Return the columns of a frame that are not left out, and the name of each by its place in the header.

    A warning states which column is left out or gets another name than in the header.

    Args:
        frame: All columns.
        header: Name of each column; empty if it has none.
    """
    names = dict[int, str]()
    for place, name in enumerate(header):
        title, values = f"column {place + 1}", frame.iloc[:, place]
        if name.strip():
            found = _repeated_name(frame, place, name, names)
        elif values.isna().all():
            _warn(f"{title} is left out: it has neither a name nor a value")
            continue
        elif place == 0 and values.is_unique and values.notna().all():
            _warn(
                f"{title} is left out: it has no name and different values, as the names or numbers of rows have;"
                " give it a name in the header to learn from it"
            )
            continue
        else:
            _warn(f"{title} has no name in the header and is called {title!r}")
            found = title
        if found:
            names[place] = found
    return frame.iloc[:, list(names)], names


def _repeated_name(frame: pd.DataFrame, place: int, name: str, names: dict[int, str]) -> str:
    """Return the name of a column, another one if an earlier column has it; empty for a copy of that column."""
    earlier = next((each for each, taken in names.items() if taken == name), None)
    if earlier is None:
        return name
    if frame.iloc[:, place].equals(frame.iloc[:, earlier]):
        _warn(f"column {place + 1} is left out: it has the name {name!r} and the values of column {earlier + 1}")
        return ""
    found = f"{name} ({place + 1})"
    _warn(f"column {place + 1} has the name {name!r} of column {earlier + 1} and is called {found!r}")
    return found


def _warn(text: str) -> None:
    warnings.warn(text, TableWarning, stacklevel=7)

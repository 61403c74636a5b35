"""Rows of Arrow columns as the numbers that a model takes, and the service's words for the rows that it refuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from enn_models.card import Card
from enn_models.card.feature_values import value_decoder
from enn_models.card.features import Feature
from enn_service.errors import InvalidRequestError
from enn_service.runtime.model import ServedModel
from enn_service.runtime.row_parser import parse_rows

FIELD = "instances"
"""Name of the rows in a request of the V1 protocol, so that a refusal has the words of the service."""
WORDS = {
    word: value for value, words in ((True, "true yes y t 1"), (False, "false no n f 0")) for word in words.split()
}
"""Booleans by the texts, in lower case, that stand for them in a CSV file."""
Numbers = NDArray[np.float32 | np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a file.

    Attributes:
        batch: Columns by name: at least the features of the model and the columns to keep.
        missing: Texts that stand for a missing value if texts have to be read, as in CSV; None if values have types.
        broken: Fault of each row that is not as long as the header, by its index.
    """

    batch: pa.RecordBatch
    missing: frozenset[str] | None = None
    broken: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.batch.num_rows

    def piece(self, start: int, rows: int) -> "Rows":
        """Return some of the rows.

        Args:
            start: Index of the first of them.
            rows: Maximum number of them.
        """
        broken = {row - start: fault for row, fault in self.broken.items() if start <= row < start + rows}
        return Rows(self.batch.slice(start, rows), self.missing, broken)


def check_columns(card: Card, names: Sequence[str]) -> None:
    """Check that a file has each feature of a model once; other columns may be there.

    Raises:
        InvalidRequestError: A feature is missing, or a column exists twice.
    """
    if twice := [name for name in names if names.count(name) > 1]:
        raise InvalidRequestError(f"the column {twice[0]!r} exists {names.count(twice[0])} times; expected once")
    known = set(card.feature_names)
    if not known <= set(names):
        parse_rows(card, [{name: 0 for name in names if name in known}], FIELD)


def read_numbers(model: ServedModel, rows: Rows) -> tuple[Numbers, Mask]:
    """Return rows as numbers [rows, features] with NaN for missing values, and a mask of the rows to refuse.

    Args:
        model: Model that takes the rows.
        rows: Rows of a file.
    """
    card = model.card
    columns = [rows.batch.column(name) for name in card.feature_names]
    small = all(pa.types.is_float32(column.type) for column in columns)
    numbers = np.empty((len(rows), len(columns)), np.float32 if small else np.float64)
    refused = np.zeros(len(rows), np.bool_)
    refused[list(rows.broken)] = True
    for place, (feature, column) in enumerate(zip(card.features, columns, strict=True)):
        if feature.kind == "numeric" and _is_number(column.type):
            numbers[:, place] = _to_float(column)
            if not feature.missing:
                refused |= np.isnan(numbers[:, place])
        else:
            numbers[:, place], wrong = _read_coded(feature, column, rows.missing)
            refused |= wrong
    refused |= ~model.range_check.accepted_rows(numbers)
    return numbers, refused


def refusal(model: ServedModel, rows: Rows, row: int, first: int) -> str:
    """Return the service's words for a row that `read_numbers` refuses.

    Args:
        model: Model that refuses the row.
        rows: Rows of the file.
        row: Index of the row among them.
        first: Index of the first of them in the file.
    """
    if row in rows.broken:
        return f"{FIELD}[{first + row}]: {rows.broken[row]}"
    card = model.card
    values = [
        json_value(feature, rows.batch.column(feature.name)[row].as_py(), rows.missing) for feature in card.features
    ]
    try:
        model.range_check.validate(parse_rows(card, [values], FIELD, first=first + row), FIELD, first + row)
    except InvalidRequestError as error:
        return str(error)
    raise AssertionError(f"{FIELD}[{first + row}] is refused without a reason: {values}")


def json_value(feature: Feature, value: Any, missing: frozenset[str] | None) -> Any:  # noqa: ANN401  (a cell)
    """Return a cell as the JSON value that a client would send.

    Args:
        feature: Feature of the cell.
        value: Value of the cell.
        missing: Texts that stand for a missing value; None if texts are not read.
    """
    if value is None or value != value:  # noqa: PLR0124  (NaN)
        return None
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, str):
        return value if missing is None else _read_text(feature, value, missing)
    if not isinstance(value, bool | int | float):
        return str(value)
    if feature.kind == "categorical" and not isinstance(value, bool):
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return value


def _read_text(feature: Feature, text: str, missing: frozenset[str]) -> Any:  # noqa: ANN401  (any JSON)
    """Return the text of a cell as a JSON value; a text that cannot be read stays a text, which is refused."""
    if feature.kind == "categorical":
        return None if text in missing and text not in feature.codes else text
    stripped = text.strip()
    if stripped in missing:
        return None
    if feature.kind == "boolean":
        return WORDS.get(stripped.lower(), text)
    try:
        return float(stripped) if stripped.isascii() and "_" not in stripped else text
    except ValueError:
        return text


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)


def _to_float(column: pa.Array) -> Numbers:
    """Return a column of numbers with NaN for missing values."""
    if not pa.types.is_float32(column.type):
        column = column.cast(pa.float64(), safe=False)  # integers beyond 2^53 are rounded, as JSON numbers are
    return column.to_numpy(zero_copy_only=False)


def _read_coded(feature: Feature, column: pa.Array, missing: frozenset[str] | None) -> tuple[Numbers, Mask]:
    """Return the code of each value, and a mask of the values that have none; each different value is read once."""
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    decode = value_decoder(feature, tensor=False)
    values = [*encoded.dictionary.to_pylist(), None]
    codes = [decode(json_value(feature, value, missing)) for value in values]
    places = encoded.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False)
    found = np.array([np.nan if code is None else code for code in codes], dtype=np.float64)
    wrong = np.array([code is None for code in codes], dtype=np.bool_)
    return found[places], wrong[places]

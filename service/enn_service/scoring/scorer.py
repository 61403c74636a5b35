"""Scorer: from some rows of a file to their answers, without the file; several threads may use one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from enn_service.errors import InvalidRequestError
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import all_finite
from enn_service.scoring.answers import Answers, Columns, ScoreOptions
from enn_service.scoring.rows import FIELD, Rows, read_numbers, refusal

ERROR = "error"
"""Name of the column with the reason of a row that is marked."""
NUMBERS_AT_ONCE = 2**20
"""Number of values of rows and answers that one thread holds at once."""
MAX_ROWS_AT_ONCE = 2**16


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Answers to some rows of a file.

    Attributes:
        table: Kept columns and answers; the answers of refused rows are null.
        refused: Indices of the refused rows.
        reason: Function from a refused row and the index of the first row in the file to the words of the refusal.
    """

    table: pa.Table
    refused: Sequence[int]
    reason: Callable[[int, int], str]

    def finish(self, first: int, *, mark: bool) -> pa.Table:
        """Return the answers.

        Args:
            first: Index of the first row in the file.
            mark: True to give the reasons in a column `error`.

        Raises:
            InvalidRequestError: A row is refused, and not marked.
        """
        if not mark:
            if self.refused:
                raise InvalidRequestError(self.reason(self.refused[0], first))
            return self.table
        reasons: list[str | None] = [None] * self.table.num_rows
        for row in self.refused:
            reasons[row] = self.reason(row, first)
        return self.table.append_column(ERROR, pa.array(reasons, pa.string()))


class Scorer:
    """Answer rows of files with one model.

    Args:
        model: Model that answers.
        options: Answers besides the prediction.
        keep: Names of the columns that are copied from the file.

    Attributes:
        model: Model that answers.
        options: Answers besides the prediction.
        keep: Names of the columns that are copied from the file.
        rows_at_once: Number of rows to score at once.

    Raises:
        InvalidRequestError: The model has no such answer, or a column to keep has the name of an answer.
    """

    def __init__(self, model: ServedModel, options: ScoreOptions, keep: Sequence[str] = ()) -> None:
        self.model, self.options, self.keep = model, options, tuple(keep)
        self._answers = Answers(model, options)
        self.rows_at_once = max(1, min(MAX_ROWS_AT_ONCE, NUMBERS_AT_ONCE // (model.features + self._answers.numbers)))
        golden = np.array(model.card.golden.inputs[:1], np.float32)
        self._none = {name: column.slice(0, 0) for name, column in self._answer(golden).items()}
        if both := {*self._none, ERROR} & set(self.keep):
            raise InvalidRequestError(f"--keep {min(both)!r}: a column of the answer has this name")

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns to read: features and kept ones."""
        return tuple(dict.fromkeys((*self.model.card.feature_names, *self.keep)))

    def schema(self, kept: Mapping[str, pa.DataType], *, mark: bool) -> pa.Schema:
        """Return the names and types of the columns of `ScoredRows.finish`.

        Args:
            kept: Types of the columns to keep.
            mark: True to give the reasons of refused rows.
        """
        kinds = dict(kept) | {name: column.type for name, column in self._none.items()}
        return pa.schema(list((kinds | ({ERROR: pa.string()} if mark else {})).items()))

    def score(self, rows: Rows) -> ScoredRows:
        """Return the answers to some rows.

        Args:
            rows: Rows of a file.

        Raises:
            ArithmeticError: A value is not finite.
        """
        parts = [
            self._score_piece(rows.piece(start, self.rows_at_once))
            for start in range(0, max(1, len(rows)), self.rows_at_once)
        ]
        if len(parts) == 1:
            table, refused = parts[0]
        else:
            table = pa.concat_tables([part for part, _ in parts]).combine_chunks()
            refused = [at * self.rows_at_once + row for at, (_, found) in enumerate(parts) for row in found]
        return ScoredRows(table, refused, lambda row, first: refusal(self.model, rows, row, first))

    def _score_piece(self, rows: Rows) -> tuple[pa.Table, list[int]]:
        """Return kept columns and answers, and the indices of the refused rows."""
        numbers, wrong = read_numbers(self.model, rows)
        refused = np.flatnonzero(wrong)
        answers = self._answer(numbers[~wrong] if len(refused) else numbers)
        if len(refused):
            places = np.cumsum(~wrong) - 1
            chosen = pa.array(places, mask=wrong)
            answers = {name: column.take(chosen) for name, column in answers.items()}
        return pa.table({name: rows.batch.column(name) for name in self.keep} | answers), refused.tolist()

    def _answer(self, numbers: np.ndarray) -> Columns:
        """Return the columns of the answers to valid rows."""
        if not len(numbers):
            return self._none
        model = self.model
        array, outside = model.range_check.validate(numbers, FIELD)
        tensors = model.session.run(array, self._answers.tensors)
        if not all(map(all_finite, tensors)):
            names = ", ".join(self._answers.tensors)
            raise ArithmeticError(f"{model.name}/{model.version}: not all of {names} is finite for finite rows")
        return self._answers.columns(array, outside, tensors)

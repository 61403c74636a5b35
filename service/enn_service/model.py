"""A served model: a package whose golden vector this process's runtime has reproduced."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from math import prod
from operator import ge, le
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enn_models import repository
from enn_models.card import Card
from enn_models.errors import InvalidModelError
from enn_models.features import Feature
from enn_models.network import Network
from enn_models.package import open_package, verify
from enn_models.signature import Verify
from enn_service.errors import InvalidRequestError
from enn_service.explanations import Explanations
from enn_service.results import Outside, Results
from enn_service.session import Array, Session
from enn_service.words import NUMBERS

MAX_RANGES = 1000
"""Further out float32 cannot tell where in a period an input is (docs/decisions/exactness.md)."""
FEW = 16
"""So few values are compared faster as Python's own numbers."""
LONG = 256
"""So many rows are compared with their ranges faster feature by feature."""


@dataclass(frozen=True, eq=False)
class Model:
    """One version of one model, ready to answer.

    Attributes:
        name: The model's name.
        version: The version's name.
        card: What the model says about itself.
        network: The float64 oracle of the model.
        session: The model in the runtime.
        digest: SHA-256 of its file, hexadecimal.
        minimum: Lower ends of the training ranges, or the lowest codes, float32 [features].
        maximum: Upper ends of the training ranges, or the highest codes, float32 [features].
        ends: Those two for so many rows, float32 [LONG, features]: arrays of one shape are compared faster.
        lowest: How low a value may be, float32 [features].
        highest: How high a value may be, float32 [features].
        coded: Indices of the features that are codes of categories or booleans.
        missing: Whether a value may be missing, bool [features].
        results: How its predictions are told.
        explanations: How its explanations are told.
        parameters: How many parameters the network has.
        shapes: The shape of everything it gives, by name, the batch as -1; all of it is float32.
        sizes: How many numbers of each there are in a row.
        usual: Minimum and maximum of each feature; none where a value may be a word, a code or missing.
    """

    name: str
    version: str
    card: Card
    network: Network
    session: Session
    digest: str
    minimum: Array = field(init=False)
    maximum: Array = field(init=False)
    ends: tuple[Array, Array] = field(init=False)
    lowest: Array = field(init=False)
    highest: Array = field(init=False)
    coded: NDArray[np.intp] = field(init=False)
    missing: NDArray[np.bool_] = field(init=False)
    results: Results = field(init=False)
    explanations: Explanations = field(init=False)
    parameters: int = field(init=False)
    shapes: dict[str, list[int]] = field(init=False)
    sizes: dict[str, int] = field(init=False)
    usual: list[tuple[float, float]] = field(init=False)

    def __post_init__(self) -> None:
        """Lay the training ranges out as arrays, and make the templates of answers."""
        features = self.card.features
        for end in ("minimum", "maximum"):
            values = np.array([getattr(feature, end) for feature in features], dtype=np.float32)
            object.__setattr__(self, end, values)
        usual = [] if self.card.worded else [*zip(self.minimum.tolist(), self.maximum.tolist(), strict=True)]
        object.__setattr__(self, "usual", usual)
        ends = np.tile(self.minimum, (LONG, 1)), np.tile(self.maximum, (LONG, 1))
        object.__setattr__(self, "ends", ends)
        numeric = np.array([feature.kind == "numeric" for feature in features])
        reach = np.where(numeric, MAX_RANGES * (self.maximum - self.minimum), np.float32(0))
        object.__setattr__(self, "lowest", self.minimum - reach)
        object.__setattr__(self, "highest", self.maximum + reach)
        object.__setattr__(self, "coded", np.flatnonzero(~numeric))
        object.__setattr__(self, "missing", np.array([feature.missing for feature in features]))
        object.__setattr__(self, "results", Results(self.card))
        object.__setattr__(self, "explanations", Explanations(self.card, self.network, self.results))
        object.__setattr__(self, "parameters", self.network.parameters)
        object.__setattr__(self, "shapes", {name: self._shape(name) for name in self.session.outputs})
        object.__setattr__(self, "sizes", {name: -prod(shape) for name, shape in self.shapes.items()})

    def _shape(self, name: str) -> list[int]:
        bumps = [-1, self.network.units, self.card.layers[-2]]
        shapes = {"output": [-1, self.network.outputs], "bumps": bumps, "pre_activation": bumps[:2]}
        return shapes.get(name, [*bumps, self.card.harmonics])

    def takes(self, row: object) -> bool:
        """Return whether a single row is a list of numbers within their training ranges, for features of numbers."""
        if type(row) is not list or len(row) != len(self.usual):
            return False
        for value, (low, high) in zip(row, self.usual, strict=True):
            if type(value) not in NUMBERS or not low <= value <= high:
                return False
        return True

    def check_reach(self, rows: Array, field: str) -> Outside | None:
        """Return which values of rows [batch, features] lie outside their training range; None where none does.

        Raises:
            InvalidRequestError: A number is more than MAX_RANGES training ranges away, where float32 cannot tell in
                which place of a period it is; a code is none; or a value is missing that may not be. The text names it.
        """
        if not len(self.coded) and self._is_within(rows):
            return None
        if len(self.coded) or not _within(rows, self.lowest, self.highest):
            self._check_each(rows, field)
        outside = _outside(rows, self.minimum, self.maximum)
        return outside if outside.any() else None

    def _is_within(self, rows: Array) -> bool:
        """Return whether every value of rows lies between the ends of its feature; a missing one does not."""
        if rows.size <= FEW:
            values = rows.ravel().tolist()
            low, high = cycle(self.minimum.tolist()), cycle(self.maximum.tolist())
            return all(map(le, low, values)) and all(map(ge, high, values))
        if len(rows) > LONG:
            return _within(rows, self.minimum, self.maximum)
        low, high = self.ends
        return np.count_nonzero((rows >= low[: len(rows)]) & (rows <= high[: len(rows)])) == rows.size

    def _check_each(self, rows: Array, field: str) -> None:
        beyond = ~((rows >= self.lowest) & (rows <= self.highest))
        beyond[:, self.coded] |= rows[:, self.coded] % 1 > 0
        beyond &= ~(np.isnan(rows) & self.missing)
        if beyond.any():
            row, column = np.argwhere(beyond)[0].tolist()
            place = f"{field}[{row}][{column}]: {rows[row, column]:.8g}"
            raise InvalidRequestError(
                f"{place} for feature {_why(self.card.features[column], float(rows[row, column]))}"
            )


def _within(rows: Array, low: Array, high: Array) -> bool:
    """Return whether every value of rows lies between the ends of its feature; a missing one does not."""
    return all(
        least <= column.min() and column.max() <= most for column, least, most in zip(rows.T, low, high, strict=True)
    )


def _outside(rows: Array, low: Array, high: Array) -> Outside:
    """Return which values of rows lie beyond the ends of their feature; a missing one does not."""
    if len(rows) < LONG:
        return (rows < low) | (rows > high)
    result = np.empty(rows.shape[::-1], dtype=np.bool_)
    for column, least, most, found in zip(rows.T, low, high, result, strict=True):
        np.logical_or(column < least, column > most, out=found)
    return result.T


def _why(feature: Feature, value: float) -> str:
    """Return the rest of a message about a value that a feature does not take."""
    name = repr(feature.name)
    if np.isnan(value):
        return f"{name}: a missing value, and the model was trained without; expected a number"
    if feature.kind == "numeric":
        trained = f"[{feature.minimum:.8g}, {feature.maximum:.8g}]"
        return f"{name} is more than {MAX_RANGES} ranges away from where the model was trained, {trained}"
    what = "false, 0, or true, 1" if feature.kind == "boolean" else f"the index of a category, 0 to {feature.maximum:g}"
    return f"{name}: expected {what}"


def load(root: Path, name: str, version: str, verify_signature: Verify | None = None) -> Model:
    """Read, check and start one version of a model, whose signature is checked where there is something to do it.

    Raises:
        ModelError: The file is not a whole, safe package that gives its own golden vector here.
    """
    package = open_package(repository.read(root, name, version, verify_signature))
    try:
        session = Session(package)
    except Exception as error:  # the runtime raises many unrelated types
        raise InvalidModelError(f"ONNX Runtime does not load the model: {str(error).splitlines()[0][:200]}") from error
    verify(package, session.run)
    for route, names in session.routes:
        verify(package, route.run, names)
        verify(package, partial(_one_by_one, session), names)
    return Model(name, version, package.card, package.network, session, hashlib.sha256(package.data).hexdigest())


def _one_by_one(session: Session, inputs: Array, names: Sequence[str]) -> list[Array]:
    """Return the named outputs of inputs, a row at a time."""
    every = [[tensor.copy() for tensor in session.run_row(row, tuple(names))] for row in inputs.tolist()]
    return [np.concatenate(tensors) for tensors in zip(*every, strict=True)]

"""A served model: a package whose golden vector this process's runtime has reproduced."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enn_models import repository
from enn_models.card import Card
from enn_models.errors import InvalidModelError
from enn_models.features import Feature
from enn_models.network import Network
from enn_models.package import open_package, verify
from enn_service.errors import InvalidRequestError
from enn_service.session import PREDICTION, Array, Session

MAX_RANGES = 1000
"""Further out float32 cannot tell where in a period an input is (docs/decisions/exactness.md)."""


@dataclass(frozen=True, eq=False)
class Model:
    """One version of one model, ready to answer.

    Attributes:
        name: The model's name.
        version: The version's name.
        card: What the model says about itself.
        network: The float64 oracle of the model.
        session: The model in the runtime.
        minimum: Lower ends of the training ranges, or the lowest codes, float32 [features].
        maximum: Upper ends of the training ranges, or the highest codes, float32 [features].
        reach: How far beyond them a row may lie, float32 [features].
        coded: Indices of the features that are codes of categories or booleans.
        missing: Whether a value may be missing, bool [features].
    """

    name: str
    version: str
    card: Card
    network: Network
    session: Session
    minimum: Array = field(init=False)
    maximum: Array = field(init=False)
    reach: Array = field(init=False)
    coded: NDArray[np.intp] = field(init=False)
    missing: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        """Lay the training ranges out as arrays."""
        features = self.card.features
        for end in ("minimum", "maximum"):
            values = np.array([getattr(feature, end) for feature in features], dtype=np.float32)
            object.__setattr__(self, end, values)
        numeric = np.array([feature.kind == "numeric" for feature in features])
        reach = np.where(numeric, MAX_RANGES * (self.maximum - self.minimum), np.float32(0))
        object.__setattr__(self, "reach", reach)
        object.__setattr__(self, "coded", np.flatnonzero(~numeric))
        object.__setattr__(self, "missing", np.array([feature.missing for feature in features]))

    def check_reach(self, rows: Array, field: str) -> None:
        """Check that the model can answer rows [batch, features].

        Raises:
            InvalidRequestError: A number is more than MAX_RANGES training ranges away, where float32 cannot tell in
                which place of a period it is; a code is none; or a value is missing that may not be. The text names it.
        """
        beyond = ~((rows >= self.minimum - self.reach) & (rows <= self.maximum + self.reach))
        if self.network.encoding is not None or len(self.coded):
            beyond[:, self.coded] |= rows[:, self.coded] % 1 > 0
            beyond &= ~(np.isnan(rows) & self.missing)
        if beyond.any():
            row, column = np.argwhere(beyond)[0].tolist()
            place = f"{field}[{row}][{column}]: {rows[row, column]:.8g}"
            raise InvalidRequestError(
                f"{place} for feature {_why(self.card.features[column], float(rows[row, column]))}"
            )

    def out_of_range(self, rows: Array) -> dict[int, list[str]]:
        """Return, for each row of [batch, features] that leaves the training range, the names of the features that do.

        Outside that range the activations go on periodically, so such an answer is an extrapolation.
        """
        outside = (rows < self.minimum) | (rows > self.maximum)
        result: dict[int, list[str]] = {}
        if outside.any():
            for row, feature in np.argwhere(outside).tolist():
                result.setdefault(row, []).append(self.card.features[feature].name)
        return result


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


def load(root: Path, name: str, version: str) -> Model:
    """Read, check and start one version of a model.

    Raises:
        ModelError: The file is not a whole, safe package that gives its own golden vector here.
    """
    package = open_package(repository.read(root, name, version))
    try:
        session = Session(package)
    except Exception as error:  # the runtime raises many unrelated types
        raise InvalidModelError(f"ONNX Runtime does not load the model: {str(error).splitlines()[0][:200]}") from error
    verify(package, session.run)
    for prediction in session.predictions:
        verify(package, prediction.run, PREDICTION)
    return Model(name, version, package.card, package.network, session)

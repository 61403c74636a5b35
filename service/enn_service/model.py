"""A served model: a package whose golden vector this process's runtime has reproduced."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from enn_models import repository
from enn_models.card import Card
from enn_models.errors import InvalidModelError
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
        minimum: Lower ends of the training ranges, float32 [features].
        maximum: Upper ends of the training ranges, float32 [features].
        reach: How far beyond them a row may lie, float32 [features].
    """

    name: str
    version: str
    card: Card
    network: Network
    session: Session
    minimum: Array = field(init=False)
    maximum: Array = field(init=False)
    reach: Array = field(init=False)

    def __post_init__(self) -> None:
        """Lay the training ranges out as arrays."""
        for end in ("minimum", "maximum"):
            values = np.array([getattr(feature, end) for feature in self.card.features], dtype=np.float32)
            object.__setattr__(self, end, values)
        object.__setattr__(self, "reach", MAX_RANGES * (self.maximum - self.minimum))

    def check_reach(self, rows: Array, field: str) -> None:
        """Check that rows [batch, features] are near enough for float32 to tell where in a period they are.

        Raises:
            InvalidRequestError: A value is more than MAX_RANGES training ranges away; the text names it.
        """
        beyond = (rows < self.minimum - self.reach) | (rows > self.maximum + self.reach)
        if beyond.any():
            row, column = np.argwhere(beyond)[0].tolist()
            feature = self.card.features[column]
            trained = f"[{feature.minimum:.8g}, {feature.maximum:.8g}]"
            raise InvalidRequestError(
                f"{field}[{row}][{column}]: {rows[row, column]:.8g} for feature {feature.name!r} is more than "
                f"{MAX_RANGES} ranges away from where the model was trained, {trained}"
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

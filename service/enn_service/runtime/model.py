"""A served model: a package whose golden vector this process's runtime has reproduced."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from math import prod
from pathlib import Path

import numpy as np

from enn_models import repository
from enn_models.card import Card
from enn_models.errors import InvalidModelError
from enn_models.network import Network
from enn_models.package import open_package, verify_golden_vector
from enn_models.signature import Verify
from enn_service.runtime.explanation_encoder import ExplanationEncoder
from enn_service.runtime.prediction_encoder import PredictionEncoder
from enn_service.runtime.range_check import RangeCheck
from enn_service.runtime.session import Array, Session


@dataclass(frozen=True, eq=False)
class ServedModel:
    """One version of one model, ready to answer.

    Attributes:
        name: The model's name.
        version: The version's name.
        card: What the model says about itself.
        network: The float64 oracle of the model.
        session: The model in the runtime.
        digest: SHA-256 of its file, hexadecimal.
        reach: How far from where it was trained it answers.
        results: How its predictions are told.
        explanations: How its explanations are told.
        features: Number of features, the length of a row.
        parameters: How many parameters the network has.
        shapes: The shape of everything it gives, by name, the batch as -1; all of it is float32.
        sizes: How many numbers of each there are in a row.
    """

    name: str
    version: str
    card: Card
    network: Network
    session: Session
    digest: str
    reach: RangeCheck = field(init=False)
    results: PredictionEncoder = field(init=False)
    explanations: ExplanationEncoder = field(init=False)
    features: int = field(init=False)
    parameters: int = field(init=False)
    shapes: dict[str, list[int]] = field(init=False)
    sizes: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Lay out what is the same for all answers."""
        object.__setattr__(self, "reach", RangeCheck(self.card.features))
        object.__setattr__(self, "results", PredictionEncoder(self.card))
        object.__setattr__(self, "explanations", ExplanationEncoder(self.card, self.network, self.results))
        object.__setattr__(self, "features", len(self.card.features))
        object.__setattr__(self, "parameters", self.network.parameters)
        object.__setattr__(self, "shapes", {name: self._shape(name) for name in self.session.outputs})
        object.__setattr__(self, "sizes", {name: -prod(shape) for name, shape in self.shapes.items()})

    def _shape(self, name: str) -> list[int]:
        bumps = [-1, self.network.units, self.card.layers[-2]]
        shapes = {"output": [-1, self.network.outputs], "bumps": bumps, "pre_activation": bumps[:2]}
        return shapes.get(name, [*bumps, self.card.harmonics])


def load_model(root: Path, name: str, version: str, verify_signature: Verify | None = None) -> ServedModel:
    """Read, check and start one version of a model, whose signature is checked where there is something to do it.

    Raises:
        ModelError: The file is not a whole, safe package that gives its own golden vector here.
    """
    package = open_package(repository.read_model(root, name, version, verify_signature))
    try:
        session = Session(package)
    except Exception as error:  # the runtime raises many unrelated types
        raise InvalidModelError(f"ONNX Runtime does not load the model: {str(error).splitlines()[0][:200]}") from error
    verify_golden_vector(package, session.run)
    for route, names in session.routes:
        verify_golden_vector(package, route.run, names)
        verify_golden_vector(package, partial(_one_by_one, session), names)
    return ServedModel(name, version, package.card, package.network, session, hashlib.sha256(package.data).hexdigest())


def _one_by_one(session: Session, inputs: Array, names: Sequence[str]) -> list[Array]:
    """Return the named outputs of inputs, a row at a time."""
    every = [[tensor.copy() for tensor in session.run_row(row, tuple(names))] for row in inputs.tolist()]
    return [np.concatenate(tensors) for tensors in zip(*every, strict=True)]

"""Models loaded in this process, after ONNX Runtime has reproduced their golden vectors."""

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
from enn_service.runtime.coverage import CoverageEncoder
from enn_service.runtime.explanation_encoder import ExplanationEncoder
from enn_service.runtime.flagged_values.unknown_values import UnknownValuePolicy
from enn_service.runtime.prediction_encoder import PredictionEncoder
from enn_service.runtime.range_check import RangeCheck
from enn_service.runtime.session import Array, Session


@dataclass(frozen=True, eq=False)
class ServedModel:
    """One version of one model with everything that a request needs.

    Attributes:
        name: Name of the model.
        version: Name of the version.
        card: Card of the model: features, classes, training summary.
        network: Float64 reference of the model in NumPy.
        session: Model in ONNX Runtime.
        digest: SHA-256 of the model file, hexadecimal.
        accept_unknown: True to accept unknown values.
        unknown_values: Treatment of unknown values.
        range_check: Check of rows against the training ranges.
        prediction_encoder: Encoder of its predictions.
        explanation_encoder: Encoder of its explanations.
        coverage_encoder: Encoder of its intervals or label sets.
        features: Number of features, the length of a row.
        parameters: Number of parameters of the network.
        shapes: Shape of each output tensor by name, with -1 for the batch; all are float32.
        sizes: Number of values per row of each output tensor by name.
    """

    name: str
    version: str
    card: Card
    network: Network
    session: Session
    digest: str
    accept_unknown: bool = False
    unknown_values: UnknownValuePolicy = field(init=False)
    range_check: RangeCheck = field(init=False)
    prediction_encoder: PredictionEncoder = field(init=False)
    explanation_encoder: ExplanationEncoder = field(init=False)
    coverage_encoder: CoverageEncoder = field(init=False)
    features: int = field(init=False)
    parameters: int = field(init=False)
    shapes: dict[str, list[int]] = field(init=False)
    sizes: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Build what is the same for all requests."""
        policy = UnknownValuePolicy(self.card, self.network, accept=self.accept_unknown)
        object.__setattr__(self, "unknown_values", policy)
        object.__setattr__(self, "range_check", RangeCheck(self.card.features))
        object.__setattr__(self, "prediction_encoder", PredictionEncoder(self.card))
        object.__setattr__(
            self, "explanation_encoder", ExplanationEncoder(self.card, self.network, self.prediction_encoder)
        )
        object.__setattr__(self, "coverage_encoder", CoverageEncoder(self.card, self.prediction_encoder))
        object.__setattr__(self, "features", len(self.card.features))
        object.__setattr__(self, "parameters", self.network.parameters)
        object.__setattr__(self, "shapes", {name: self._shape(name) for name in self.session.outputs})
        object.__setattr__(self, "sizes", {name: -prod(shape) for name, shape in self.shapes.items()})

    def _shape(self, name: str) -> list[int]:
        bumps = [-1, self.network.units, self.card.layers[-2]]
        shapes = {"output": [-1, self.network.outputs], "bumps": bumps, "pre_activation": bumps[:2]}
        return shapes.get(name, [*bumps, self.card.harmonics])


def load_model(
    root: Path, name: str, version: str, verify_signature: Verify | None = None, *, accept_unknown: bool = False
) -> ServedModel:
    """Read and check one version of a model and load it into ONNX Runtime.

    Args:
        root: Folder of the repository.
        name: Name of the model.
        version: Name of the version.
        verify_signature: Check of the signature; None to accept unsigned versions.
        accept_unknown: True to accept unknown values.

    Raises:
        ModelError: The file is not a complete and safe package, or ONNX Runtime does not reproduce its golden vector.
    """
    package = open_package(repository.read_model(root, name, version, verify_signature))
    try:
        session = Session(package)
    except Exception as error:  # the runtime raises many unrelated types
        raise InvalidModelError(f"ONNX Runtime does not load the model: {str(error).splitlines()[0][:200]}") from error
    verify_golden_vector(package, session.run)
    for part, names in session.subgraphs:
        verify_golden_vector(package, part.run, names)
        verify_golden_vector(package, partial(_run_each_row, session), names)
    digest = hashlib.sha256(package.data).hexdigest()
    return ServedModel(name, version, package.card, package.network, session, digest, accept_unknown)


def _run_each_row(session: Session, inputs: Array, names: Sequence[str]) -> list[Array]:
    """Return the named outputs of inputs, float32 [batch, features], from one run per row."""
    outputs = [[tensor.copy() for tensor in session.run_row(row, tuple(names))] for row in inputs.tolist()]
    return [np.concatenate(tensors) for tensors in zip(*outputs, strict=True)]

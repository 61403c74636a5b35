"""The package: one ONNX file that holds graph and card, opened only after it has proved to be consistent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from pydantic import ValidationError

from enn_models.card import METADATA_KEY, Card, raw
from enn_models.errors import InvalidModelError
from enn_models.network import Network
from enn_models.scan import scan

INPUT = "input"
OUTPUTS = ("output", "bumps", "pre_activation")
GOLDEN_TOLERANCE = 1e-5
"""Of each value's scale: float32 arithmetic of an exact graph stays below it, another model does not."""

Run = Callable[[NDArray[np.float32], Sequence[str]], Sequence[NDArray[np.float32]]]
"""Runs the model in some runtime: inputs [batch, features] and names of outputs to those outputs."""


@dataclass(frozen=True, eq=False)
class Package:
    """A model file that passed every check that needs no runtime.

    Attributes:
        data: The file's bytes.
        model: The graph in them, every shape inferred.
        card: What it says about itself.
        network: The network of the card's parameters, which is the float64 oracle of the graph.
    """

    data: bytes
    model: onnx.ModelProto
    card: Card
    network: Network


def attach(model: onnx.ModelProto, card: Card) -> bytes:
    """Return the model file's bytes with the card in its metadata; equal arguments give equal bytes."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.metadata_props[:]
    result.metadata_props.add(key=METADATA_KEY, value=card.model_dump_json())
    return result.SerializeToString(deterministic=True)


def open_package(data: bytes) -> Package:
    """Scan a model file and read its card.

    Raises:
        UnsafeModelError: The scan refuses it.
        InvalidModelError: No card, a card that contradicts itself or the graph, or its golden vector is not its own.
    """
    model = scan(data)
    text = next((entry.value for entry in model.metadata_props if entry.key == METADATA_KEY), None)
    if text is None:
        raise InvalidModelError(
            f"the model has no card: metadata {METADATA_KEY!r} is absent; export it with enn_training"
        )
    try:
        card = Card.model_validate_json(text)
    except ValidationError as error:
        raise InvalidModelError(f"the card is not valid: {_first(error)}") from None
    package = Package(data, model, card, card.network())
    _check_signature(model.graph, package.network)
    response = package.network.respond(raw(card.golden.inputs))
    _compare("the card's parameters give", "output", response.output, card.golden.outputs)
    _compare("the card's parameters give", "bumps", response.bumps, card.golden.bumps)
    return package


def verify(package: Package, run: Run, outputs: Sequence[str] = OUTPUTS) -> None:
    """Run the golden vector and compare: what explains is thereby proved to be what predicts.

    Args:
        package: The package.
        run: What runs its model.
        outputs: Names of the outputs to compare.

    Raises:
        InvalidModelError: An output differs from the card's by more than GOLDEN_TOLERANCE.
    """
    golden = package.card.golden
    expected = {
        "output": np.array(golden.outputs),
        "bumps": np.array(golden.bumps),
        "pre_activation": np.sum(golden.bumps, axis=2) + np.array(package.card.bias),
    }
    for name, found in zip(outputs, run(raw(golden.inputs).astype(np.float32), outputs), strict=True):
        _compare("the graph gives", name, found, expected[name])


def _compare(who: str, what: str, found: NDArray[np.floating], expected: object) -> None:
    wanted = np.asarray(expected, dtype=np.float64)
    if found.shape != wanted.shape:
        raise InvalidModelError(
            f"{who} {what} of shape {list(found.shape)}; the golden vector has {list(wanted.shape)}"
        )
    scale = max(1.0, float(np.abs(wanted).max()))
    error = float(np.abs(found - wanted).max()) / scale
    if not error <= GOLDEN_TOLERANCE:
        raise InvalidModelError(f"{who} another {what} than the golden vector: off by {error:.1e} of its scale")


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in detail["loc"])
    return f"{place}: {detail['msg']}" if place else detail["msg"]


def _check_signature(graph: onnx.GraphProto, network: Network) -> None:
    neurons = len(network.layers[-2].bias)
    expected = {
        INPUT: [network.inputs],
        "output": [network.outputs],
        "bumps": [network.units, neurons],
        "pre_activation": [network.units],
    }
    if [value.name for value in graph.input] != [INPUT]:
        raise InvalidModelError(f"the graph's inputs are {[value.name for value in graph.input]}; expected [{INPUT!r}]")
    found = {value.name: value for value in (*graph.input, *graph.output)}
    for name, sizes in expected.items():
        if name not in found:
            raise InvalidModelError(f"the graph has no output {name!r}")
        tensor = found[name].type.tensor_type
        batch, *rest = tensor.shape.dim or [onnx.TensorShapeProto.Dimension(dim_value=1)]
        if (
            tensor.elem_type != onnx.TensorProto.FLOAT
            or batch.HasField("dim_value")
            or [d.dim_value for d in rest] != sizes
        ):
            raise InvalidModelError(
                f"the graph's {name!r} is not float32 of shape [batch, {', '.join(map(str, sizes))}]"
            )

"""Package of a model: one ONNX file with graph and card, and the checks that open it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from pydantic import ValidationError

from enn_models.card import METADATA_KEY, Card, to_array
from enn_models.cost_bounds import RowCost
from enn_models.errors import InvalidModelError, UnsafeModelError
from enn_models.graph_checks import parse_checked
from enn_models.network import Network

INPUT = "input"
OUTPUTS = ("output", "bumps", "pre_activation")
HARMONICS = "harmonics"
"""Name of the optional output with the terms of the bumps, [batch, units, neurons, Q]."""
GOLDEN_TOLERANCE = 1e-5
"""Tolerance relative to the scale of a value: above the float32 error of an exact graph, below other models."""
OPERATIONS_PER_PARAMETER = 32
"""Maximum operations per row and parameter or knot, plus BASE_OPERATIONS; unrollings take less than half."""
BASE_OPERATIONS = 2**14
MAX_GOLDEN_ELEMENTS = 2**26
"""Maximum elements of the golden vector's rows in all values of the graph together."""

RunModel = Callable[[NDArray[np.float32], Sequence[str]], Sequence[NDArray[np.float32]]]
"""Function that runs the model: inputs [batch, features] and names of outputs to the values of these outputs."""


@dataclass(frozen=True, eq=False)
class Package:
    """Model file that passed every check that needs no runtime.

    Attributes:
        data: Bytes of the file.
        model: Parsed ONNX model with all shapes inferred.
        cost: Cost of one row in the graph.
        card: Description of the model.
        network: Network of the card's parameters, the float64 reference for the graph.
    """

    data: bytes
    model: onnx.ModelProto
    cost: RowCost
    card: Card
    network: Network

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs of the graph."""
        names = {value.name for value in self.model.graph.output}
        return (*OUTPUTS, HARMONICS) if HARMONICS in names else OUTPUTS


def attach_card(model: onnx.ModelProto, card: Card) -> bytes:
    """Serialize a model with a card in its metadata; equal arguments give equal bytes."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.metadata_props[:]
    result.metadata_props.add(key=METADATA_KEY, value=card.model_dump_json())
    return result.SerializeToString(deterministic=True)


def open_package(data: bytes) -> Package:
    """Check a model file and parse its card.

    Args:
        data: Bytes of the file.

    Returns:
        Checked package.

    Raises:
        UnsafeModelError: The file has content that packages never have.
        InvalidModelError: The card is missing, contradicts itself or the graph, or its parameters do not give the
            golden vector.
    """
    model, cost = parse_checked(data)
    text = next((entry.value for entry in model.metadata_props if entry.key == METADATA_KEY), None)
    if text is None:
        raise InvalidModelError(
            f"the model has no card: metadata {METADATA_KEY!r} is absent; export it with enn_training"
        )
    try:
        card = Card.model_validate_json(text)
    except ValidationError as error:
        raise InvalidModelError(f"the card is not valid: {_first_error(error)}") from None
    package = Package(data, model, cost, card, card.network())
    _check_inputs_and_outputs(model.graph, package.network)
    _check_cost(package)
    # One row at a time: the cosines of a large network for many rows take much memory.
    responses = [package.network.respond(row[None]) for row in to_array(card.golden.inputs)]
    for name, expected in (("output", card.golden.outputs), ("bumps", card.golden.bumps)):
        found = np.concatenate([getattr(response, name) for response in responses])
        _check_equal("the card's parameters give", name, found, expected)
    return package


def verify_golden_vector(package: Package, run: RunModel, outputs: Sequence[str] | None = None) -> None:
    """Run the golden vector and compare the results, which proves that explanations and predictions are of one model.

    Args:
        package: Package of the model.
        run: Function that runs the model.
        outputs: Names of the outputs to compare; None for all outputs of the graph.

    Raises:
        InvalidModelError: An output differs from the card's by more than GOLDEN_TOLERANCE.
    """
    golden, outputs = package.card.golden, outputs or package.outputs
    expected = {
        "output": np.array(golden.outputs),
        "bumps": np.array(golden.bumps),
        "pre_activation": np.sum(golden.bumps, axis=2) + np.array(package.card.bias),
    }
    if HARMONICS in outputs:
        expected[HARMONICS] = package.network.harmonics(to_array(golden.inputs))
    for name, found in zip(outputs, run(to_array(golden.inputs).astype(np.float32), outputs), strict=True):
        _check_equal("the graph gives", name, found, expected[name])


def _check_equal(source: str, output: str, found: NDArray[np.floating], expected: object) -> None:
    golden = np.asarray(expected, dtype=np.float64)
    if found.shape != golden.shape:
        raise InvalidModelError(
            f"{source} {output} of shape {list(found.shape)}; the golden vector has {list(golden.shape)}"
        )
    scale = max(1.0, float(np.abs(golden).max()))
    error = float(np.abs(found - golden).max()) / scale
    if not error <= GOLDEN_TOLERANCE:
        raise InvalidModelError(f"{source} another {output} than the golden vector: the relative error is {error:.1e}")


def max_operations(network: Network) -> int:
    """Return the maximum operations per row for a graph of a network, without the output `harmonics`."""
    maps = {} if network.encoding is None else network.encoding.knots
    numbers = network.parameters + len(maps) * max(map(len, maps.values()), default=0)
    return BASE_OPERATIONS + OPERATIONS_PER_PARAMETER * numbers


def _check_cost(package: Package) -> None:
    """Check that the graph costs as much as its card implies; the service estimates requests from the card."""
    network, cost, rows = package.network, package.cost, len(package.card.golden.inputs)
    limit = max_operations(network)
    if HARMONICS in package.outputs:
        limit += network.units * network.spectrum.size
    if cost.operations > limit:
        raise UnsafeModelError(
            f"the graph takes {cost.operations} operations per row; the {network.parameters} parameters of its card "
            f"allow {limit}"
        )
    if rows * cost.elements > MAX_GOLDEN_ELEMENTS:
        raise UnsafeModelError(
            f"the golden vector has {rows} rows of {cost.elements} elements; at most {MAX_GOLDEN_ELEMENTS} elements "
            "in all are accepted"
        )


def _first_error(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in detail["loc"])
    return f"{place}: {detail['msg']}" if place else detail["msg"]


def _check_inputs_and_outputs(graph: onnx.GraphProto, network: Network) -> None:
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
    if HARMONICS in found:
        expected[HARMONICS] = [network.units, *network.spectrum.shape]
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

"""The sizes of a graph: what a row takes, told from shapes inferred with the inputs' alone."""

import math
from typing import TYPE_CHECKING, NamedTuple

import onnx

from enn_models.errors import InvalidModelError, UnsafeModelError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ROW_ELEMENTS = 2**22
"""The most elements that one row of a batch may take in any value of the graph."""
MAX_ROW_OPERATIONS = 2**25
"""The most that one row may take in all of it: the file has room for 2**21 parameters, each used a few times."""

Shapes = dict[str, tuple[int, ...]]


class RowCost(NamedTuple):
    """What one row takes.

    Attributes:
        elements: Of all values of the graph together.
        operations: Of all nodes together, a multiplication and its addition being one.
    """

    elements: int
    operations: int


def infer_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with every shape inferred; what the file says about other values may be a lie, and is dropped.

    Raises:
        InvalidModelError: The graph contradicts itself, or a node reads what no earlier one gives.
    """
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except (onnx.shape_inference.InferenceError, ValueError) as error:  # the latter: no text, or no such type
        raise InvalidModelError(f"the graph contradicts itself: {str(error).splitlines()[0][:200]}") from None


def row_cost(model: onnx.ModelProto) -> RowCost:
    """Return what a row takes, after checking that it is little and that a batch takes no more than its rows do.

    Raises:
        InvalidModelError: The graph contradicts itself for a batch of one or two rows.
        UnsafeModelError: A size is unknown, too large, or grows faster than the batch.
    """
    one, two = (_value_shapes(model, rows) for rows in (1, 2))
    for name in {name for node in model.graph.node for name in node.output if name}:
        if name not in one or name not in two:
            raise UnsafeModelError(f"the size of value {name!r} cannot be told before running")
        elements = math.prod(one[name])
        if elements > MAX_ROW_ELEMENTS:
            raise UnsafeModelError(
                f"value {name!r} takes {elements} elements a row; at most {MAX_ROW_ELEMENTS} are accepted"
            )
        if math.prod(two[name]) > 2 * elements:
            raise UnsafeModelError(f"value {name!r} grows faster than the batch: {one[name]} becomes {two[name]}")
    elements = sum(math.prod(one[name]) for node in model.graph.node for name in node.output if name)
    operations = sum(_operations(node, one) for node in model.graph.node)
    if operations > MAX_ROW_OPERATIONS:
        raise UnsafeModelError(f"a row takes {operations} operations; at most {MAX_ROW_OPERATIONS} are accepted")
    return RowCost(elements, operations)


def _value_shapes(model: onnx.ModelProto, rows: int) -> Shapes:
    """Return the shape of every value that can be told for a batch of so many rows."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for value in fixed.graph.input:
        for dimension in value.type.tensor_type.shape.dim:
            if not dimension.HasField("dim_value"):
                dimension.dim_value = rows
    graph = infer_shapes(fixed).graph
    result: Shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    values: Iterable[onnx.ValueInfoProto] = (*graph.value_info, *graph.input, *graph.output)
    for value in values:
        shape = value.type.tensor_type.shape
        if value.type.tensor_type.HasField("shape") and all(part.HasField("dim_value") for part in shape.dim):
            result[value.name] = tuple(part.dim_value for part in shape.dim)
    return result


def _operations(node: onnx.NodeProto, shapes: Shapes) -> int:
    """Return how many operations a node takes: its largest value, and for a product the length of each sum besides."""
    sizes = [math.prod(shapes.get(name, ())) for name in (*node.input, *node.output) if name]
    if node.op_type == "Conv":
        return max(*sizes, math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:]))
    if node.op_type not in ("Gemm", "MatMul"):
        return max(sizes)
    inner = shapes[node.input[0]] or (1,)
    transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return max(*sizes, math.prod(shapes[node.output[0]]) * inner[0 if transposed else -1])

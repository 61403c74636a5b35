"""Bounds on the memory and arithmetic that a graph takes per row, from shapes inferred from its inputs."""

import math
from typing import TYPE_CHECKING, NamedTuple

import onnx

from enn_models.errors import InvalidModelError, UnsafeModelError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ROW_ELEMENTS = 2**22
"""Maximum elements of one row in any value of the graph."""
MAX_ROW_OPERATIONS = 2**25
"""Maximum operations for one row: a file has at most 2**21 parameters, and each is used a few times."""

Shapes = dict[str, tuple[int, ...]]


class RowCost(NamedTuple):
    """Cost of one row.

    Attributes:
        elements: Number of elements in all values of the graph together.
        operations: Number of operations of all nodes together; a multiplication and its addition count as one.
    """

    elements: int
    operations: int


def infer_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Infer every shape from the inputs; shapes that the file states for other values are not trusted.

    Args:
        model: Parsed model; its stated shapes are removed.

    Returns:
        Copy of the model with inferred shapes.

    Raises:
        InvalidModelError: The graph contradicts itself, or a node reads a value that no earlier node makes.
    """
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except (
        onnx.shape_inference.InferenceError,
        ValueError,
    ) as error:  # ValueError: a name is not text, or a type does not exist
        raise InvalidModelError(f"the graph contradicts itself: {str(error).splitlines()[0][:200]}") from None


def row_cost(model: onnx.ModelProto) -> RowCost:
    """Compute the cost of a row, and check that it is bounded and that a batch costs no more than its rows.

    Args:
        model: Model with inferred shapes.

    Raises:
        InvalidModelError: The graph contradicts itself for a batch of one or two rows.
        UnsafeModelError: A size is unknown, too large, or grows faster than the batch.
    """
    one, two = (_value_shapes(model, rows) for rows in (1, 2))
    for name in {name for node in model.graph.node for name in node.output if name}:
        if name not in one or name not in two:
            raise UnsafeModelError(f"the size of value {name!r} cannot be determined before running")
        elements = math.prod(one[name])
        if elements > MAX_ROW_ELEMENTS:
            raise UnsafeModelError(
                f"value {name!r} has {elements} elements per row; at most {MAX_ROW_ELEMENTS} are accepted"
            )
        if math.prod(two[name]) > 2 * elements:
            raise UnsafeModelError(f"value {name!r} grows faster than the batch: {one[name]} becomes {two[name]}")
    elements = sum(math.prod(one[name]) for node in model.graph.node for name in node.output if name)
    operations = sum(_operations(node, one) for node in model.graph.node)
    if operations > MAX_ROW_OPERATIONS:
        raise UnsafeModelError(f"one row takes {operations} operations; at most {MAX_ROW_OPERATIONS} are accepted")
    return RowCost(elements, operations)


def _value_shapes(model: onnx.ModelProto, rows: int) -> Shapes:
    """Return the shape of every value with a known shape, for a batch of `rows` rows."""
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
    """Count the operations of a node: elements of its largest value, times the length of each sum for a product."""
    sizes = [math.prod(shapes.get(name, ())) for name in (*node.input, *node.output) if name]
    if node.op_type == "Conv":
        return max(*sizes, math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:]))
    if node.op_type not in ("Gemm", "MatMul"):
        return max(sizes)
    inner = shapes[node.input[0]] or (1,)
    transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return max(*sizes, math.prod(shapes[node.output[0]]) * inner[0 if transposed else -1])

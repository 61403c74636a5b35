"""Estimate the time of an ONNX graph in ONNX Runtime from its operators; the estimate is equal on every machine."""

import math
from dataclasses import dataclass

import onnx

NODE_COST = 0.4
"""Microseconds to start an operator. All costs were measured in ONNX Runtime 1.32 on one thread with AVX-512."""
ELEMENT_COST = {
    "Sin": 1.9e-3,
    "Round": 0.2e-3,
    "Abs": 0.08e-3,
    "Sigmoid": 0.35e-3,
    "Softmax": 1.0e-3,
    "Transpose": 0.25e-3,
}
"""Microseconds per output element, by operator."""
RESHAPING_OPERATORS = ("Unsqueeze", "Squeeze")
"""Operators that change only the shape; they have no cost per element."""
CONSTANT_OPERAND_COST = 0.1e-3
"""Microseconds per element of any other elementwise operator with a constant operand: it reads one stream less."""
TWO_OPERANDS_COST = 0.155e-3
"""Microseconds per element of any other elementwise operator with two variable operands."""
FLOAT64_FACTOR = {"Sin": 4.0}
"""Ratio of the time in float64 to the time in float32, by operator."""
DEFAULT_FLOAT64_FACTOR = 2.3
"""Ratio of the time in float64 to the time in float32 for all other operators."""
CONVOLUTION_SUM_COST = 0.09e-3
"""Microseconds per element to add the result of a convolution: ONNX Runtime fuses the sum into the convolution."""
BLOCK_LAYOUT_COST = 0.14e-3
"""Microseconds per element to convert values to the blocked layout of convolutions."""
MULTIPLICATION_COST = 2.2e-5
"""Microseconds per multiplication of a Gemm."""
WEIGHT_COST = 4e-5
"""Microseconds to read a weight once per run, independent of the batch."""


@dataclass(frozen=True)
class _ValueFacts:
    """Facts about the values of a graph.

    Attributes:
        rows: Batch size.
        sizes: Number of elements of each value.
        constants: Number of elements of each initializer.
        images: Names of the outputs of convolutions.
        doubles: Names of the float64 values.
    """

    rows: int
    sizes: dict[str, int]
    constants: dict[str, int]
    images: frozenset[str]
    doubles: frozenset[str]


def estimate_microseconds(model: onnx.ModelProto, rows: int) -> float:
    """Return the estimated time to compute every node of a model once.

    Args:
        model: Model with all shapes inferred.
        rows: Batch size.

    Returns:
        Microseconds.
    """
    constants = {constant.name: math.prod(constant.dims) for constant in model.graph.initializer}
    values = (*model.graph.input, *model.graph.value_info, *model.graph.output)
    sizes = {value.name: math.prod(d.dim_value or rows for d in value.type.tensor_type.shape.dim) for value in values}
    images = frozenset(node.output[0] for node in model.graph.node if node.op_type == "Conv")
    doubles = frozenset(v.name for v in values if v.type.tensor_type.elem_type == onnx.TensorProto.DOUBLE)
    known = _ValueFacts(rows, sizes | constants, constants, images, doubles)
    return sum(_node_microseconds(node, known) for node in model.graph.node)


def _node_microseconds(node: onnx.NodeProto, values: _ValueFacts) -> float:
    """Return the estimated microseconds of one node."""
    precision = FLOAT64_FACTOR.get(node.op_type, DEFAULT_FLOAT64_FACTOR) if node.output[0] in values.doubles else 1.0
    weights = sum(values.constants.get(name, 0) for name in node.input[:2])
    if node.op_type in ("Gemm", "MatMul"):
        return NODE_COST + precision * weights * (WEIGHT_COST + values.rows * MULTIPLICATION_COST)
    if node.op_type == "Conv" and not any(attribute.name == "group" for attribute in node.attribute):
        return (
            NODE_COST
            + weights * (WEIGHT_COST + values.rows * MULTIPLICATION_COST)
            + values.sizes[node.input[0]] * BLOCK_LAYOUT_COST
        )
    if node.op_type == "Add" and not values.images.isdisjoint(node.input):
        return NODE_COST + values.sizes[node.output[0]] * CONVOLUTION_SUM_COST
    if node.op_type in RESHAPING_OPERATORS:
        return NODE_COST
    rate = ELEMENT_COST.get(node.op_type, CONSTANT_OPERAND_COST if weights else TWO_OPERANDS_COST)
    return NODE_COST + precision * values.sizes[node.output[0]] * rate

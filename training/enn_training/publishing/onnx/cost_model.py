"""What a graph costs in ONNX Runtime, estimated from its operators: the same on every machine, as no clock is."""

import math
from dataclasses import dataclass

import onnx

NODE = 0.4
"""Microseconds to start an operator. These constants were measured in ONNX Runtime 1.32, one thread, AVX-512."""
ELEMENT = {"Sin": 1.9e-3, "Round": 0.2e-3, "Abs": 0.08e-3, "Sigmoid": 0.35e-3, "Softmax": 1.0e-3, "Transpose": 0.25e-3}
"""Microseconds an element of the result; none where the shape alone changes."""
RESHAPING = ("Unsqueeze", "Squeeze")
CONSTANT = 0.1e-3
"""Microseconds an element of the other elementwise operators where one side is a constant: a stream less to read."""
STREAM = 0.155e-3
DOUBLE = {"Sin": 4.0}
"""How much longer an operator takes in float64."""
DOUBLED = 2.3
"""How much longer all others do."""
CONVOLVED = 0.09e-3
"""Microseconds an element to add what a convolution gives: it is done within."""
BLOCKED = 0.14e-3
"""Microseconds an element to bring into blocks what convolutions read."""
PRODUCT = 2.2e-5
"""Microseconds a multiplication of a Gemm."""
WEIGHT = 4e-5
"""Microseconds to read a weight once, whatever the batch."""


@dataclass(frozen=True)
class _Values:
    """What is known of a model's values: their elements, which are constants, come from convolutions or are float64."""

    rows: int
    sizes: dict[str, int]
    constants: dict[str, int]
    images: frozenset[str]
    doubles: frozenset[str]


def estimate(model: onnx.ModelProto, rows: int) -> float:
    """Return the estimated microseconds to compute every node of a model.

    Args:
        model: A model with every shape inferred.
        rows: The size of the batch.
    """
    constants = {constant.name: math.prod(constant.dims) for constant in model.graph.initializer}
    values = (*model.graph.input, *model.graph.value_info, *model.graph.output)
    sizes = {value.name: math.prod(d.dim_value or rows for d in value.type.tensor_type.shape.dim) for value in values}
    images = frozenset(node.output[0] for node in model.graph.node if node.op_type == "Conv")
    doubles = frozenset(v.name for v in values if v.type.tensor_type.elem_type == onnx.TensorProto.DOUBLE)
    known = _Values(rows, sizes | constants, constants, images, doubles)
    return sum(_node(node, known) for node in model.graph.node)


def _node(node: onnx.NodeProto, values: _Values) -> float:
    precision = DOUBLE.get(node.op_type, DOUBLED) if node.output[0] in values.doubles else 1.0
    weights = sum(values.constants.get(name, 0) for name in node.input[:2])
    if node.op_type in ("Gemm", "MatMul"):
        return NODE + precision * weights * (WEIGHT + values.rows * PRODUCT)
    if node.op_type == "Conv" and not any(attribute.name == "group" for attribute in node.attribute):
        return NODE + weights * (WEIGHT + values.rows * PRODUCT) + values.sizes[node.input[0]] * BLOCKED
    if node.op_type == "Add" and not values.images.isdisjoint(node.input):
        return NODE + values.sizes[node.output[0]] * CONVOLVED
    if node.op_type in RESHAPING:
        return NODE
    rate = ELEMENT.get(node.op_type, CONSTANT if weights else STREAM)
    return NODE + precision * values.sizes[node.output[0]] * rate

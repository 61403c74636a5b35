"""Graphs that exhaust memory or time: growing values, excessive arithmetic, and too many nodes or fields."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from enn_models.graph_checks import MAX_NODES
from enn_models.protobuf_limits import MAX_FIELDS
from support.hostile.graphs import Change, add, dense, integers


def constant_of_shape(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(integers("size", 2**28))
    add(model, "ConstantOfShape", "size")


def expand(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(integers("size", 2**14, 2**14))
    add(model, "Expand", "c0", "size")


def tile(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(integers("times", 2**14, 2**14))
    add(model, "Tile", "input", "times")


def outer_product(model: onnx.ModelProto) -> None:
    model.graph.initializer.extend([dense("column", 4096, 1), dense("row", 1, 4096)])
    add(model, "MatMul", "column", "row")


def outer_product_of_the_batch(model: onnx.ModelProto) -> None:
    add(model, "MatMul", "input", add(model, "Transpose", "input"))


def outer_product_behind_a_lie(model: onnx.ModelProto) -> None:
    """Declare a wrong size for a slice whose size depends on the input."""
    model.graph.initializer.extend([dense("big", 5000, 1), *(integers(name, int(name)) for name in ("0", "1", "5000"))])
    start = add(model, "Reshape", add(model, "ReduceSum", add(model, "Cast", "input", to=TensorProto.INT64)), "1")
    column = add(model, "Slice", "big", start, "5000", "0")
    row = add(model, "Transpose", column)
    for name in (column, row, add(model, "MatMul", column, row)):
        model.graph.value_info.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1]))


def rows_hidden_in_the_batch(model: onnx.ModelProto) -> None:
    """Flatten a wide value into the batch dimension, which may have any size, and multiply it again."""
    model.graph.initializer.extend([dense("wide", 2, 4096), integers("flat", -1, 1), dense("row", 1, 4096)])
    add(model, "MatMul", add(model, "Reshape", add(model, "MatMul", "input", "wide"), "flat"), "row")


def doubling(model: onnx.ModelProto) -> None:
    value = "input"
    for _ in range(40):
        value = add(model, "Concat", value, value, axis=1)


def gathered_again_and_again(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(2**16, np.int64), "often"))
    value = add(model, "Unsqueeze", add(model, "Gather", "input", "often", axis=1), "axis")
    model.graph.initializer.append(integers("axis", 2))
    add(model, "MatMul", value, add(model, "Transpose", value, perm=[0, 2, 1]))


def arithmetic_without_end(model: onnx.ModelProto) -> None:
    """Use one small weight in a thousand multiplications of small values."""
    model.graph.initializer.extend([dense("narrow", 2, 512), dense("square", 512, 512)])
    value = add(model, "MatMul", "input", "narrow")
    for _ in range(1000):
        value = add(model, "MatMul", value, "square")


def more_arithmetic_than_the_card_tells(model: onnx.ModelProto) -> None:
    model.graph.initializer.extend([dense("narrow", 2, 512), dense("square", 512, 512)])
    add(model, "MatMul", add(model, "MatMul", "input", "narrow"), "square")


def too_many_nodes(model: onnx.ModelProto) -> None:
    for _ in range(MAX_NODES):
        model.graph.node.add(op_type="Sin")


def hollow(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(TensorProto(name="hollow", data_type=TensorProto.FLOAT, dims=[2**40, 2**40]))


def of_negative_size(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(TensorProto(name="hollow", data_type=TensorProto.FLOAT, dims=[-1, -1]))


def many_small_numbers(model: onnx.ModelProto) -> None:
    values = bytes(MAX_FIELDS + 1)
    model.graph.initializer.append(
        TensorProto(name="zeros", data_type=TensorProto.INT64, dims=[len(values)], int64_data=values)
    )


CHANGES: list[tuple[Change, str]] = [
    (constant_of_shape, "ConstantOfShape"),
    (expand, "Expand"),
    (tile, "Tile"),
    (outer_product, "16777216 elements"),
    (outer_product_of_the_batch, "grows faster than the batch"),
    (outer_product_behind_a_lie, "cannot be determined"),
    (rows_hidden_in_the_batch, "16777216 elements"),
    (doubling, "elements per row"),
    (gathered_again_and_again, "4294967296 elements"),
    (arithmetic_without_end, "operations"),
    (more_arithmetic_than_the_card_tells, "parameters of its card"),
    (too_many_nodes, "nodes; at most"),
    (hollow, "has 0 elements"),
    (of_negative_size, "has 0 elements"),
    (many_small_numbers, "fields"),
]

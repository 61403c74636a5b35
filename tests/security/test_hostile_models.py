"""A model file made to harm is refused from its bytes, before any runtime sees them."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from enn_models import repository, scan
from enn_models.errors import InvalidModelError, ModelError, UnsafeModelError
from enn_models.package import open_package
from enn_models.scan import MAX_BYTES, MAX_MESSAGES, MAX_NODES
from examples import network
from tiny import graph, package

Change = Callable[[onnx.ModelProto], None]
LOCATION = onnx.StringStringEntryProto(key="location", value="../../etc/passwd")
PLACEHOLDER = "QQQQ"


def external(name: str = "secret") -> TensorProto:
    return TensorProto(
        name=name, data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL, external_data=[LOCATION]
    )


def dense(name: str, *shape: int) -> TensorProto:
    return numpy_helper.from_array(np.zeros(shape, np.float32), name)


def integers(name: str, *values: int) -> TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def sparse(values: TensorProto, indices: TensorProto) -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(values=values, indices=indices, dims=[4])


def body() -> onnx.GraphProto:
    return helper.make_graph([helper.make_node("Identity", ["secret"], ["y"])], "body", [], [], [external()])


def add(model: onnx.ModelProto, operator: str, inputs: list[str], **attributes: Any) -> None:
    model.graph.node.append(helper.make_node(operator, inputs, [f"n{len(model.graph.node)}"], **attributes))


def external_initializer(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(external())


def external_location_without_the_flag(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].external_data.append(LOCATION)


def external_constant(model: onnx.ModelProto) -> None:
    add(model, "Constant", [], value=external())


def external_constant_among_several(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.add(name="x", type=onnx.AttributeProto.TENSORS, tensors=[external()])


def external_sparse_values(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.append(sparse(external(), integers("i", 0)))


def external_sparse_indices(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.append(sparse(dense("v", 1), external()))


def sparse_constant(model: onnx.ModelProto) -> None:
    add(model, "Constant", [], sparse_value=sparse(dense("v", 1), integers("i", 0)))


def external_in_a_function(model: onnx.ModelProto) -> None:
    node = helper.make_node("Constant", [], ["y"], value=external())
    model.functions.append(helper.make_function("", "f", [], ["y"], [node], [helper.make_opsetid("", 17)]))


def a_function(model: onnx.ModelProto) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    model.functions.append(helper.make_function("", "Sin", ["x"], ["y"], [node], [helper.make_opsetid("", 17)]))


def training_information(model: onnx.ModelProto) -> None:
    model.training_info.add()


def foreign_domain(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def foreign_domain_that_is_no_text(model: onnx.ModelProto) -> None:
    model.opset_import.extend([helper.make_opsetid("com.microsoft", 1), helper.make_opsetid(PLACEHOLDER, 1)])


def foreign_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.microsoft"


def loop(model: onnx.ModelProto) -> None:
    add(model, "Loop", ["c0"], body=body())


def branch(model: onnx.ModelProto) -> None:
    add(model, "If", ["c0"], then_branch=body(), else_branch=body())


def graph_in_an_innocent_node(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.add(name="x", type=onnx.AttributeProto.GRAPHS, graphs=[body()])


def constant_of_shape(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(integers("size", 2**28))
    add(model, "ConstantOfShape", ["size"])


def expand(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(integers("size", 2**14, 2**14))
    add(model, "Expand", ["c0", "size"])


def outer_product(model: onnx.ModelProto) -> None:
    model.graph.initializer.extend([dense("column", 4096, 1), dense("row", 1, 4096)])
    add(model, "MatMul", ["column", "row"])


def outer_product_of_the_batch(model: onnx.ModelProto) -> None:
    add(model, "Transpose", ["input"])
    add(model, "MatMul", ["input", model.graph.node[-1].output[0]])


def outer_product_behind_a_lie(model: onnx.ModelProto) -> None:
    """The size of a slice that depends on the input is told in the file, and wrong."""
    model.graph.initializer.extend([dense("big", 5000, 1), *(integers(name, int(name)) for name in ("0", "1", "5000"))])
    add(model, "Cast", ["input"], to=TensorProto.INT64)
    add(model, "ReduceSum", [model.graph.node[-1].output[0]])
    add(model, "Reshape", [model.graph.node[-1].output[0], "1"])
    add(model, "Slice", ["big", model.graph.node[-1].output[0], "5000", "0"])
    add(model, "Transpose", [model.graph.node[-1].output[0]])
    column, row = model.graph.node[-2].output[0], model.graph.node[-1].output[0]
    add(model, "MatMul", [column, row])
    for name in (column, row, model.graph.node[-1].output[0]):
        model.graph.value_info.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1]))


def too_many_nodes(model: onnx.ModelProto) -> None:
    for _ in range(MAX_NODES):
        model.graph.node.add(op_type="Sin")


def strings(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(TensorProto(name="s", data_type=TensorProto.STRING, dims=[1], string_data=[b"x"]))


UNSAFE: list[tuple[Change, str]] = [
    (external_initializer, "another file"),
    (external_location_without_the_flag, "another file"),
    (external_constant, "another file"),
    (external_constant_among_several, "another file"),
    (external_sparse_values, "sparse|another file"),
    (external_sparse_indices, "sparse|another file"),
    (sparse_constant, "sparse"),
    (external_in_a_function, "another file"),
    (a_function, "functions"),
    (training_information, "training information"),
    (foreign_domain, "com.microsoft"),
    (foreign_domain_that_is_no_text, "com.microsoft"),
    (foreign_operator, "com.microsoft.Sub"),
    (loop, "graph|another file"),
    (branch, "graph|another file"),
    (graph_in_an_innocent_node, "graph|another file"),
    (constant_of_shape, "ConstantOfShape"),
    (expand, "Expand"),
    (outer_product, "16777216 elements"),
    (outer_product_of_the_batch, "2 open dimensions"),
    (outer_product_behind_a_lie, "open dimensions"),
    (too_many_nodes, "nodes; at most"),
    (strings, "element type"),
]


@pytest.mark.parametrize(("change", "text"), UNSAFE, ids=[change.__name__ for change, _ in UNSAFE])
def test_a_hostile_graph_is_refused_with_the_reason(change, text):
    model = graph(network())
    change(model)
    with pytest.raises(UnsafeModelError, match=text):
        scan.scan(model.SerializeToString().replace(PLACEHOLDER.encode(), b"\xff\xfe\xff\xfe"))


def test_the_graph_that_the_hostile_ones_are_made_of_is_accepted():
    scan.scan(graph(network()).SerializeToString())


@pytest.mark.parametrize("dims", [[2**30], [2**40, 2**40], [-1], [-1, -1], []])
def test_a_tensor_that_asks_for_more_than_it_holds_is_refused(dims):
    model = graph(network())
    model.graph.initializer.append(TensorProto(name="hollow", data_type=TensorProto.FLOAT, dims=dims))
    with pytest.raises(InvalidModelError, match="tensor 'hollow' holds 0 elements"):
        scan.scan(model.SerializeToString())


def test_fields_that_the_format_does_not_define_are_refused_at_any_depth():
    field = b"\xfa\x7f\x04moon"  # number 2047, four bytes
    model = graph(network())
    inner = onnx.NodeProto.FromString(model.graph.node[0].SerializeToString() + field)
    model.graph.node[0].CopyFrom(inner)
    for data in (model.SerializeToString(), graph(network()).SerializeToString() + field):
        with pytest.raises(UnsafeModelError, match="fields that the ONNX format does not define"):
            scan.scan(data)


def test_a_flood_of_empty_parts_is_refused_before_it_costs_time():
    model = onnx.ModelProto()
    data = model.SerializeToString() + b"\x42\x00" * (MAX_MESSAGES + 1)  # empty opset imports
    with pytest.raises(UnsafeModelError, match="parts"):
        scan.scan(data)


def test_a_file_above_the_limit_is_refused_unparsed():
    with pytest.raises(UnsafeModelError, match="at most"):
        scan.scan(bytes(MAX_BYTES + 1))


@given(st.binary(max_size=512))
def test_random_bytes_are_refused(data):
    with pytest.raises(ModelError):
        open_package(data)


WHOLE = package()


@given(st.integers(0, len(WHOLE) - 1))
def test_a_truncated_file_is_refused(length):
    with pytest.raises(ModelError):
        open_package(WHOLE[:length])


@given(st.data())
def test_a_damaged_file_is_refused_or_whole_but_never_an_accident(data):
    damaged = bytearray(WHOLE)
    for place in data.draw(st.lists(st.integers(0, len(WHOLE) - 1), min_size=1, max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
    with suppress(ModelError):
        open_package(bytes(damaged))


def test_a_deeply_nested_file_is_refused():
    data = b""
    for _ in range(200):  # a graph in an attribute in a node in a graph ...
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            length, size = len(data), b""
            while length > 127:
                size, length = size + bytes([length & 127 | 128]), length >> 7
            data = tag + size + bytes([length]) + data
    with pytest.raises(ModelError):
        scan.scan(b"\x3a" + data)


def test_a_hostile_file_with_a_right_sum_is_still_refused(tmp_path):
    model = graph(network())
    external_initializer(model)
    repository.publish(tmp_path, "ring", model.SerializeToString())
    with pytest.raises(UnsafeModelError, match="another file"):
        open_package(repository.read(tmp_path, "ring", "1"))


def test_a_contradiction_at_a_name_that_is_no_text_is_refused():
    model = onnx.ModelProto.FromString(WHOLE)
    for node in model.graph.node:
        node.name = "AAAA"
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 7
    with pytest.raises(ModelError):
        open_package(model.SerializeToString().replace(b"AAAA", b"AA\xb5A"))

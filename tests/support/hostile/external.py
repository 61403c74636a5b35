"""Graphs with tensors in external files, in every place where ONNX allows a tensor."""

import onnx
from onnx import TensorProto, helper

from support.hostile.graphs import LOCATION, Change, add, body, dense, external, function, integers, sparse


def external_initializer(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(external())


def external_location_without_the_flag(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].external_data.append(LOCATION)


def external_flag_without_a_location(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL


def external_constant(model: onnx.ModelProto) -> None:
    add(model, "Constant", value=external())


def external_constant_among_several(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.add(name="x", type=onnx.AttributeProto.TENSORS, tensors=[external()])


def external_sparse_values(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.append(sparse(external(), integers("i", 0)))


def external_sparse_indices(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.append(sparse(dense("v", 1), external()))


def external_sparse_constants(model: onnx.ModelProto) -> None:
    tensors = [sparse(external(), external())]
    model.graph.node[0].attribute.add(name="x", type=onnx.AttributeProto.SPARSE_TENSORS, sparse_tensors=tensors)


def sparse_constant(model: onnx.ModelProto) -> None:
    add(model, "Constant", sparse_value=sparse(dense("v", 1), integers("i", 0)))


def external_in_a_function(model: onnx.ModelProto) -> None:
    function(model, helper.make_node("Constant", [], ["y"], value=external()))


def external_default_of_a_function(model: onnx.ModelProto) -> None:
    made = function(model, helper.make_node("Identity", ["x"], ["y"]))
    made.attribute_proto.add(name="x", type=onnx.AttributeProto.TENSOR, t=external())


def external_in_a_branch_of_a_function(model: onnx.ModelProto) -> None:
    function(model, helper.make_node("If", ["c"], ["y"], then_branch=body(), else_branch=body()))


def external_in_training_information(model: onnx.ModelProto) -> None:
    model.training_info.add().initialization.initializer.append(external())


CHANGES: list[tuple[Change, str]] = [
    (external_initializer, "another file"),
    (external_location_without_the_flag, "another file"),
    (external_flag_without_a_location, "another file"),
    (external_constant, "another file"),
    (external_constant_among_several, "another file"),
    (external_sparse_values, "sparse|another file"),
    (external_sparse_indices, "sparse|another file"),
    (external_sparse_constants, "sparse|another file"),
    (sparse_constant, "sparse"),
    (external_in_a_function, "another file"),
    (external_default_of_a_function, "another file"),
    (external_in_a_branch_of_a_function, "graph|another file"),
    (external_in_training_information, "another file"),
]

"""Graphs with invalid types, shapes or names, or with others than those of a package."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from support.hostile.graphs import Change, add


def strings(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(TensorProto(name="s", data_type=TensorProto.STRING, dims=[1], string_data=[b"x"]))


def complex_numbers(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.complex64), "z"))


def type_that_does_not_exist(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].data_type = 99


def input_of_another_type(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def input_that_is_a_sequence(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT


def input_of_another_width(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 7


def input_without_a_batch(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 3


def second_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))


def output_that_nobody_computes(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = "moon"


def no_bumps(model: onnx.ModelProto) -> None:
    del model.graph.output[1]


def huge_name(model: onnx.ModelProto) -> None:
    model.graph.node[0].name = "n" * 2**20


def huge_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "o" * 1000


def node_that_reads_itself(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Sin", ["self"], ["self"]))


def cycle_of_two(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Sin", ["b"], ["a"]))
    model.graph.node.append(helper.make_node("Sin", ["a"], ["b"]))


def value_written_twice(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Sin", ["input"], ["output"]))


def value_from_nowhere(model: onnx.ModelProto) -> None:
    add(model, "Sin", "nowhere")


CHANGES: list[tuple[Change, str]] = [
    (strings, "element type"),
    (complex_numbers, "element type"),
    (type_that_does_not_exist, "element type"),
    (input_of_another_type, "contradicts itself"),
    (input_that_is_a_sequence, "contradicts itself|cannot be determined|not float32"),
    (input_of_another_width, "contradicts itself"),
    (input_without_a_batch, "not float32 of shape|contradicts itself"),
    (second_input, "inputs are"),
    (output_that_nobody_computes, "contradicts itself|no output"),
    (no_bumps, "no output 'bumps'"),
    (huge_name, "name has 1048576 bytes"),
    (huge_operator, "packages do not use"),
    (node_that_reads_itself, "cannot be determined|contradicts itself"),
    (cycle_of_two, "cannot be determined|contradicts itself"),
    (value_written_twice, "contradicts itself|does not load"),
    (value_from_nowhere, "cannot be determined|contradicts itself"),
]

"""Graphs with loops, branches, functions, or operators outside the ONNX standard."""

import onnx
from onnx import helper

from support.hostile.graphs import PLACEHOLDER, Change, add, body, function


def a_function(model: onnx.ModelProto) -> None:
    function(model, helper.make_node("Identity", ["x"], ["y"]), "Sin")


def a_function_that_calls_itself(model: onnx.ModelProto) -> None:
    function(model, helper.make_node("f", ["x"], ["y"]))


def training_information(model: onnx.ModelProto) -> None:
    model.training_info.add()


def foreign_domain(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def foreign_domain_that_is_no_text(model: onnx.ModelProto) -> None:
    model.opset_import.extend([helper.make_opsetid("com.microsoft", 1), helper.make_opsetid(PLACEHOLDER, 1)])


def foreign_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.microsoft"


def training_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "ai.onnx.preview.training"


def operator_of_the_future(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 9999


def loop(model: onnx.ModelProto) -> None:
    add(model, "Loop", "c0", body=body())


def scan_over_rows(model: onnx.ModelProto) -> None:
    add(model, "Scan", "input", body=body(), num_scan_inputs=1)


def branch(model: onnx.ModelProto) -> None:
    add(model, "If", "c0", then_branch=body(), else_branch=body())


def graph_in_an_innocent_node(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.add(name="x", type=onnx.AttributeProto.GRAPHS, graphs=[body()])


def convolution_that_steps_nowhere(model: onnx.ModelProto) -> None:
    add(model, "Conv", "input", "input", kernel_shape=[1, 1], strides=[0, 0])


def convolution_over_a_window(model: onnx.ModelProto) -> None:
    add(model, "Conv", "input", "input", kernel_shape=[1024, 1024])


def convolution_over_what_its_weight_says(model: onnx.ModelProto) -> None:
    add(model, "Conv", "input", "input")


CHANGES: list[tuple[Change, str]] = [
    (a_function, "functions"),
    (a_function_that_calls_itself, "functions"),
    (training_information, "training information"),
    (foreign_domain, "com.microsoft"),
    (foreign_domain_that_is_no_text, "com.microsoft"),
    (foreign_operator, "com.microsoft.Sub"),
    (training_operator, "ai.onnx.preview.training.Sub"),
    (operator_of_the_future, "contradicts itself|does not load"),
    (loop, "graph|another file"),
    (scan_over_rows, "graph|another file"),
    (branch, "graph|another file"),
    (graph_in_an_innocent_node, "graph|another file"),
    (convolution_that_steps_nowhere, "windows other than"),
    (convolution_over_a_window, "windows other than"),
    (convolution_over_what_its_weight_says, "windows other than"),
]

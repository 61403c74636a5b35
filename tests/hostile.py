"""A corpus of hostile model files, made by code: each with the reason for which it is refused."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from enn_models import repository
from enn_models.card import METADATA_KEY
from enn_models.scan import MAX_BYTES, MAX_NODES
from enn_models.wire import MAX_PARTS
from tiny import package

Change = Callable[[onnx.ModelProto], None]
LOCATION = onnx.StringStringEntryProto(key="location", value="../../etc/passwd")
PLACEHOLDER = "QQQQ"
NO_TEXT = b"\xff\xfe\xff\xfe"


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


def add(model: onnx.ModelProto, operator: str, *inputs: str, **attributes: Any) -> str:
    """Append a node and return the name of what it gives."""
    model.graph.node.append(helper.make_node(operator, inputs, [f"n{len(model.graph.node)}"], **attributes))
    return model.graph.node[-1].output[0]


def function(model: onnx.ModelProto, node: onnx.NodeProto, name: str = "f") -> onnx.FunctionProto:
    model.functions.append(helper.make_function("", name, [], ["y"], [node], [helper.make_opsetid("", 17)]))
    return model.functions[-1]


# External data, in every place where the format has a tensor.


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


# Operators that loop, branch, call or are not the standard's.


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


# Memory and time.


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
    """The size of a slice that depends on the input is told in the file, and wrong."""
    model.graph.initializer.extend([dense("big", 5000, 1), *(integers(name, int(name)) for name in ("0", "1", "5000"))])
    start = add(model, "Reshape", add(model, "ReduceSum", add(model, "Cast", "input", to=TensorProto.INT64)), "1")
    column = add(model, "Slice", "big", start, "5000", "0")
    row = add(model, "Transpose", column)
    for name in (column, row, add(model, "MatMul", column, row)):
        model.graph.value_info.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1]))


def rows_hidden_in_the_batch(model: onnx.ModelProto) -> None:
    """Flattened, a wide value has but the one dimension that may be open, and grows again."""
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
    """Every value is small and every weight is there once."""
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
    values = bytes(MAX_PARTS + 1)
    model.graph.initializer.append(
        TensorProto(name="zeros", data_type=TensorProto.INT64, dims=[len(values)], int64_data=values)
    )


# Types, shapes and names.


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


def convolution_that_steps_nowhere(model: onnx.ModelProto) -> None:
    add(model, "Conv", "input", "input", kernel_shape=[1, 1], strides=[0, 0])


def convolution_over_a_window(model: onnx.ModelProto) -> None:
    add(model, "Conv", "input", "input", kernel_shape=[1024, 1024])


def convolution_over_what_its_weight_says(model: onnx.ModelProto) -> None:
    add(model, "Conv", "input", "input")


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
    (constant_of_shape, "ConstantOfShape"),
    (expand, "Expand"),
    (tile, "Tile"),
    (outer_product, "16777216 elements"),
    (outer_product_of_the_batch, "grows faster than the batch"),
    (outer_product_behind_a_lie, "cannot be told"),
    (rows_hidden_in_the_batch, "16777216 elements"),
    (doubling, "elements a row"),
    (gathered_again_and_again, "4294967296 elements"),
    (arithmetic_without_end, "operations"),
    (more_arithmetic_than_the_card_tells, "parameters of its card"),
    (too_many_nodes, "nodes; at most"),
    (hollow, "holds 0 elements"),
    (of_negative_size, "holds 0 elements"),
    (many_small_numbers, "parts"),
    (strings, "element type"),
    (complex_numbers, "element type"),
    (type_that_does_not_exist, "element type"),
    (input_of_another_type, "contradicts itself"),
    (input_that_is_a_sequence, "contradicts itself|cannot be told|not float32"),
    (input_of_another_width, "contradicts itself"),
    (input_without_a_batch, "not float32 of shape|contradicts itself"),
    (second_input, "inputs are"),
    (output_that_nobody_computes, "contradicts itself|no output"),
    (no_bumps, "no output 'bumps'"),
    (huge_name, "a name of 1048576 bytes"),
    (huge_operator, "packages do not use"),
    (convolution_that_steps_nowhere, "windows other than"),
    (convolution_over_a_window, "windows other than"),
    (convolution_over_what_its_weight_says, "windows other than"),
    (node_that_reads_itself, "cannot be told|contradicts itself"),
    (cycle_of_two, "cannot be told|contradicts itself"),
    (value_written_twice, "contradicts itself|does not load"),
    (value_from_nowhere, "cannot be told|contradicts itself"),
]
"""What is done to the graph of a good package."""


LIES: list[tuple[str, dict[str, Any], str]] = [
    ("format", {"format": 2}, "format"),
    ("task", {"task": "regression"}, "classes"),
    ("layers", {"layers": [2, 3, 1]}, "parameters"),
    ("layers_without_end", {"layers": [2, 65_536, 65_536, 1]}, "parameters"),
    ("harmonics", {"harmonics": 1024}, "parameters"),
    ("parameters", {"parameters": "AAAA" * 4}, "parameters"),
    ("parameters_that_are_no_base64", {"parameters": "!"}, "parameters"),
    ("bias", {"bias": [7.0]}, "bias"),
    ("classes", {"classes": ["a", "a"]}, "classes"),
    ("features", {"features": []}, "features"),
    ("golden_outputs", {"golden.outputs": 5.0}, "golden vector"),
    ("golden_bumps", {"golden.bumps": 5.0}, "golden vector"),
    ("golden_without_rows", {"golden.inputs": []}, "golden"),
    ("few", {"unrolling.few": {"unrolling": "x", "rows": 1, "input": "moon", "output": "sun"}}, "does not load"),
    (
        "few_bumps",
        {"unrolling.few": {"unrolling": "x", "rows": 1, "input": "v0", "output": "output", "bumps": "sun"}},
        "does not load",
    ),
    (
        "few_of_another_network",
        {"unrolling.few": {"unrolling": "x", "rows": 1, "input": "v0", "output": "v0"}},
        "graph",
    ),
    ("fingerprint", {"fingerprint": "../../etc/passwd"}, "fingerprint"),
    ("a_field_of_its_own", {"exec": "rm"}, "exec"),
]
"""What a card is made to say that is not so: fields by their path, a number being added to every number there."""


def _told(card: dict[str, Any], lie: dict[str, Any]) -> dict[str, Any]:
    for path, value in lie.items():
        *above, name = path.split(".")
        part = card
        for step in above:
            part = part[step]
        part[name] = (np.array(part[name]) + value).tolist() if isinstance(value, float) else value
    return card


def with_card(data: bytes, text: str) -> bytes:
    model = onnx.ModelProto.FromString(data)
    del model.metadata_props[:]
    model.metadata_props.add(key=METADATA_KEY, value=text)
    return model.SerializeToString()


def lying(lie: dict[str, Any]) -> bytes:
    data = package()
    (entry,) = onnx.ModelProto.FromString(data).metadata_props
    return with_card(data, json.dumps(_told(json.loads(entry.value), lie)))


def nested(depth: int) -> bytes:
    """A graph in an attribute in a node in a graph ..."""
    data = b""
    for tag in (*[b"\x32", b"\x2a", b"\x0a"] * depth, b"\x3a"):
        data = sized(tag, data)
    return data


def sized(tag: bytes, data: bytes) -> bytes:
    length = len(data)
    while length > 127:
        tag, length = tag + bytes([length & 127 | 128]), length >> 7
    return tag + bytes([length]) + data


def changed(change: Change) -> bytes:
    model = onnx.ModelProto.FromString(package())
    change(model)
    return model.SerializeToString().replace(PLACEHOLDER.encode(), NO_TEXT)


def files() -> Iterator[tuple[str, bytes, str]]:
    """Yield name, bytes and reason of every hostile file."""
    for change, reason in CHANGES:
        yield change.__name__, changed(change), reason
    for name, lie, reason in LIES:
        yield f"lie_about_{name}", lying(lie), reason
    whole = package()
    model = onnx.ModelProto.FromString(whole)
    del model.metadata_props[:]
    yield "no_card", model.SerializeToString(), "no card"
    yield "card_that_is_no_json", with_card(whole, "{"), "card is not valid"
    yield "card_nested_without_end", with_card(whole, "[" * 10_000), "card is not valid"
    yield "field_that_does_not_exist", whole + b"\xfa\x7f\x04moon", "does not define"  # number 2047, four bytes
    yield "field_of_another_type", whole + b"\x3d\x00\x00\x00\x00", "does not define"  # a graph of 32 bits
    yield "group", whole + b"\x3b\x3c", "does not define"
    yield "flood_of_empty_parts", whole + b"\x42\x00" * (MAX_PARTS + 1), "parts"
    yield "flood_of_empty_nodes", sized(b"\x3a", b"\x0a\x00" * (MAX_BYTES // 2 - 8)), "parts"
    yield "graphs_in_graphs", nested(200), "deep"
    yield "nothing", b"", "no ONNX model"
    yield "text", b"#!/bin/sh\nrm -rf /\n" * 100, "ONNX"
    yield "too_large", bytes(MAX_BYTES + 1), "plain file of at most|at most"
    yield "cut_short", whole[: len(whole) // 2], "truncated|no ONNX model"


def version(root: Path, name: str) -> Path:
    """Publish a good package and return its folder."""
    return repository.publish(root, name, package())


def lay(root: Path) -> dict[str, str]:
    """Lay everything hostile into a repository; return by the name of each model the reason that it is refused for."""
    reasons: dict[str, str] = {}
    for name, data, reason in files():
        repository.publish(root, name, data)
        reasons[name] = reason
    for make, reason in PLACES:
        make(root, make.__name__)
        reasons[make.__name__] = reason
    for index, name in enumerate((b"a b", b"-rf", b"%2e%2e", b"a\nb", b"\xff\xfe", "ř".encode(), b"x" * 200, b"a:b")):
        version(root, f"odd_{index}").parent.rename(root / os.fsdecode(name))
        reasons[name.decode("utf-8", "surrogateescape").encode("utf-8", "backslashreplace").decode()] = (
            "expected 1 to 128"
        )
    return reasons


# What lies where a file should lie.


def model_file_is_a_link(root: Path, name: str) -> None:
    file = version(root, name) / repository.MODEL_FILE
    file.rename(root / ".elsewhere")
    file.symlink_to(root / ".elsewhere")


def model_file_is_a_link_to_a_device(root: Path, name: str) -> None:
    file = version(root, name) / repository.MODEL_FILE
    file.unlink()
    file.symlink_to("/dev/zero")


def model_file_is_a_device(root: Path, name: str) -> None:
    file = version(root, name) / repository.MODEL_FILE
    file.unlink()
    try:
        os.mknod(file, 0o020666, os.makedev(1, 5))  # /dev/zero, which never ends
    except PermissionError:  # not root: what is left to try is a queue
        os.mkfifo(file)


def model_file_is_a_queue(root: Path, name: str) -> None:
    file = version(root, name) / repository.MODEL_FILE
    file.unlink()
    os.mkfifo(file)


def model_file_is_a_socket(root: Path, name: str) -> None:
    folder = version(root, name)
    (folder / repository.MODEL_FILE).unlink()
    before = Path.cwd()
    os.chdir(folder)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(repository.MODEL_FILE)
    finally:
        os.chdir(before)


def model_file_is_a_folder(root: Path, name: str) -> None:
    file = version(root, name) / repository.MODEL_FILE
    file.unlink()
    file.mkdir()


def model_file_is_a_terabyte_of_nothing(root: Path, name: str) -> None:
    os.truncate(version(root, name) / repository.MODEL_FILE, 2**40)


def version_is_a_link(root: Path, name: str) -> None:
    folder = version(root, name)
    folder.rename(root / ".version")
    folder.symlink_to(root / ".version")


def model_is_a_link_out(root: Path, name: str) -> None:
    outside = root.parent / "outside"
    version(outside, name)
    (root / name).symlink_to(outside / name)


def sums_do_not_match(root: Path, name: str) -> None:
    (version(root, name) / repository.SUMS_FILE).write_text(f"{'0' * 64}  {repository.MODEL_FILE}\n")


def sums_are_of_another_file(root: Path, name: str) -> None:
    sums = version(root, name) / repository.SUMS_FILE
    sums.write_text(sums.read_text().replace(repository.MODEL_FILE, "other.onnx"))


def sums_are_not_there(root: Path, name: str) -> None:
    (version(root, name) / repository.SUMS_FILE).unlink()


def sums_are_a_gigabyte_of_nothing(root: Path, name: str) -> None:
    os.truncate(version(root, name) / repository.SUMS_FILE, 2**30)


def one_bit_is_another(root: Path, name: str) -> None:
    file = version(root, name) / repository.MODEL_FILE
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 1
    file.write_bytes(data)


def folder_is_empty(root: Path, name: str) -> None:
    (root / name / "1").mkdir(parents=True)


PLACES: list[tuple[Callable[[Path, str], None], str]] = [
    (model_file_is_a_link, "cannot be read"),
    (model_file_is_a_link_to_a_device, "cannot be read"),
    (model_file_is_a_device, "not a plain file"),
    (model_file_is_a_queue, "not a plain file"),
    (model_file_is_a_socket, "cannot be read"),
    (model_file_is_a_folder, "not a plain file"),
    (model_file_is_a_terabyte_of_nothing, "not a plain file"),
    (version_is_a_link, "is a link"),
    (model_is_a_link_out, "is a link"),
    (sums_do_not_match, "not the one published"),
    (sums_are_of_another_file, "not the one published"),
    (sums_are_not_there, "cannot be read"),
    (sums_are_a_gigabyte_of_nothing, "not a plain file"),
    (one_bit_is_another, "not the one published"),
    (folder_is_empty, "cannot be read"),
]

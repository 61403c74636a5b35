"""Tests of the package: a file opens only if card, parameters and graph agree."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from enn_models.card import METADATA_KEY
from enn_models.errors import InvalidModelError
from enn_models.package import GOLDEN_TOLERANCE, INPUT, RunModel, attach_card, open_package, verify_golden_vector
from support.examples import network
from support.tiny import card, fields, graph, package

TASKS = ["regression", "classification"]
HEADS = ["dct", "linear"]
FLOATS = [
    index
    for index, tensor in enumerate(graph(network()).graph.initializer)
    if tensor.data_type == onnx.TensorProto.FLOAT
]
OFF = 100 * GOLDEN_TOLERANCE
"""A change above the tolerance: all values here are below 100."""


def runtime(data: bytes) -> RunModel:
    evaluator = ReferenceEvaluator(onnx.load_model_from_string(data))

    def run(inputs: np.ndarray, names: Sequence[str]) -> list[np.ndarray]:
        return cast("list[np.ndarray]", evaluator.run(list(names), {INPUT: inputs}))

    return run


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("sizes", [(2, 3, 1), (2, 4, 3, 2)])
def test_complete_package_opens_and_gives_its_golden_vector(task, head, sizes):
    model = network(sizes, head=head, task=task, harmonics=1)  # gentle: float32 keeps its digits
    data = package(model)
    opened = open_package(data)
    assert opened.data == data
    assert opened.card == card(model)
    verify_golden_vector(opened, runtime(data))


def test_equal_models_make_equal_bytes():
    assert package() == package()


def test_attach_card_replaces_earlier_metadata():
    model = graph(network())
    model.metadata_props.add(key="author", value="somebody")
    found = onnx.load_model_from_string(attach_card(model, card(network())))
    assert [entry.key for entry in found.metadata_props] == [METADATA_KEY]
    assert [entry.key for entry in model.metadata_props] == ["author"]


def test_a_model_without_a_card_is_refused():
    with pytest.raises(InvalidModelError, match=r"the model has no card: metadata 'enn.card' is absent"):
        open_package(graph(network()).SerializeToString())


@pytest.mark.parametrize("text", ["", "{}", "moon", "[" * 10_000, '{"format": 1, "format": 3}'])
def test_invalid_card_is_refused(text):
    model = graph(network())
    model.metadata_props.add(key=METADATA_KEY, value=text)
    with pytest.raises(InvalidModelError, match="the card is not valid"):
        open_package(model.SerializeToString())


@pytest.mark.parametrize("part", ["outputs", "bumps"])
def test_an_altered_golden_vector_is_refused(part):
    golden = fields(network())["golden"]
    altered = golden | {part: (np.array(golden[part]) + OFF).tolist()}
    with pytest.raises(InvalidModelError, match=f"the card's parameters give another {part.removesuffix('s')}"):
        open_package(package(golden=altered))


def test_altered_parameters_are_refused():
    changed = fields(network())["parameters"]
    changed = ("B" if changed[0] == "A" else "A") + changed[1:]
    with pytest.raises(InvalidModelError, match="the card"):
        open_package(package(parameters=changed))


@pytest.mark.parametrize("index", FLOATS)
def test_a_graph_that_computes_another_network_is_refused(index):
    model = graph(network())
    tensor = model.graph.initializer[index]
    values = onnx.numpy_helper.to_array(tensor) + np.float32(0.01)
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    data = attach_card(model, card(network()))
    with pytest.raises(InvalidModelError, match="the graph gives another"):
        verify_golden_vector(open_package(data), runtime(data))


@pytest.mark.parametrize("output", range(3))
@pytest.mark.parametrize("change", [lambda a: a + OFF, lambda a: a * np.nan, lambda a: a[:1]])
def test_runtime_with_other_results_is_refused(output, change):
    data = package()

    def run(inputs: np.ndarray, names: Sequence[str]) -> list[np.ndarray]:
        found = list(runtime(data)(inputs, names))
        found[output] = change(found[output])
        return found

    with pytest.raises(InvalidModelError, match="the graph gives"):
        verify_golden_vector(open_package(data), run)


def renamed_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = model.graph.node[0].input[0] = "other"


def second_input(model: onnx.ModelProto) -> None:
    model.graph.input.add().CopyFrom(model.graph.input[0])
    model.graph.input[1].name = "other"


def fixed_batch(model: onnx.ModelProto) -> None:
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 3


def no_bumps(model: onnx.ModelProto) -> None:
    del model.graph.output[1]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (renamed_input, r"inputs are \['other'\]; expected \['input'\]"),
        (second_input, r"inputs are \['input', 'other'\]"),
        (fixed_batch, r"'input' is not float32 of shape \[batch, 2\]"),
        (no_bumps, "no output 'bumps'"),
    ],
)
def test_a_graph_of_another_signature_is_refused(change, text):
    model = graph(network())
    change(model)
    with pytest.raises(InvalidModelError, match=text):
        open_package(attach_card(model, card(network())))


def test_a_card_of_another_network_is_refused():
    with pytest.raises(InvalidModelError, match=r"'bumps' is not float32 of shape \[batch, 1, 5\]"):
        open_package(attach_card(graph(network()), card(network((2, 5, 1)))))

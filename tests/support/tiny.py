"""Package of an example network, built without enn_training: card, ONNX graph and model file."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from enn_models.card import Card, network_fields
from enn_models.cosine_series import frequencies
from enn_models.network import Layer, Network
from enn_models.package import INPUT, attach_card
from support.examples import network

ROWS = ((0.25, -0.5), (0.0, 1.0), (-1.5, 0.75))


def fields(model: Network) -> dict[str, Any]:
    """Return the fields of a card for a network."""
    response = model.respond(np.resize(ROWS, (3, model.inputs)))
    ranges = {"minimum": -2.0, "maximum": 2.0, "mean": 0.0}
    return {
        **network_fields(model),
        "features": [{"name": f"x{index}", **ranges} for index in range(model.inputs)],
        "classes": None if model.task == "regression" else [f"class {index}" for index in range(max(2, model.units))],
        "unrolling": {"output": "direct"},
        "training": {},
        "scores": {},
        "fingerprint": "0" * 64,
        "golden": {
            "inputs": np.resize(ROWS, (3, model.inputs)).tolist(),
            "outputs": response.output.tolist(),
            "bumps": response.bumps.tolist(),
        },
    }


def card(model: Network, **changes: Any) -> Card:
    """Return the card of a network, with some fields replaced."""
    return Card.model_validate(fields(model) | changes)


def graph(model: Network) -> onnx.ModelProto:
    """Return the network as an ONNX graph that sums the cosines one by one."""
    nodes: list[onnx.NodeProto] = []
    tensors: list[onnx.TensorProto] = []

    def constant(value: np.ndarray) -> str:
        tensors.append(numpy_helper.from_array(value, f"c{len(tensors)}"))
        return tensors[-1].name

    def node(operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        name = name or f"v{len(nodes)}"
        nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def activation(z: str, layer: Layer) -> str:
        assert layer.coefficients is not None
        omega = constant(frequencies(layer.coefficients.shape[1]).astype(np.float32))
        angles = node("Add", node("Mul", node("Unsqueeze", z, constant(np.array([2]))), omega), omega)
        terms = node("Mul", node("Cos", angles), constant(layer.coefficients))
        return node("ReduceSum", terms, constant(np.array([2])), keepdims=0)

    s = node("Sub", INPUT, constant(model.input_offset))
    for layer in model.layers[:-1]:
        s = activation(node("Gemm", s, constant(layer.weight), constant(layer.bias), transB=1), layer)
    last = model.layers[-1]
    node("Mul", node("Unsqueeze", s, constant(np.array([1]))), constant(last.weight), name="bumps")
    z = node("Gemm", s, constant(last.weight), constant(last.bias), transB=1, name="pre_activation")
    if model.link == "sigmoid":
        node("Concat", node("Sigmoid", node("Neg", z)), node("Sigmoid", z), axis=1, name="output")
    elif model.link == "softmax":
        node("Softmax", z, axis=1, name="output")
    else:
        value = z if last.coefficients is None else activation(z, last)
        node("Add", value, constant(model.output_offset), name="output")

    def tensor_info(name: str, *sizes: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *sizes])

    outputs = [
        tensor_info("output", model.outputs),
        tensor_info("bumps", model.units, len(model.layers[-2].bias)),
        tensor_info("pre_activation", model.units),
    ]
    body = helper.make_graph(nodes, "tiny", [tensor_info(INPUT, model.inputs)], outputs, tensors)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def package(model: Network | None = None, **changes: Any) -> bytes:
    """Return the bytes of a model file with its card.

    Args:
        model: Network; None for a small random one.
        changes: Fields of the card to replace.
    """
    model = model or network()
    return attach_card(graph(model), card(model, **changes))

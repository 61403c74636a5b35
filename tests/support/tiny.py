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


class _GraphBuilder:
    """Nodes and constants of an ONNX graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []

    def constant(self, value: np.ndarray) -> str:
        """Add a constant and return its name."""
        self.tensors.append(numpy_helper.from_array(value, f"c{len(self.tensors)}"))
        return self.tensors[-1].name

    def node(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the name of both."""
        name = name or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def affine(self, inputs: str, layer: Layer, name: str = "") -> str:
        """Add the pre-activations of a layer."""
        weight, bias = self.constant(layer.weight), self.constant(layer.bias)
        return self.node("Gemm", inputs, weight, bias, transB=1, name=name)

    def activation(self, z: str, layer: Layer) -> str:
        """Add the activations of a layer as a sum of cosines."""
        assert layer.coefficients is not None
        omega = self.constant(frequencies(layer.coefficients.shape[1]).astype(np.float32))
        rows = self.node("Unsqueeze", z, self.constant(np.array([2])))
        angles = self.node("Add", self.node("Mul", rows, omega), omega)
        terms = self.node("Mul", self.node("Cos", angles), self.constant(layer.coefficients))
        return self.node("ReduceSum", terms, self.constant(np.array([2])), keepdims=0)

    def output(self, z: str, model: Network) -> None:
        """Add the output of the network from the pre-activations of the last layer."""
        if model.link == "sigmoid":
            self.node(
                "Concat", self.node("Sigmoid", self.node("Neg", z)), self.node("Sigmoid", z), axis=1, name="output"
            )
        elif model.link == "softmax":
            self.node("Softmax", z, axis=1, name="output")
        else:
            value = z if model.layers[-1].coefficients is None else self.activation(z, model.layers[-1])
            self.node("Add", value, self.constant(model.output_offset), name="output")


def graph(model: Network) -> onnx.ModelProto:
    """Return the network as an ONNX graph that sums the cosines one by one."""
    builder = _GraphBuilder()
    signal = builder.node("Sub", INPUT, builder.constant(model.input_offset))
    for layer in model.layers[:-1]:
        signal = builder.activation(builder.affine(signal, layer), layer)
    last = model.layers[-1]
    rows = builder.node("Unsqueeze", signal, builder.constant(np.array([1])))
    builder.node("Mul", rows, builder.constant(last.weight), name="bumps")
    builder.output(builder.affine(signal, last, "pre_activation"), model)
    outputs = [
        _tensor_info("output", model.outputs),
        _tensor_info("bumps", model.units, len(model.layers[-2].bias)),
        _tensor_info("pre_activation", model.units),
    ]
    body = helper.make_graph(builder.nodes, "tiny", [_tensor_info(INPUT, model.inputs)], outputs, builder.tensors)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _tensor_info(name: str, *sizes: int) -> onnx.ValueInfoProto:
    """Return the type of a float32 value with a batch dimension."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *sizes])


def package(model: Network | None = None, **changes: Any) -> bytes:
    """Return the bytes of a model file with its card.

    Args:
        model: Network; None for a small random one.
        changes: Fields of the card to replace.
    """
    model = model or network()
    return attach_card(graph(model), card(model, **changes))

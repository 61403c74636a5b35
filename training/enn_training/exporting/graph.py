"""A graph under construction: readable names in, one deterministic ONNX model out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from enn_training.exporting.affine import Affine

OPSET = 13
"""The lowest in which every operator used here has its present form."""
IR_VERSION = 7
"""The one that came with opset 13; ONNX Runtime 1.15.0, the oldest for Python 3.11, loads it."""


@dataclass(frozen=True)
class Value:
    """A named value of the graph and the way it lies: [batch, neurons], or [neurons, batch] where columns is true."""

    name: str
    neurons: int
    columns: bool


@dataclass
class Graph:
    """Collects nodes and constants in the order in which they are asked for.

    Attributes:
        nodes: The operators, each after those that it reads.
        constants: Initializers by name.
    """

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def node(self, operator: str, inputs: Sequence[str], name: str, **attributes: int | Sequence[int]) -> str:
        """Append an operator of one output, which has the node's name, and return that name."""
        node = helper.make_node(operator, list(inputs), [name], name=name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return name

    def constant(self, name: str, value: ArrayLike) -> str:
        """Add a float32 constant (int64 for integers, booleans as they are) and return its name."""
        array = np.asarray(value)
        array = array.astype({"i": np.int64, "u": np.int64, "b": np.bool_}.get(array.dtype.kind, np.float32))
        self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def binary(self, operator: str, left: str, right: str | ArrayLike, name: str) -> str:
        """Append an elementwise operator of two values; a right side that is no name becomes a constant."""
        if not isinstance(right, str):
            right = self.constant(f"{name}_constant", right)
        return self.node(operator, (left, right), name)

    def affine(self, sources: Sequence[Value], affine: Affine, name: str, *, columns: bool) -> Value:
        """Append the Gemm of an affine map; one Gemm a source.

        Args:
            sources: What to map: values that lie alike and whose neurons, one after the other, are the map's inputs.
            affine: The map.
            name: The result's name.
            columns: Whether the result lies [outputs, batch].

        Returns:
            The result, [batch, outputs] or [outputs, batch].
        """
        if sources[0].columns and not columns:  # turning the few outputs is faster than turning the many neurons
            turned = self.affine(sources, affine, f"{name}_columns", columns=True)
            return Value(self.node("Transpose", [turned.name], name, perm=[1, 0]), turned.neurons, columns=False)
        addend = self.constant(f"{name}_bias", affine.bias[:, None] if columns else affine.bias)
        turn = {} if sources[0].columns else {"transB": 1}
        start = 0
        for index, source in enumerate(sources):
            part = name if index == len(sources) - 1 else f"{name}_part{index}"
            weight = self.constant(f"{part}_weight", affine.weight[:, start : start + source.neurons])
            operands = [weight, source.name] if columns else [source.name, weight]
            addend = self.node("Gemm", [*operands, addend], part, **turn)
            start += source.neurons
        return Value(addend, len(affine.bias), columns)

    def model(self, outputs: dict[str, Sequence[int]], features: int, description: str) -> onnx.ModelProto:
        """Return the finished model, checked and with every shape inferred.

        Args:
            outputs: Name of each graph output and its sizes after the batch.
            features: The number of raw inputs.
            description: The graph's documentation.
        """
        graph = helper.make_graph(
            self.nodes,
            "enn",
            [_tensor("input", [features])],
            [_tensor(name, sizes) for name, sizes in outputs.items()],
            list(self.constants.values()),
            doc_string=description,
        )
        model = helper.make_model(
            graph, producer_name="enn", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        onnx.checker.check_model(model, full_check=True)
        return model


def _tensor(name: str, sizes: Sequence[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *sizes])

"""A graph under construction: readable names in, one deterministic ONNX model out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from enn_training.export.affine import Affine

OPSET = 13
"""The lowest in which every operator used here has its present form."""
IR_VERSION = 7
"""The one that came with opset 13: ONNX Runtime 1.8 of 2021 and all later ones load it."""


@dataclass(frozen=True)
class Value:
    """A named value of the graph and the way it lies: [batch, neurons], or [neurons, batch] where columns is true."""

    name: str
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
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, name: str, value: ArrayLike) -> str:
        """Add a float32 constant (int64 for integers) and return its name."""
        array = np.asarray(value)
        array = array.astype(np.int64 if array.dtype.kind in "iu" else np.float32)
        self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def binary(self, operator: str, left: str, right: str | ArrayLike, name: str) -> str:
        """Append an elementwise operator of two values; a right side that is no name becomes a constant."""
        if not isinstance(right, str):
            right = self.constant(f"{name}_constant", right)
        return self.node(operator, (left, right), name)

    def affine(self, source: Value, affine: Affine, name: str, *, columns: bool) -> Value:
        """Append the one Gemm of an affine map, which turns rows into columns or back on the way.

        Args:
            source: The value to map, with `affine.weight.shape[1]` neurons.
            affine: The map.
            name: The result's name.
            columns: Whether the result lies [outputs, batch].

        Returns:
            The result, [batch, outputs] or [outputs, batch].
        """
        weight = self.constant(f"{name}_weight", affine.weight)
        inputs = [weight, source.name] if columns else [source.name, weight]
        if affine.bias.any():
            inputs.append(self.constant(f"{name}_bias", affine.bias[:, None] if columns else affine.bias))
        if columns:
            flags = {} if source.columns else {"transB": 1}
        else:
            flags = {"transA": 1, "transB": 1} if source.columns else {"transB": 1}
        return Value(self.node("Gemm", inputs, name, **flags), columns)

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

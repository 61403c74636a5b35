"""A graph under construction: readable names in, one deterministic ONNX model out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine

OPSET = 14
"""The lowest in which all runtimes agree on every operator used here; BatchNormalization was ambiguous before."""
IR_VERSION = 7
"""The one that came with opset 14; ONNX Runtime 1.15.0, the oldest for Python 3.11, loads it."""


@dataclass(frozen=True)
class Value:
    """A named value of the graph and the way it lies.

    Attributes:
        name: Its name.
        neurons: How many values of a row it has.
        columns: Whether it lies [neurons, batch], and not [batch, neurons].
        image: Whether it lies [1, neurons, 1, batch] instead, as convolutions ask.
    """

    name: str
    neurons: int
    columns: bool
    image: bool = False


@dataclass
class Graph:
    """Collects nodes and constants in the order in which they are asked for.

    Attributes:
        double: Whether it computes in float64; its inputs and outputs are float32 all the same.
        convolved: Whether `per_neuron` and `shifted` are convolutions, of values [1, neurons, 1, batch].
        nodes: The operators, each after those that it reads.
        constants: Initializers by name.
    """

    double: bool = False
    convolved: bool = False
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def precise(self, *, double: bool) -> "Graph":
        """Return this very graph, whose further nodes compute in float64 or in float32."""
        return replace(self, double=double)

    def convolving(self) -> "Graph":
        """Return this very graph, whose further affine maps per neuron are convolutions."""
        return replace(self, convolved=True)

    def node(self, operator: str, inputs: Sequence[str], name: str, **attributes: float | Sequence[int]) -> str:
        """Append an operator of one output, which has the node's name, and return that name."""
        node = helper.make_node(operator, list(inputs), [name], name=name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return name

    def constant(self, name: str, value: ArrayLike) -> str:
        """Add a constant in the graph's precision (integers in int64, booleans as they are) and return its name."""
        array = np.asarray(value)
        real = np.float64 if self.double else np.float32
        array = array.astype({"i": np.int64, "u": np.int64, "b": np.bool_}.get(array.dtype.kind, real))
        self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def binary(self, operator: str, left: str, right: str | ArrayLike, name: str) -> str:
        """Append an elementwise operator of two values; a right side that is no name becomes a constant."""
        if not isinstance(right, str):
            right = self.constant(f"{name}_constant", right)
        return self.node(operator, (left, right), name)

    @property
    def real(self) -> int:
        """The element type of numbers inside the graph."""
        return TensorProto.DOUBLE if self.double else TensorProto.FLOAT

    def opened(self, name: str, inner: str) -> str:
        """Return a float32 value in the graph's precision, as `inner` if that is another."""
        return self.node("Cast", [name], inner, to=self.real) if self.double else name

    def published(self, compute: Callable[[str], object], name: str) -> None:
        """Append a float32 value that `compute` appends, under the name it is given, in the graph's precision."""
        inner = f"{name}/float64" if self.double else name
        compute(inner)
        if self.double:
            self.node("Cast", [inner], name, to=TensorProto.FLOAT)

    def affine(self, source: Value, affine: Affine, name: str, *, columns: bool) -> Value:
        """Append the Gemm of an affine map.

        Args:
            source: What to map; its neurons are the map's inputs.
            affine: The map.
            name: The result's name.
            columns: Whether the result lies [outputs, batch].

        Returns:
            The result, [batch, outputs] or [outputs, batch].
        """
        if source.image:
            return self._pointwise(source, affine, name, columns=columns)
        if source.columns and not columns:  # turning the few outputs is faster than turning the many neurons
            turned = self.affine(source, affine, f"{name}_columns", columns=True)
            return Value(self.node("Transpose", [turned.name], name, perm=[1, 0]), turned.neurons, columns=False)
        weight = self.constant(f"{name}_weight", affine.weight)
        bias = self.constant(f"{name}_bias", affine.bias[:, None] if columns else affine.bias)
        operands = [weight, source.name] if columns else [source.name, weight]
        self.node("Gemm", [*operands, bias], name, **({} if source.columns else {"transB": 1}))
        return Value(name, len(affine.bias), columns)

    def _pointwise(self, source: Value, affine: Affine, name: str, *, columns: bool) -> Value:
        """Append the convolution of an affine map, and what lays an image out as columns or as rows."""
        weight = self.constant(f"{name}_weight", affine.weight[:, :, None, None])
        bias = self.constant(f"{name}_bias", affine.bias)
        image = self.node("Conv", [source.name, weight, bias], f"{name}_image", kernel_shape=[1, 1])
        if columns:
            return self.flat(Value(image, len(affine.bias), columns=True, image=True), name)
        turned = self.node("Transpose", [image], f"{name}_turned", perm=[0, 2, 3, 1])
        rows = self.node("Squeeze", [turned, self.constant("row_axes", [0, 1])], name)
        return Value(rows, len(affine.bias), columns=False)

    def with_channels(self, columns: str, name: str) -> str:
        """Append [1, neurons, batch] of [neurons, batch]: neurons as channels, which `per_neuron` asks for."""
        axes = self.constant("image_axes", [0, 2]) if self.convolved else self.constant("channel_axis", [0])
        return self.node("Unsqueeze", [columns, axes], name)

    def without_channels(self, value: str, neurons: int, name: str) -> Value:
        """Append [neurons, batch] of [1, neurons, batch]; what convolutions ask for stays as it is."""
        if self.convolved:
            return Value(value, neurons, columns=True, image=True)
        return Value(self.node("Squeeze", [value, self.constant("channel_axis", [0])], name), neurons, columns=True)

    def flat(self, value: Value, name: str) -> Value:
        """Append [neurons, batch] of an image; any other value is returned as it is."""
        if not value.image:
            return value
        axes = self.constant("image_axes", [0, 2])
        return Value(self.node("Squeeze", [value.name, axes], name), value.neurons, columns=True)

    def per_neuron(self, value: str, slope: Floats, offset: Floats, name: str) -> str:
        """Append slope x + offset of values [1, neurons, batch], in one pass over them.

        BatchNormalization is that map once its mean is 0 and its variance 1, and so is a convolution of one value.
        """
        neurons = len(slope)
        if self.convolved:
            weight = self.constant(f"{name}_slope", slope.reshape(neurons, 1, 1, 1))
            bias = self.constant(f"{name}_offset", offset)
            return self.node("Conv", [value, weight, bias], name, group=neurons, kernel_shape=[1, 1])
        shared = f"{neurons}_float64" if self.double else str(neurons)
        constants = [
            self.constant(f"{name}_slope", slope),
            self.constant(f"{name}_offset", offset),
            self.constant(f"zeros{shared}", np.zeros(neurons)),
            self.constant(f"ones{shared}", np.ones(neurons)),
        ]
        return self.node("BatchNormalization", [value, *constants], name, epsilon=0.0)

    def shifted(self, value: str, offset: float, neurons: int, name: str) -> str:
        """Append x + offset of values [1, neurons, batch]."""
        if self.convolved:
            return self.per_neuron(value, np.ones(neurons), np.full(neurons, offset), name)
        return self.binary("Add", value, np.full((1, 1), offset), name)

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

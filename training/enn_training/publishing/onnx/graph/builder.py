"""Build an ONNX graph with readable names; the same calls always give the same bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from enn_models.cosine_series import Floats
from enn_training.publishing.onnx.graph.affine import Affine

OPSET = 14
"""Lowest opset in which all runtimes agree on every operator used here; BatchNormalization was ambiguous before."""
IR_VERSION = 7
"""IR version of opset 14; ONNX Runtime 1.15.0, the oldest for Python 3.11, loads it."""

FAR_BIAS = 16.0
"""Ratio of the bias of an output to the sum of its weights above which the bias is added last."""


@dataclass(frozen=True)
class Value:
    """Named value of the graph and its memory layout.

    Attributes:
        name: Name in the graph.
        neurons: Number of values per row.
        neurons_first: Layout [neurons, batch] instead of [batch, neurons].
        nchw: Layout [1, neurons, 1, batch], which convolutions require.
    """

    name: str
    neurons: int
    neurons_first: bool
    nchw: bool = False


@dataclass
class Graph:
    """ONNX graph under construction: nodes and constants in the order in which they are added.

    Attributes:
        float64: Compute in float64; inputs and outputs of the graph are float32 in any case.
        use_convolutions: Write `add_per_neuron_affine` and `add_offset` as convolutions of [1, neurons, 1, batch].
        nodes: Operators, each after the operators whose outputs it reads.
        constants: Initializers by name.
    """

    float64: bool = False
    use_convolutions: bool = False
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def with_precision(self, *, float64: bool) -> "Graph":
        """Return a view of this graph that adds further nodes in float64 or float32."""
        return replace(self, float64=float64)

    def with_convolutions(self) -> "Graph":
        """Return a view of this graph that adds further affine maps per neuron as convolutions."""
        return replace(self, use_convolutions=True)

    def add_node(self, operator: str, inputs: Sequence[str], name: str, **attributes: float | Sequence[int]) -> str:
        """Append an operator with one output and return the name, shared by node and output."""
        node = helper.make_node(operator, list(inputs), [name], name=name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return name

    def add_constant(self, name: str, value: ArrayLike) -> str:
        """Add an initializer in the graph's precision and return its name; integers become int64, booleans stay."""
        array = np.asarray(value)
        real = np.float64 if self.float64 else np.float32
        array = array.astype({"i": np.int64, "u": np.int64, "b": np.bool_}.get(array.dtype.kind, real))
        self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def add_binary(self, operator: str, left: str, right: str | ArrayLike, name: str) -> str:
        """Append an elementwise operator of two values; `right` becomes a constant unless it is a name."""
        if not isinstance(right, str):
            right = self.add_constant(f"{name}_constant", right)
        return self.add_node(operator, (left, right), name)

    @property
    def element_type(self) -> int:
        """ONNX element type of real numbers inside the graph."""
        return TensorProto.DOUBLE if self.float64 else TensorProto.FLOAT

    def cast_input(self, name: str, inner: str) -> str:
        """Return the name of a float32 value in the precision of the graph; `inner` names the result of a cast."""
        return self.add_node("Cast", [name], inner, to=self.element_type) if self.float64 else name

    def add_output(self, compute: Callable[[str], object], name: str) -> None:
        """Append a float32 value.

        Args:
            compute: Appends the value in the precision of the graph under the name that it receives.
            name: Name of the float32 value.
        """
        inner = f"{name}/float64" if self.float64 else name
        compute(inner)
        if self.float64:
            self.add_node("Cast", [inner], name, to=TensorProto.FLOAT)

    def add_affine(self, source: Value, affine: Affine, name: str, *, neurons_first: bool) -> Value:
        """Append an affine map as a Gemm, or as a convolution for values in NCHW layout.

        Args:
            source: Value to map; its neurons are the inputs of the map.
            affine: Map to apply.
            name: Name of the result.
            neurons_first: Return the result as [outputs, batch].

        Returns:
            Result, [batch, outputs] or [outputs, batch].
        """
        if source.nchw:
            return self._add_pointwise_convolution(source, affine, name, neurons_first=neurons_first)
        if source.neurons_first and not neurons_first:
            # Transposing the few outputs is faster than transposing the many neurons.
            result = self.add_affine(source, affine, f"{name}_columns", neurons_first=True)
            transposed = self.add_node("Transpose", [result.name], name, perm=[1, 0])
            return Value(transposed, result.neurons, neurons_first=False)
        weight = self.add_constant(f"{name}_weight", affine.weight)
        bias = self.add_constant(f"{name}_bias", affine.bias[:, None] if neurons_first else affine.bias)
        operands = [weight, source.name] if neurons_first else [source.name, weight]
        self.add_node("Gemm", [*operands, bias], name, **({} if source.neurons_first else {"transB": 1}))
        return Value(name, len(affine.bias), neurons_first)

    def add_output_affine(self, source: Value, affine: Affine, name: str) -> None:
        """Append an affine map to [batch, outputs], and add a bias far above all products at the end.

        A sum that begins with such a bias is rounded to its precision at every product; here it is rounded once.
        """
        far = np.abs(affine.bias) > FAR_BIAS * np.abs(affine.weight).sum(axis=1)
        if not far.any():
            self.add_affine(source, affine, name, neurons_first=False)
            return
        near = Affine(affine.weight, np.where(far, 0.0, affine.bias))
        products = self.add_affine(source, near, f"{name}_products", neurons_first=False)
        self.add_binary("Add", products.name, np.where(far, affine.bias, 0.0), name)

    def _add_pointwise_convolution(self, source: Value, affine: Affine, name: str, *, neurons_first: bool) -> Value:
        """Append an affine map as a convolution, and convert the result from NCHW layout."""
        weight = self.add_constant(f"{name}_weight", affine.weight[:, :, None, None])
        bias = self.add_constant(f"{name}_bias", affine.bias)
        convolution = self.add_node("Conv", [source.name, weight, bias], f"{name}_image", kernel_shape=[1, 1])
        if neurons_first:
            return self.to_neurons_first(Value(convolution, len(affine.bias), neurons_first=True, nchw=True), name)
        transposed = self.add_node("Transpose", [convolution], f"{name}_turned", perm=[0, 2, 3, 1])
        rows = self.add_node("Squeeze", [transposed, self.add_constant("row_axes", [0, 1])], name)
        return Value(rows, len(affine.bias), neurons_first=False)

    def add_channel_axes(self, value: str, name: str) -> str:
        """Append the conversion of [neurons, batch] to [1, neurons, batch], the layout of `add_per_neuron_affine`."""
        constant, axes = ("image_axes", [0, 2]) if self.use_convolutions else ("channel_axis", [0])
        return self.add_node("Unsqueeze", [value, self.add_constant(constant, axes)], name)

    def remove_channel_axes(self, value: str, neurons: int, name: str) -> Value:
        """Append the conversion of [1, neurons, batch] to [neurons, batch]; NCHW values keep their layout."""
        if self.use_convolutions:
            return Value(value, neurons, neurons_first=True, nchw=True)
        squeezed = self.add_node("Squeeze", [value, self.add_constant("channel_axis", [0])], name)
        return Value(squeezed, neurons, neurons_first=True)

    def to_neurons_first(self, value: Value, name: str) -> Value:
        """Append the conversion of NCHW to [neurons, batch]; return any other value unchanged."""
        if not value.nchw:
            return value
        axes = self.add_constant("image_axes", [0, 2])
        return Value(self.add_node("Squeeze", [value.name, axes], name), value.neurons, neurons_first=True)

    def add_per_neuron_affine(self, value: str, slope: Floats, offset: Floats, name: str) -> str:
        """Append slope x + offset of values [1, neurons, batch] as a single operator.

        BatchNormalization with mean 0 and variance 1 computes this map, and so does a convolution with one group per
        neuron.

        Args:
            value: Name of the values.
            slope: Factor of each neuron, [neurons].
            offset: Term of each neuron, [neurons].
            name: Name of the result.
        """
        neurons = len(slope)
        if self.use_convolutions:
            weight = self.add_constant(f"{name}_slope", slope.reshape(neurons, 1, 1, 1))
            bias = self.add_constant(f"{name}_offset", offset)
            return self.add_node("Conv", [value, weight, bias], name, group=neurons, kernel_shape=[1, 1])
        shared = f"{neurons}_float64" if self.float64 else str(neurons)
        constants = [
            self.add_constant(f"{name}_slope", slope),
            self.add_constant(f"{name}_offset", offset),
            self.add_constant(f"zeros{shared}", np.zeros(neurons)),
            self.add_constant(f"ones{shared}", np.ones(neurons)),
        ]
        return self.add_node("BatchNormalization", [value, *constants], name, epsilon=0.0)

    def add_offset(self, value: str, offset: float, neurons: int, name: str) -> str:
        """Append x + offset of values [1, neurons, batch]."""
        if self.use_convolutions:
            return self.add_per_neuron_affine(value, np.ones(neurons), np.full(neurons, offset), name)
        return self.add_binary("Add", value, np.full((1, 1), offset), name)

    def to_model(self, outputs: dict[str, Sequence[int]], features: int, description: str) -> onnx.ModelProto:
        """Return the complete model, checked and with all shapes inferred.

        Args:
            outputs: Sizes after the batch of each graph output, by name.
            features: Number of raw inputs.
            description: Documentation string of the graph.
        """
        graph = helper.make_graph(
            self.nodes,
            "enn",
            [_tensor_info("input", [features])],
            [_tensor_info(name, sizes) for name, sizes in outputs.items()],
            list(self.constants.values()),
            doc_string=description,
        )
        model = helper.make_model(
            graph, producer_name="enn", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        onnx.checker.check_model(model, full_check=True)
        return model


def _tensor_info(name: str, sizes: Sequence[int]) -> onnx.ValueInfoProto:
    """Return the type of a float32 tensor [batch, *sizes]."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *sizes])

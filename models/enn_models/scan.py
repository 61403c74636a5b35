"""The safe-operator scan: what a model file may contain, decided from its bytes before any runtime sees them."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import onnx
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from enn_models.errors import InvalidModelError, UnsafeModelError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BYTES = 8 * 2**20
MAX_NODES = 10_000
MAX_MESSAGES = 250_000
"""The most parts of any kind in a file: a graph of MAX_NODES nodes has fewer."""
MAX_ROW_ELEMENTS = 2**22
"""The most elements that one row of a batch may take in any value of the graph."""

OPERATORS = frozenset(
    [
        "Abs",
        "Add",
        "BatchNormalization",
        "Cast",
        "Concat",
        "Cos",
        "Div",
        "Equal",
        "Flatten",
        "Floor",
        "Gather",
        "Gemm",
        "Identity",
        "IsNaN",
        "MatMul",
        "Mul",
        "Neg",
        "ReduceSum",
        "Reshape",
        "Round",
        "Sigmoid",
        "Sin",
        "Slice",
        "Softmax",
        "Split",
        "Squeeze",
        "Sub",
        "Sum",
        "Transpose",
        "Unsqueeze",
        "Where",
    ]
)
"""Operators of the default domain that compute a value no larger than their inputs ask for: none loops or expands."""

ELEMENT_BYTES: dict[int, int] = {
    onnx.TensorProto.FLOAT: 4,
    onnx.TensorProto.DOUBLE: 8,
    onnx.TensorProto.INT64: 8,
    onnx.TensorProto.INT32: 4,
    onnx.TensorProto.BOOL: 1,
}
"""The element types that tensors may have, and the bytes of one element."""


def scan(data: bytes) -> onnx.ModelProto:
    """Parse a model file and check that everything in it is of a kind that packages use.

    Args:
        data: The file's bytes; the same ones go to the runtime afterwards.

    Returns:
        The parsed model, its shapes inferred from its inputs alone.

    Raises:
        InvalidModelError: The bytes are no ONNX model, or one that contradicts itself.
        UnsafeModelError: It refers to data outside the file, uses a foreign operator, or asks for too much memory.
    """
    if len(data) > MAX_BYTES:
        raise UnsafeModelError(f"the file has {len(data)} bytes; at most {MAX_BYTES} are accepted")
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError:
        raise InvalidModelError("the file is no ONNX model, or it is truncated") from None
    for count, message in enumerate(_messages(model)):
        if count >= MAX_MESSAGES:
            raise UnsafeModelError(f"the file has more than {MAX_MESSAGES} parts, of all kinds together")
        _check_message(message)
    _check_model(model)
    _check_nodes(model.graph.node)
    return _check_sizes(model)


def _messages(message: Message) -> Iterator[Message]:
    """Yield the message and all that it contains, wherever the format lets a tensor or a graph hide."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for child in [value] if isinstance(value, Message) else value:
                yield from _messages(child)


def _check_message(message: Message) -> None:
    if len(UnknownFieldSet(message)):
        raise UnsafeModelError(f"a {message.DESCRIPTOR.name} has fields that the ONNX format does not define")
    if isinstance(message, onnx.TensorProto):
        _check_tensor(message)
    if isinstance(message, onnx.SparseTensorProto):
        raise UnsafeModelError("the model has a sparse tensor; dense ones are accepted")
    if isinstance(message, onnx.AttributeProto) and (message.HasField("g") or message.graphs):
        raise UnsafeModelError(f"attribute {message.name!r} holds a graph; loops and branches are not accepted")


def _check_tensor(tensor: onnx.TensorProto) -> None:
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise UnsafeModelError(f"tensor {tensor.name!r} keeps its data in another file; it must be in the model")
    size = ELEMENT_BYTES.get(tensor.data_type)
    if size is None:
        raise UnsafeModelError(f"tensor {tensor.name!r} has element type {tensor.data_type}, which is not accepted")
    held = (
        len(tensor.float_data)
        + len(tensor.double_data)
        + len(tensor.int64_data)
        + len(tensor.int32_data)
        + len(tensor.raw_data) / size
    )
    if min(tensor.dims, default=1) < 0 or math.prod(tensor.dims) != held:
        raise InvalidModelError(f"tensor {tensor.name!r} holds {held:g} elements; its shape is {list(tensor.dims)}")


def _check_model(model: onnx.ModelProto) -> None:
    if model.functions or model.training_info:
        raise UnsafeModelError("the model has functions or training information; a plain graph is accepted")
    if domains := sorted({str(opset.domain) for opset in model.opset_import} - {"", "ai.onnx"}):
        raise UnsafeModelError(f"the model imports the operator domains {domains}; the standard one is accepted")
    if len(model.graph.node) > MAX_NODES:
        raise UnsafeModelError(f"the graph has {len(model.graph.node)} nodes; at most {MAX_NODES} are accepted")
    if not model.graph.node:
        raise InvalidModelError("the file is no ONNX model: it has no graph")


def _check_nodes(nodes: "Iterable[onnx.NodeProto]") -> None:
    for node in nodes:
        if node.domain not in ("", "ai.onnx") or node.op_type not in OPERATORS:
            operator = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
            raise UnsafeModelError(f"node {node.name!r} is of operator {operator!r}, which packages do not use")


def _check_sizes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Infer every size from the inputs' alone; what the file says about other values may be a lie, and is dropped."""
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except (onnx.shape_inference.InferenceError, ValueError) as error:  # the latter: no text, or no such type
        raise InvalidModelError(f"the graph contradicts itself: {str(error).splitlines()[0][:200]}") from None
    known = {value.name: value for value in (*model.graph.value_info, *model.graph.input, *model.graph.output)}
    for name in {name for node in model.graph.node for name in node.output if name}:
        value = known.get(name)
        if value is None or not value.type.tensor_type.HasField("shape"):
            raise UnsafeModelError(f"the size of value {name!r} cannot be told before running")
        _check_size(value)
    return model


def _check_size(value: onnx.ValueInfoProto) -> None:
    """Allow one open dimension, the batch; the others are known and small."""
    elements, open_dimensions = 1, 0
    for dimension in value.type.tensor_type.shape.dim:
        if dimension.HasField("dim_value"):
            elements *= dimension.dim_value
        else:
            open_dimensions += 1
    if open_dimensions > 1 or elements > MAX_ROW_ELEMENTS:
        raise UnsafeModelError(
            f"value {value.name!r} takes {elements} elements a row with {open_dimensions} open dimensions; "
            f"at most {MAX_ROW_ELEMENTS} with one are accepted"
        )

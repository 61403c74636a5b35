"""The safe-operator scan: what a model file may contain, decided from its bytes before any runtime sees them."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import onnx
from google.protobuf.message import DecodeError, Message

from enn_models import cost_bounds
from enn_models.cost_bounds import RowCost
from enn_models.errors import InvalidModelError, UnsafeModelError
from enn_models.protobuf_limits import check_limits

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_FILE_BYTES = 8 * 2**20
MAX_NODES = 10_000

OPERATORS = frozenset(
    [
        "Abs",
        "Add",
        "BatchNormalization",
        "Cast",
        "Concat",
        "Conv",
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


def parse_checked(data: bytes) -> tuple[onnx.ModelProto, RowCost]:
    """Parse a model file and check that everything in it is of a kind that packages use.

    Args:
        data: The file's bytes; the same ones go to the runtime afterwards.

    Returns:
        The parsed model, its shapes inferred from its inputs alone, and what a row takes in it.

    Raises:
        InvalidModelError: The bytes are no ONNX model, or one that contradicts itself.
        UnsafeModelError: It refers to data outside the file, uses a foreign operator, or asks for too much memory.
    """
    if len(data) > MAX_FILE_BYTES:
        raise UnsafeModelError(f"the file has {len(data)} bytes; at most {MAX_FILE_BYTES} are accepted")
    check_limits(data)
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError:
        raise InvalidModelError("the file is no ONNX model, or it is truncated") from None
    for message in _nested_messages(model):
        _check_message(message)
    _check_model_parts(model)
    _check_nodes(model.graph.node)
    model = cost_bounds.infer_shapes(model)
    return model, cost_bounds.row_cost(model)


def _nested_messages(message: Message) -> Iterator[Message]:
    """Yield the message and all that it contains, wherever the format lets a tensor or a graph hide."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for child in [value] if isinstance(value, Message) else value:
                yield from _nested_messages(child)


def _check_message(message: Message) -> None:
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


def _check_model_parts(model: onnx.ModelProto) -> None:
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
            raise UnsafeModelError(
                f"node {node.name[:100]!r} is of operator {operator[:100]!r}, which packages do not use"
            )
        if node.op_type == "Conv":
            _check_convolution(node)


def _check_convolution(node: onnx.NodeProto) -> None:
    """Check that a convolution is an affine map of channels: no window that a runtime would copy or step over."""
    windows = [list(attribute.ints) for attribute in node.attribute if attribute.name == "kernel_shape"]
    others = {attribute.name for attribute in node.attribute} - {"group", "kernel_shape"}
    if others or windows != [[1, 1]]:
        raise UnsafeModelError(
            f"node {node.name[:100]!r} is a convolution with windows other than [1, 1], which packages do not use"
        )

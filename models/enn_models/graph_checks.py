"""Checks of an untrusted ONNX file: size, operators, tensors and attributes, before any runtime loads it."""

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
        "Max",
        "Min",
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
"""Accepted operators of the default domain; none loops, and none makes a value larger than its inputs allow."""

ELEMENT_BYTES: dict[int, int] = {
    onnx.TensorProto.FLOAT: 4,
    onnx.TensorProto.DOUBLE: 8,
    onnx.TensorProto.INT64: 8,
    onnx.TensorProto.INT32: 4,
    onnx.TensorProto.BOOL: 1,
}
"""Accepted element types of tensors, with the bytes of one element."""


def parse_checked(data: bytes) -> tuple[onnx.ModelProto, RowCost]:
    """Parse a model file and check that it has only content that packages use.

    Args:
        data: Bytes of the file; the runtime must load the same bytes.

    Returns:
        Parsed model, with shapes inferred from its inputs, and the cost of one row.

    Raises:
        InvalidModelError: The bytes are not an ONNX model, or the model contradicts itself.
        UnsafeModelError: The model refers to data outside the file, uses another operator, or takes too much memory.
    """
    if len(data) > MAX_FILE_BYTES:
        raise UnsafeModelError(f"the file has {len(data)} bytes; at most {MAX_FILE_BYTES} are accepted")
    check_limits(data)
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError:
        raise InvalidModelError("the file is not an ONNX model, or is truncated") from None
    for message in _nested_messages(model):
        _check_message(message)
    _check_model_parts(model)
    _check_nodes(model.graph.node)
    model = cost_bounds.infer_shapes(model)
    return model, cost_bounds.row_cost(model)


def _nested_messages(message: Message) -> Iterator[Message]:
    """Yield a message and all messages in it, so that no tensor or graph escapes the checks."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for child in [value] if isinstance(value, Message) else value:
                yield from _nested_messages(child)


def _check_message(message: Message) -> None:
    if isinstance(message, onnx.TensorProto):
        _check_tensor(message)
    if isinstance(message, onnx.SparseTensorProto):
        raise UnsafeModelError("the model has a sparse tensor; only dense tensors are accepted")
    if isinstance(message, onnx.AttributeProto) and (message.HasField("g") or message.graphs):
        raise UnsafeModelError(f"attribute {message.name!r} is a graph; loops and branches are not accepted")


def _check_tensor(tensor: onnx.TensorProto) -> None:
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise UnsafeModelError(f"tensor {tensor.name!r} has its data in another file; they must be in the model file")
    size = ELEMENT_BYTES.get(tensor.data_type)
    if size is None:
        raise UnsafeModelError(f"tensor {tensor.name!r} has element type {tensor.data_type}, which is not accepted")
    elements = (
        len(tensor.float_data)
        + len(tensor.double_data)
        + len(tensor.int64_data)
        + len(tensor.int32_data)
        + len(tensor.raw_data) / size
    )
    if min(tensor.dims, default=1) < 0 or math.prod(tensor.dims) != elements:
        raise InvalidModelError(f"tensor {tensor.name!r} has {elements:g} elements; its shape is {list(tensor.dims)}")


def _check_model_parts(model: onnx.ModelProto) -> None:
    if model.functions or model.training_info:
        raise UnsafeModelError("the model has functions or training information; only a graph is accepted")
    if domains := sorted({str(opset.domain) for opset in model.opset_import} - {"", "ai.onnx"}):
        raise UnsafeModelError(f"the model imports the operator domains {domains}; only the default domain is accepted")
    if len(model.graph.node) > MAX_NODES:
        raise UnsafeModelError(f"the graph has {len(model.graph.node)} nodes; at most {MAX_NODES} are accepted")
    if not model.graph.node:
        raise InvalidModelError("the file is not an ONNX model: it has no graph")


def _check_nodes(nodes: "Iterable[onnx.NodeProto]") -> None:
    for node in nodes:
        if node.domain not in ("", "ai.onnx") or node.op_type not in OPERATORS:
            operator = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
            raise UnsafeModelError(
                f"node {node.name[:100]!r} has operator {operator[:100]!r}, which packages do not use"
            )
        if node.op_type == "Conv":
            _check_convolution(node)


def _check_convolution(node: onnx.NodeProto) -> None:
    """Check that a convolution is an affine map of channels: a larger window would take a runtime more memory."""
    windows = [list(attribute.ints) for attribute in node.attribute if attribute.name == "kernel_shape"]
    others = {attribute.name for attribute in node.attribute} - {"group", "kernel_shape"}
    if others or windows != [[1, 1]]:
        raise UnsafeModelError(
            f"node {node.name[:100]!r} is a convolution with windows other than [1, 1], which packages do not use"
        )

"""The wire format of a model file, walked before it is parsed: parsing takes memory by the part, this takes none."""

from collections.abc import Iterator
from typing import Any

import onnx

from enn_models.errors import InvalidModelError, UnsafeModelError

MAX_FIELDS = 250_000
"""The most fields in a file, and numbers of variable length: a graph with the most nodes allowed has fewer."""
MAX_DEPTH = 32
"""Messages in messages: a model of this project has eight."""
MAX_STRING_BYTES = 1024
"""The most bytes of a name or other text, but for the values of the metadata, of which the card is one."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FIXED_BYTES = {FIXED64: 8, FIXED32: 4}

MessageDescriptor = Any  # protobuf does not export the type


def check_limits(data: bytes) -> None:
    """Check that a file has fields of the ONNX format alone, and not so many that parsing them takes much memory.

    Raises:
        InvalidModelError: The bytes are no protocol buffer, or it is truncated.
        UnsafeModelError: It has a field that the format does not define, too many parts, or parts nested too deep.
    """
    parts = 0
    for size in _field_counts(data, 0, len(data), onnx.ModelProto.DESCRIPTOR, MAX_DEPTH):
        parts += size
        if parts > MAX_FIELDS:
            raise UnsafeModelError(f"the file has more than {MAX_FIELDS} parts, of all kinds together")


def _field_counts(data: bytes, start: int, end: int, message: MessageDescriptor, depth: int) -> Iterator[int]:
    """Yield the parts that each field of the message between start and end counts for."""
    if not depth:
        raise UnsafeModelError(f"the file has messages in messages, {MAX_DEPTH} deep")
    while start < end:
        tag, start = _read_varint(data, start, end)
        field, kind = message.fields_by_number.get(tag >> 3), tag & 7
        if field is None or kind not in (VARINT, FIXED64, BYTES, FIXED32) or (field.message_type and kind != BYTES):
            raise UnsafeModelError(f"a {message.name} has fields that the ONNX format does not define")
        if kind == VARINT:
            _, start = _read_varint(data, start, end)
            yield 1
            continue
        size, start = (FIXED_BYTES[kind], start) if kind != BYTES else _read_varint(data, start, end)
        if start + size > end:
            raise InvalidModelError("the file is no ONNX model, or it is truncated")
        if field.type == field.TYPE_STRING and size > MAX_STRING_BYTES and message is not _METADATA_ENTRY:
            raise UnsafeModelError(
                f"a {message.name} has a {field.name} of {size} bytes; at most {MAX_STRING_BYTES} are accepted"
            )
        if field.message_type:
            yield from _field_counts(data, start, start + size, field.message_type, depth - 1)
        packed = kind == BYTES and field.cpp_type not in _TYPES_WITHOUT_VARINTS
        start += size
        yield size if packed else 1


_METADATA_ENTRY = onnx.StringStringEntryProto.DESCRIPTOR
_TYPES_WITHOUT_VARINTS = frozenset(
    getattr(onnx.ModelProto.DESCRIPTOR.fields[0], f"CPPTYPE_{name}")
    for name in ("STRING", "MESSAGE", "FLOAT", "DOUBLE")
)


def _read_varint(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Return the number of variable length at start, and where it ends."""
    if start < end and data[start] < 128:
        return data[start], start + 1
    value = 0
    for shift in range(0, 70, 7):
        if start >= end:
            break
        byte = data[start]
        start += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, start
    raise InvalidModelError("the file is no ONNX model, or it is truncated")

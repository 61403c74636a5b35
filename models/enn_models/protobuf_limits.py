"""Limits on the protocol buffer fields of a model file, checked without the memory that parsing takes."""

from collections.abc import Iterator
from typing import Any

import onnx

from enn_models.errors import InvalidModelError, UnsafeModelError

MAX_FIELDS = 250_000
"""Maximum number of fields and packed varints in a file; a graph with the maximum number of nodes has fewer."""
MAX_DEPTH = 32
"""Maximum nesting of messages; a model of this project has eight levels."""
MAX_STRING_BYTES = 1024
"""Maximum bytes of a string, except for metadata values, one of which is the card."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FIXED_BYTES = {FIXED64: 8, FIXED32: 4}

MessageDescriptor = Any  # protobuf does not export the type


def check_limits(data: bytes) -> None:
    """Check that a file has only fields of the ONNX format, few enough to parse with little memory.

    Args:
        data: Bytes of the file.

    Raises:
        InvalidModelError: The bytes are not a protocol buffer, or are truncated.
        UnsafeModelError: The file has a field that ONNX does not define, too many fields, or too deep nesting.
    """
    fields = 0
    for count in _field_counts(data, 0, len(data), onnx.ModelProto.DESCRIPTOR, MAX_DEPTH):
        fields += count
        if fields > MAX_FIELDS:
            raise UnsafeModelError(f"the file has more fields than {MAX_FIELDS}")


def _field_counts(data: bytes, start: int, end: int, message: MessageDescriptor, depth: int) -> Iterator[int]:
    """Yield the count of each field in data[start:end], recursively; a packed field counts its bytes.

    Args:
        data: Bytes of the file.
        start: Offset of the first byte of the message.
        end: Offset after its last byte.
        message: Type of the message.
        depth: Levels of nesting that are left.
    """
    if not depth:
        raise UnsafeModelError(f"the file nests messages deeper than {MAX_DEPTH} levels")
    while start < end:
        # A tag is the field number and, in its low three bits, the wire type.
        tag, start = _read_varint(data, start, end)
        field, kind = message.fields_by_number.get(tag >> 3), tag & 7
        if field is None or kind not in (VARINT, FIXED64, BYTES, FIXED32) or (field.message_type and kind != BYTES):
            raise UnsafeModelError(f"{message.name} has a field that the ONNX format does not define")
        if kind == VARINT:
            _, start = _read_varint(data, start, end)
            yield 1
            continue
        size, start = (FIXED_BYTES[kind], start) if kind != BYTES else _read_varint(data, start, end)
        if start + size > end:
            raise InvalidModelError("the file is not an ONNX model, or is truncated")
        if field.type == field.TYPE_STRING and size > MAX_STRING_BYTES and message is not _METADATA_ENTRY:
            raise UnsafeModelError(
                f"{message.name}.{field.name} has {size} bytes; at most {MAX_STRING_BYTES} are accepted"
            )
        if field.message_type:
            yield from _field_counts(data, start, start + size, field.message_type, depth - 1)
        # A packed field holds several varints; their number is at most its bytes.
        packed = kind == BYTES and field.cpp_type not in _TYPES_WITHOUT_VARINTS
        start += size
        yield size if packed else 1


_METADATA_ENTRY = onnx.StringStringEntryProto.DESCRIPTOR
_TYPES_WITHOUT_VARINTS = frozenset(
    getattr(onnx.ModelProto.DESCRIPTOR.fields[0], f"CPPTYPE_{name}")
    for name in ("STRING", "MESSAGE", "FLOAT", "DOUBLE")
)


def _read_varint(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Return the varint at data[start] and the offset after it."""
    if start < end and data[start] < 128:
        return data[start], start + 1
    value = 0
    # Seven bits per byte, lowest first; the high bit marks that another byte follows. 64 bits take ten bytes.
    for shift in range(0, 70, 7):
        if start >= end:
            break
        byte = data[start]
        start += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, start
    raise InvalidModelError("the file is not an ONNX model, or is truncated")

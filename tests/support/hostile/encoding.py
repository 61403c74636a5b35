"""Bytes that are not an ONNX model, or exceed the limits of the decoder."""

from collections.abc import Iterator

from enn_models.graph_checks import MAX_FILE_BYTES
from enn_models.protobuf_limits import MAX_FIELDS
from support.tiny import package


def nested(depth: int) -> bytes:
    """Return the bytes of graphs nested in attributes of nodes to a depth."""
    data = b""
    for tag in (*[b"\x32", b"\x2a", b"\x0a"] * depth, b"\x3a"):
        data = sized(tag, data)
    return data


def sized(tag: bytes, data: bytes) -> bytes:
    """Return a length-delimited Protocol Buffers field: tag, length as a varint, data."""
    length = len(data)
    while length > 127:
        tag, length = tag + bytes([length & 127 | 128]), length >> 7
    return tag + bytes([length]) + data


def files() -> Iterator[tuple[str, bytes, str]]:
    """Yield name, bytes and pattern of the expected error of every file that fails to decode."""
    valid = package()
    yield "field_that_does_not_exist", valid + b"\xfa\x7f\x04moon", "does not define"  # field 2047 with four bytes
    yield (
        "field_of_another_type",
        valid + b"\x3d\x00\x00\x00\x00",
        "does not define",
    )  # the field of the graph with a 32-bit value
    yield "group", valid + b"\x3b\x3c", "does not define"
    yield "flood_of_empty_parts", valid + b"\x42\x00" * (MAX_FIELDS + 1), "fields"
    yield "flood_of_empty_nodes", sized(b"\x3a", b"\x0a\x00" * (MAX_FILE_BYTES // 2 - 8)), "fields"
    yield "graphs_in_graphs", nested(200), "deep"
    yield "nothing", b"", "not an ONNX model"
    yield "text", b"#!/bin/sh\nrm -rf /\n" * 100, "ONNX"
    yield "too_large", bytes(MAX_FILE_BYTES + 1), "regular file of at most|at most"
    yield "cut_short", valid[: len(valid) // 2], "truncated|not an ONNX model"

"""Bytes that are no ONNX, or more of it than is read."""

from collections.abc import Iterator

from enn_models.graph_checks import MAX_FILE_BYTES
from enn_models.protobuf_limits import MAX_FIELDS
from support.tiny import package


def nested(depth: int) -> bytes:
    """A graph in an attribute in a node in a graph ..."""
    data = b""
    for tag in (*[b"\x32", b"\x2a", b"\x0a"] * depth, b"\x3a"):
        data = sized(tag, data)
    return data


def sized(tag: bytes, data: bytes) -> bytes:
    length = len(data)
    while length > 127:
        tag, length = tag + bytes([length & 127 | 128]), length >> 7
    return tag + bytes([length]) + data


def files() -> Iterator[tuple[str, bytes, str]]:
    """Yield name, bytes and reason of every file that is wrong before it is a graph."""
    whole = package()
    yield "field_that_does_not_exist", whole + b"\xfa\x7f\x04moon", "does not define"  # number 2047, four bytes
    yield "field_of_another_type", whole + b"\x3d\x00\x00\x00\x00", "does not define"  # a graph of 32 bits
    yield "group", whole + b"\x3b\x3c", "does not define"
    yield "flood_of_empty_parts", whole + b"\x42\x00" * (MAX_FIELDS + 1), "fields"
    yield "flood_of_empty_nodes", sized(b"\x3a", b"\x0a\x00" * (MAX_FILE_BYTES // 2 - 8)), "fields"
    yield "graphs_in_graphs", nested(200), "deep"
    yield "nothing", b"", "not an ONNX model"
    yield "text", b"#!/bin/sh\nrm -rf /\n" * 100, "ONNX"
    yield "too_large", bytes(MAX_FILE_BYTES + 1), "regular file of at most|at most"
    yield "cut_short", whole[: len(whole) // 2], "truncated|not an ONNX model"

"""Conversion between NumPy arrays and tensors of the Open Inference Protocol V2, in JSON or binary.

A body with binary tensors is a JSON part, whose length is in a header, followed by the bytes of the tensors in order:
little-endian, row-major.
Source: https://github.com/kserve/open-inference-protocol, specification/protocol, and Triton's binary data extension.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_service.protocols.datatypes import DATATYPES, OUTPUT_DATATYPES

HEADER = "Inference-Header-Content-Length"
DATATYPE_NAMES = {datatype.numpy: name for name, datatype in DATATYPES.items()}


def described(name: str, array: NDArray[Any]) -> dict[str, Any]:
    """Return the name, shape and datatype of a tensor as a JSON object without data."""
    return {"name": name, "shape": list(array.shape), "datatype": DATATYPE_NAMES[array.dtype]}


def read(headers: Mapping[str, str], body: bytes) -> dict[str, NDArray[Any]]:
    """Parse the output tensors of a response, by name, each in its shape.

    Args:
        headers: Headers of the response; names are case-insensitive.
        body: Body of the response: JSON, and bytes of binary tensors.

    Raises:
        ValueError: The number of bytes after the JSON part is not the announced one.
    """
    length = int(headers.get(HEADER, len(body)))
    answer, position = orjson.loads(body[:length]), length
    arrays: dict[str, NDArray[Any]] = {}
    for output in answer["outputs"]:
        kind = OUTPUT_DATATYPES[output["datatype"]].numpy
        size = output.get("parameters", {}).get("binary_data_size")
        if size is None:
            flat = np.array(output["data"], dtype=kind)
        else:
            flat = np.frombuffer(body[position : position + size], dtype=kind)
            position += size
        arrays[output["name"]] = flat.reshape(output["shape"])
    if position != len(body):
        raise ValueError(f"{len(body)} bytes; the answer announces {position}")
    return arrays


def join(parts: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Join the output tensors of successive ranges of rows, by name."""
    first, *more = parts
    return (
        {name: np.concatenate([array, *(part[name] for part in more)]) for name, array in first.items()}
        if more
        else first
    )

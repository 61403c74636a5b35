"""Tensors of the Open Inference Protocol V2 as NumPy arrays, in JSON and as the binary_tensor_data extension.

A body with binary tensors is a JSON part, whose length a header tells, and behind it the tensors' bytes in order:
little-endian, row after row.
Source: https://github.com/kserve/open-inference-protocol, specification/protocol, and Triton's binary data extension.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

HEADER = "Inference-Header-Content-Length"
DATATYPES = {"FP16": "<f2", "FP32": "<f4", "FP64": "<f8"} | {
    f"{sign}INT{8 * size}": f"<{sign.lower() or 'i'}{size}" for sign in ("", "U") for size in (1, 2, 4, 8)
}
NAMES = {np.dtype(code): name for name, code in DATATYPES.items()}


def described(name: str, array: NDArray[Any]) -> dict[str, Any]:
    """Return name, shape and datatype of a tensor, without its data."""
    return {"name": name, "shape": list(array.shape), "datatype": NAMES[array.dtype]}


def read(headers: Mapping[str, str], body: bytes) -> dict[str, NDArray[Any]]:
    """Return the outputs of an answer by name, each in its shape.

    Args:
        headers: The answer's headers, looked up without regard to case.
        body: Its body, JSON with or without bytes behind it.

    Raises:
        ValueError: The body is no such answer, or its bytes are not those that it announces.
    """
    length = int(headers.get(HEADER, len(body)))
    answer, position = orjson.loads(body[:length]), length
    arrays: dict[str, NDArray[Any]] = {}
    for output in answer["outputs"]:
        kind = np.dtype(DATATYPES[output["datatype"]])
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

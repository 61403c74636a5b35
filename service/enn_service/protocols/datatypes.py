"""Tensor datatypes of the Open Inference Protocol V2: one table for the server and the client.

Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md, Tensor Data Types.
"""

from typing import Any, NamedTuple

import numpy as np


class Datatype(NamedTuple):
    """Layout of a datatype.

    Attributes:
        numpy: Little-endian NumPy type of its bytes.
        in_json: True if JSON data may have this datatype.
    """

    numpy: np.dtype[Any]
    in_json: bool = True

    @property
    def is_float(self) -> bool:
        """True for a floating-point datatype."""
        return self.numpy.kind == "f"


DATATYPES = {
    "FP16": Datatype(np.dtype("<f2"), in_json=False),
    "FP32": Datatype(np.dtype("<f4")),
    "FP64": Datatype(np.dtype("<f8")),
    **{
        f"{sign}INT{bits}": Datatype(np.dtype(f"<{sign.lower() or 'i'}{bits // 8}"))
        for sign in ("", "U")
        for bits in (8, 16, 32, 64)
    },
}
"""Layout of each datatype by its name in the protocol."""
BOOL, BYTES = "BOOL", "BYTES"
"""Names of the datatypes that only the tensor of a single feature may have: booleans, and texts as bytes."""
OUTPUT_DATATYPES = DATATYPES | {BOOL: Datatype(np.dtype(np.bool_))}
"""Layout of each datatype of an output tensor."""
JSON_FLOATS = frozenset(name for name, datatype in DATATYPES.items() if datatype.is_float and datatype.in_json)
"""Names of the floating-point datatypes of JSON data."""

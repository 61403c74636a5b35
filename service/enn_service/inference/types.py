"""Types that the stages of inference exchange: request, decoded call, validated batch, encoded response, endpoint.

One object of each is made for every request: a msgspec Struct takes a third of the time of a dataclass.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
from msgspec import Struct

from enn_service.runtime.model import ServedModel
from enn_service.runtime.range_check import OutOfRange
from enn_service.runtime.session import Array

Options = TypeVar("Options")


class InferenceRequest(Struct, eq=False):
    """A request to a model as the transport delivers it.

    Attributes:
        body: Decompressed bytes.
        json_length: Length of the JSON part in bytes if a header gives it; binary tensors follow. None for JSON alone.
        id: Request identity that the client sent in a header; empty if it sent none.
    """

    body: bytes
    json_length: int | None = None
    id: str = ""


class InferenceCall(Struct, Generic[Options], eq=False):
    """A decoded request whose rows are not validated yet.

    Attributes:
        rows: JSON value that lists the rows, whatever it is, or numbers [batch, features].
        field: Name of the rows in the request, for error messages.
        tensors: Names of the model's outputs to compute.
        numbers: Estimated count of numbers per row that the response contains as text.
        options: Everything else that the endpoint's encoder needs.
        as_tensor: True if JSON rows give categories and booleans as numbers only, as a tensor does.
        extra_ns: Estimated work besides running the network and writing numbers, in nanoseconds.
    """

    rows: Any
    field: str
    tensors: tuple[str, ...]
    numbers: int
    options: Options
    as_tensor: bool = False
    extra_ns: int = 0


class Batch(Struct, eq=False):
    """Validated rows.

    Attributes:
        rows: A list of floats for a single row within its training ranges, else float32 [batch, features].
        size: Number of rows.
        out_of_range: Values outside their training range; None if there are none.
    """

    rows: list[float] | Array
    size: int
    out_of_range: OutOfRange | None

    def array(self) -> Array:
        """Return the rows as float32 [batch, features]."""
        return np.array([self.rows], np.float32) if isinstance(self.rows, list) else self.rows


class EncodedResponse(Struct):
    """A successful response, ready for a transport.

    Attributes:
        status: HTTP status, always 200.
        body: Bytes to send.
        rows: Number of rows it answers.
        content_type: Media type of the body.
        headers: Further headers, (name, value) each.
    """

    status: ClassVar[int] = 200
    body: bytes
    rows: int
    content_type: bytes = b"application/json"
    headers: Sequence[tuple[str, str]] = ()


class Endpoint(NamedTuple, Generic[Options]):
    """Decoder and encoder of one verb of a protocol.

    Attributes:
        decode: Parse a request; raises RequestError if it is malformed.
        encode: Write the response from the computed tensors, which are in the order of the call's names.
    """

    decode: Callable[[ServedModel, InferenceRequest], InferenceCall[Options]]
    encode: Callable[[ServedModel, InferenceCall[Options], Batch, Sequence[Array]], EncodedResponse]

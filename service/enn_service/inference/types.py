"""Types that the stages of inference exchange: request, decoded call, validated batch, encoded response, endpoint.

One object of each is made for every request: a msgspec Struct takes a third of the time of a dataclass.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from msgspec import Struct

from enn_service.inference.admission import Reservation
from enn_service.runtime.flagged_values.out_of_range import OutOfRange
from enn_service.runtime.flagged_values.unknown_values import UnknownValues
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import Array

if TYPE_CHECKING:
    from enn_service.runtime.range_check import Field, Numbers

Options = TypeVar("Options")


class InferenceRequest(Struct, eq=False):
    """A request to a model as the transport delivers it.

    Attributes:
        body: Decompressed bytes.
        json_length: Length of the JSON part in bytes if a header gives it; binary tensors follow. None for JSON alone.
        id: Request identity that the client sent in a header; empty if it sent none.
        memory: Memory that the request has reserved; None for a request without a limit.
        observer: Receiver of the rows and tensors of a successful answer; None for none.
    """

    body: bytes
    json_length: int | None = None
    id: str = ""
    memory: Reservation | None = None
    observer: "InferenceObserver | None" = None

    def reserve(self, size: int, what: str, rows: int = 0) -> None:
        """Reserve memory for the request.

        Args:
            size: Number of bytes; a negative number returns some.
            what: Name of what needs them, for error messages.
            rows: Number of rows in the request, if fewer rows need fewer bytes.

        Raises:
            TooMuchWorkError: The request alone would exceed the whole budget.
            MemoryBudgetError: The budget does not have the bytes now.
        """
        if self.memory is not None:
            self.memory.reserve(size, what, rows)


class RowSource(ABC):
    """Rows of a large request that are not parsed yet."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of rows, or a larger number if texts in the rows contain brackets."""

    @abstractmethod
    def pieces(self) -> "Iterator[list[Any] | Numbers]":
        """Yield the rows in order, some at a time: JSON values or numbers [rows, features]."""


class InferenceCall(Struct, Generic[Options], eq=False):
    """A decoded request whose rows are not validated yet.

    Attributes:
        rows: JSON value that lists the rows, whatever it is, or numbers [batch, features], or rows not parsed yet.
        field: Name of the rows in the request, for error messages.
        tensors: Names of the model's outputs to compute.
        numbers: Estimated count of numbers per row that the response contains as text.
        options: Everything else that the endpoint's encoder needs.
        as_tensor: True if JSON rows give categories and booleans as numbers only, as a tensor does.
        extra_ns: Estimated work besides running the network and writing numbers, in nanoseconds.
    """

    rows: Any
    field: "Field"
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
        first: Index of the first row in the request.
        unknown: Unknown values; None if there are none.
    """

    rows: list[float] | Array
    size: int
    out_of_range: OutOfRange | None
    first: int = 0
    unknown: UnknownValues | None = None

    @property
    def is_flagged(self) -> bool:
        """True if the response names rows."""
        return self.out_of_range is not None or self.unknown is not None

    @property
    def rows_out_of_range(self) -> int:
        """Number of rows with values outside their training range."""
        return 0 if self.out_of_range is None else self.out_of_range.rows

    @property
    def rows_unknown(self) -> int:
        """Number of rows with unknown values."""
        return 0 if self.unknown is None else self.unknown.flags.rows

    def array(self) -> Array:
        """Return the rows as float32 [batch, features]."""
        return np.array([self.rows], np.float32) if isinstance(self.rows, list) else self.rows

    def pieces(self, rows: int) -> "Iterator[Batch]":
        """Yield the rows as arrays of some rows each.

        Args:
            rows: Maximum number of rows of a piece.
        """
        array, outside = self.array(), self.out_of_range
        for start in range(0, self.size, rows):
            piece = array[start : start + rows]
            found = None if outside is None else outside.piece(start, start + len(piece))
            unknown = None if self.unknown is None else self.unknown.piece(start, start + len(piece))
            yield Batch(piece, len(piece), found, self.first + start, unknown)


InferenceObserver = Callable[[ServedModel, Batch, Sequence[str], Sequence[Array]], None]
"""Function that is called with the model, rows, names of tensors and tensors of an answer, piece by piece."""
ObserverFactory = Callable[[bytes, Mapping[bytes, bytes], str], InferenceObserver | None]
"""Function that returns the observer of a request with this id, these headers and this name of a key."""


class EncodedResponse(Struct):
    """A successful response, ready for a transport.

    Attributes:
        status: HTTP status, always 200.
        body: Bytes to send.
        rows: Number of rows it answers.
        content_type: Media type of the body.
        headers: Further headers, (name, value) each.
        more: Bytes to send after those of `body`, in blocks.
    """

    status: ClassVar[int] = 200
    body: bytes
    rows: int
    content_type: bytes = b"application/json"
    headers: Sequence[tuple[str, str]] = ()
    more: Sequence[bytes] = ()

    @property
    def size(self) -> int:
        """Length of the whole body in bytes."""
        return len(self.body) + sum(map(len, self.more))


class Answer(Protocol):
    """Response that grows batch by batch."""

    @property
    def bytes_per_row(self) -> int:
        """Estimated length for each row."""
        ...

    @property
    def size(self) -> int:
        """Length so far."""
        ...

    def add(self, batch: Batch, tensors: Sequence[Array]) -> Iterable[None]:
        """Append the rows of a batch.

        Args:
            batch: Validated rows.
            tensors: Tensors of the call for these rows.

        Yields:
            None between two parts of the work.
        """
        ...

    def finish(self, rows: int, outside: int, unknown: int) -> EncodedResponse:
        """Return the response.

        Args:
            rows: Number of rows.
            outside: Number of rows with values outside their training ranges.
            unknown: Number of rows with unknown values.
        """
        ...


class Endpoint(NamedTuple, Generic[Options]):
    """Decoder and encoder of one verb of a protocol.

    Attributes:
        decode: Parse a request; raises RequestError if it is malformed.
        encode: Write the response from the computed tensors, which are in the order of the call's names.
        answer: Begin the response to many rows, which is written batch by batch.
    """

    decode: Callable[[ServedModel, InferenceRequest], InferenceCall[Options]]
    encode: Callable[[ServedModel, InferenceCall[Options], Batch, Sequence[Array]], EncodedResponse]
    answer: Callable[[ServedModel, InferenceCall[Options]], Answer]

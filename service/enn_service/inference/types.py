"""What passes between the stages of an answer: the request as it came and the question read from it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from enn_service.http.responses import Response
from enn_service.runtime.model import ServedModel
from enn_service.runtime.range_check import Numbers, OutOfRange
from enn_service.runtime.session import Array


class InferenceRequest(NamedTuple):
    """A request to a model.

    Attributes:
        body: Its bytes, inflated.
        json_length: How many of them are JSON, where a header says so; the rest are binary tensors.
        id: The identity that the client gave to the request in a header; empty where it gave none.
    """

    body: bytes
    json_length: int | None = None
    id: str = ""


class InferenceCall(NamedTuple):
    """What a request asks of a model.

    Attributes:
        rows: The checked inputs, float32 [batch, features].
        outside: Which of them lie outside their training range; None where none does.
        tensors: The names of the tensors to compute.
        answer: Turns those tensors into the reply.
        written: About how many numbers a row the reply has as text.
        besides: About how many nanoseconds of work there are besides run and text.
    """

    rows: Array
    outside: OutOfRange | None
    tensors: Sequence[str]
    answer: Callable[[Sequence[Array]], Response]
    written: int
    besides: int = 0


Endpoint = Callable[[ServedModel, InferenceRequest], InferenceCall]
UsualRows = list[Any] | Numbers
"""A single row, a list of whatever stands there, or rows of numbers [batch, features]."""


class UsualOperation(NamedTuple):
    """An operation on usual rows.

    Attributes:
        tensors: The names of the tensors to compute.
        read: Returns the rows of a request and its identity; None where it asks for something else.
        write: Turns the identity of the request and those tensors into the text of the answer.
    """

    tensors: tuple[str, ...]
    read: Callable[[ServedModel, InferenceRequest], tuple[UsualRows, str] | None]
    write: Callable[[ServedModel, str, Sequence[Array]], bytes]

"""What passes between the stages of an answer: the request as it came and the question read from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from enn_service.model import Model
from enn_service.replies import Reply
from enn_service.session import Array


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a model.

    Attributes:
        body: Its bytes, inflated.
        json_length: How many of them are JSON, where a header says so; the rest are binary tensors.
        id: The identity that the client gave to the request in a header; empty where it gave none.
    """

    body: bytes
    json_length: int | None = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What a request asks of a model.

    Attributes:
        rows: The checked inputs, float32 [batch, features].
        tensors: The names of the tensors to compute.
        answer: Turns those tensors into the reply.
        size: How many numbers the reply will have, roughly: the measure of the work that is left.
    """

    rows: Array
    tensors: Sequence[str]
    answer: Callable[[Sequence[Array]], Reply]
    size: int


Operation = Callable[[Model, Request], Question]

"""Steps of a call: requests, retries, pauses and pieces, for both clients, without any input or output."""

import warnings
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx
from httpx_retries import Retry

from enn_service.client import calls, errors
from enn_service.client.calls import ApiCall, ParsedResponse, RowsCall
from enn_service.client.exchange.deadline import Deadline

BYTES_MARGIN = 0.9
"""Share of a size limit that the next piece fills: rows differ in length."""

Result = TypeVar("Result")


Reply = ParsedResponse | httpx.RequestError
"""Response to a request, or the exception of the transport."""


@dataclass(frozen=True)
class Step:
    """A pause, then a request.

    Attributes:
        call: Request to send.
        pause: Time to wait first, in seconds.
    """

    call: ApiCall[Any]
    pause: float = 0.0


Steps = Generator[Step, Reply, Result]


class Conversation(Generic[Result]):
    """The steps of a call, one after the other.

    Args:
        call: Call to make.
        retry: Policy of its requests.
        deadline: End of the call.

    Attributes:
        result: Result of the call, once there is no step left.
    """

    result: Result

    def __init__(self, call: ApiCall[Result] | RowsCall[Result], retry: Retry, deadline: Deadline) -> None:
        self._steps = _steps(call, retry, deadline)

    def next(self, reply: Reply | None = None) -> Step | None:
        """Return the next step; None after the last one.

        Args:
            reply: Reply to the step before; None for the first step.

        Raises:
            ClientError: The call failed.
        """
        try:
            return next(self._steps) if reply is None else self._steps.send(reply)
        except StopIteration as end:
            self.result = end.value
            return None


def _steps(call: ApiCall[Result] | RowsCall[Result], retry: Retry, deadline: Deadline) -> Steps[Result]:
    """Yield the steps of a call and return its result."""
    if isinstance(call, ApiCall):
        return (yield from _request(call, retry, deadline))
    try:
        return (yield from _pieces(call, retry, deadline))
    except errors.RequestRefusedError as error:
        if error.status != 400 or not call.has_frames:
            raise
        features = yield from _ask(calls.features(call.model, call.version), error, retry, deadline)
        unused = call.unused_columns(features)
        if not unused and not any(features.values()):
            raise
    if unused:
        names = ", ".join(map(repr, unused))
        text = f"columns of the frame that are no features of model {call.model!r} are not sent: {names}"
        warnings.warn(text, errors.UnusedColumnsWarning, stacklevel=6)
    return (yield from _pieces(call.for_features(features), retry, deadline))


def _pieces(call: RowsCall[Result], retry: Retry, deadline: Deadline) -> Steps[Result]:
    """Yield the steps of a call in one request, or in several if the service refuses it for its size."""
    parts, start, size, version = list[Result](), 0, call.rows, call.version
    while start < call.rows or not parts:
        stop = min(start + size, call.rows)
        piece = call.piece(start, stop, version)
        try:
            part = yield from _request(piece, retry, deadline)
        except errors.RequestRefusedError as error:
            fitting = _fitting_rows(error, stop - start, len(piece.body))
            if fitting is None:
                raise (error if stop - start == call.rows else error.of_rows(start, stop)) from None
            size = fitting
            if version is None:  # a newer one may be published between two pieces
                version = yield from _ask(calls.served_version(call.model), error, retry, deadline)
        else:
            parts.append(part)
            start = stop
    return call.join(parts, call.table)


def _ask(call: ApiCall[Result], refusal: errors.RequestRefusedError, retry: Retry, deadline: Deadline) -> Steps[Result]:
    """Yield the steps of a question whose answer helps to send a refused request in another form.

    Raises:
        RequestRefusedError: The refusal; the question has no answer.
    """
    try:
        return (yield from _request(call, retry, deadline))
    except errors.ClientError as error:
        raise refusal from error


def _fitting_rows(error: errors.RequestRefusedError, rows: int, size: int) -> int | None:
    """Return the number of rows to send instead of a refused piece; None if fewer rows would be refused too.

    Args:
        error: Refusal.
        rows: Number of rows in the piece.
        size: Size of its body in bytes.
    """
    if error.max_rows is not None:
        fitting = error.max_rows
    elif error.max_bytes is not None:
        fitting = min(rows - 1, int(BYTES_MARGIN * rows * error.max_bytes / size))
    elif error.status == errors.TOO_LARGE:  # by a proxy, which does not name its limit
        fitting = rows // 2
    else:
        return None
    return max(1, fitting) if rows > 1 and fitting < rows else None


def _request(call: ApiCall[Result], retry: Retry, deadline: Deadline) -> Steps[Result]:
    """Yield the steps of one request, with its retries."""
    if not call.retryable:
        retry = retry.copy_with(total=0)
    if not deadline.remaining:
        raise errors.UnreachableError(f"no response to {call.method} {call.path}: {_late(deadline)}")
    reply = yield Step(call)
    while (pause := _pause(retry, reply)) is not None and pause < deadline.remaining:
        retry = retry.increment()
        reply = yield Step(call, pause)
    if isinstance(reply, ParsedResponse):
        return call.result(reply)
    raise errors.UnreachableError(f"no response to {call.method} {_reason(reply, deadline)}") from reply


def _reason(error: httpx.RequestError, deadline: Deadline) -> str:
    """Return the address of a request without a response, and the reason."""
    late = isinstance(error, httpx.TimeoutException)
    return f"{error.request.url}: {_late(deadline) if late else str(error) or type(error).__name__}"


def _late(deadline: Deadline) -> str:
    return f"timed out: the whole call may take {deadline.seconds:g} s"


def _pause(retry: Retry, reply: Reply) -> float | None:
    """Return the seconds to wait before the next attempt; None if there is none."""
    if retry.is_exhausted():
        return None
    announced = ""
    if isinstance(reply, ParsedResponse):
        if not retry.is_retryable_status_code(reply.status):
            return None
        announced = reply.headers.get("retry-after", "")
    elif not retry.is_retryable_exception(reply):
        return None
    try:
        seconds = retry.parse_retry_after(announced)
    except ValueError:
        seconds = 0.0
    return seconds or retry.increment().backoff_strategy()

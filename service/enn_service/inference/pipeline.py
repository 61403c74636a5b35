"""The only route of an inference: decode the request, validate its rows, run the network, encode the response.

The HTTP data plane calls `respond`, before ASGI or within it; a work queue carries on with `Deferred.steps`.
"""

from collections.abc import Generator, Iterator, Sequence
from math import inf
from time import perf_counter_ns
from typing import Any

import numpy as np

from enn_service.inference.admission import Reservation
from enn_service.inference.attributions import evaluation_ns
from enn_service.inference.cost import (
    BYTE_NS,
    EVENT_LOOP,
    NUMBER_NS,
    PARAMETER_NS,
    PIECE_BYTES,
    PIECE_NUMBERS,
    Limits,
    check_seconds,
)
from enn_service.inference.types import Batch, EncodedResponse, Endpoint, InferenceCall, InferenceRequest, RowSource
from enn_service.observability.counters import EndpointStats
from enn_service.runtime.model import ServedModel
from enn_service.runtime.range_check import Numbers
from enn_service.runtime.row_parser import parse_rows
from enn_service.runtime.session import Array, all_finite

PROJECTED_FROM = 1 / 16
"""Share of the rows from which the length of the whole answer is projected: one that will not fit is ended there."""


def respond(
    endpoint: Endpoint[Any],
    model: ServedModel,
    request: InferenceRequest,
    stats: EndpointStats,
    limits: Limits = EVENT_LOOP,
) -> "EncodedResponse | Deferred":
    """Answer a request in the event loop, or return the validated call for a thread if the answer exceeds the limits.

    Args:
        endpoint: Decoder and encoder of the protocol verb.
        model: Model to run.
        request: Decompressed body and headers.
        stats: Counters of this model, version and verb; the request is recorded there unless it is deferred.
        limits: The most to do here.

    Raises:
        RequestError: The request is malformed or asks for what the model does not have.
        ArithmeticError: The network returned a value that is not finite.
    """
    started = perf_counter_ns()
    try:
        call = endpoint.decode(model, request)
        batch = validate(model, call)
        decoded = perf_counter_ns()
        cost_ns = batch.size * (PARAMETER_NS * model.parameters + NUMBER_NS * call.numbers) + call.extra_ns
        if batch.unknown is not None:
            cost_ns += len(batch.unknown.averaged_rows) * evaluation_ns(model)
        if cost_ns > limits.nanoseconds or batch.size * call.numbers > limits.numbers:
            return Deferred(endpoint, model, request, stats, call=call, batch=batch, started=started)
        tensors = run(model, call, batch)
        ran = perf_counter_ns()
        response = endpoint.encode(model, call, batch, tensors)
        if request.observer is not None:
            request.observer(model, batch, call.tensors, tensors)
    except Exception:
        stats.record_failure(perf_counter_ns() - started)
        raise
    ended = perf_counter_ns()
    outside = batch.out_of_range
    stats.record(
        perf_counter_ns() - started,  # a later time than `ended`: the V2 statistic `queue` is the remainder
        decoded - started,
        ran - decoded,
        ended - ran,
        rows=batch.size,
        rows_out_of_range=0 if outside is None else outside.rows,
    )
    return response


class Deferred:
    """An inference for a work queue to finish: decoded and validated already, or not read at all yet.

    Args:
        endpoint: Decoder and encoder of the protocol verb.
        model: Model to run.
        request: Decompressed body and headers.
        stats: Counters of this model, version and verb.
        call: The decoded request; None if `steps` has to decode it.
        batch: Validated rows of the call; None if `steps` has to decode them.
        started: Time when the inference began, of `perf_counter_ns`; None for now.

    Attributes:
        model: Model to run.
    """

    __slots__ = (
        "_batch",
        "_call",
        "_endpoint",
        "_outside",
        "_request",
        "_rows",
        "_stages",
        "_started",
        "_stats",
        "_unknown",
        "model",
    )

    def __init__(
        self,
        endpoint: Endpoint[Any],
        model: ServedModel,
        request: InferenceRequest,
        stats: EndpointStats,
        *,
        call: InferenceCall[Any] | None = None,
        batch: Batch | None = None,
        started: int | None = None,
    ) -> None:
        now = perf_counter_ns()
        self.model = model
        self._endpoint, self._request, self._stats = endpoint, request, stats
        self._call, self._batch = call, batch
        self._started = now if started is None else started
        self._stages = [now - self._started, 0, 0]
        self._rows = self._outside = self._unknown = 0

    @property
    def size(self) -> int:
        """Number of bytes of the body and the rows that are held until the work begins."""
        batch = self._batch
        return len(self._request.body) + (0 if batch is None else batch.array().nbytes)

    def steps(
        self, memory: Reservation | None = None, max_seconds: float = inf
    ) -> Generator[float | None, None, EncodedResponse]:
        """Do what is left of decode, validate, run and encode, some rows at a time; any thread may do so, once.

        Memory is reserved before it is used. At the end the request has no body: the answer alone is held then.

        Args:
            memory: Memory of the request; None to reserve none.
            max_seconds: Longest estimated time that is accepted.

        Yields:
            Estimated time in seconds, once known, and None after each piece.

        Raises:
            RequestError: The request is malformed, or asks for what the model does not have, or for too much.
            ArithmeticError: The network returned a value that is not finite.
        """
        request, self._request = self._request, InferenceRequest(b"")
        request.memory = memory
        call, batch, self._call, self._batch = self._call, self._batch, None, None
        model, endpoint, began = self.model, self._endpoint, perf_counter_ns()
        if call is None:
            call = endpoint.decode(model, request)
        answer = endpoint.answer(model, call)
        rows = batch.size if batch is not None else _row_count(call)
        seconds = _estimate_ns(model, call, rows, len(request.body)) / 1e9
        check_seconds(seconds, max_seconds, rows)
        request.reserve(PIECE_BYTES, "a piece of the work")
        reserved = rows * answer.bytes_per_row
        request.reserve(reserved, f"the answer to {rows} rows", rows)
        batches = iter([batch]) if batch is not None else _batches(model, call)
        yield seconds
        at_once = _rows_at_once(model, call)
        for whole in batches:
            for piece in whole.pieces(at_once):
                decoded = perf_counter_ns()
                tensors = run(model, call, piece)
                ran = perf_counter_ns()
                yield from answer.add(piece, tensors)
                if request.observer is not None:
                    request.observer(model, piece, call.tensors, tensors)
                self._count(piece, decoded - began, ran - decoded, perf_counter_ns() - ran)
                needed = answer.size if self._rows < PROJECTED_FROM * rows else answer.size * rows // self._rows
                if needed > reserved:
                    request.reserve(needed - reserved, f"the answer to {rows} rows", rows)
                    reserved = needed
                yield None
                began = perf_counter_ns()
        response = answer.finish(self._rows, self._outside, self._unknown)
        self._stages[2] += perf_counter_ns() - began
        if memory is not None:
            memory.give_back(len(request.body) + PIECE_BYTES + reserved - response.size)
        request.body = b""
        return response

    def _count(self, piece: Batch, decode_ns: int, run_ns: int, encode_ns: int) -> None:
        """Add a piece to the counts and times."""
        self._rows += piece.size
        self._outside += piece.rows_out_of_range
        self._unknown += piece.rows_unknown
        for stage, took in enumerate((decode_ns, run_ns, encode_ns)):
            self._stages[stage] += took

    def record(self, *, refused: bool) -> None:
        """Record the inference in the counters; only the event loop may call this, as it alone changes them."""
        total, stats = perf_counter_ns() - self._started, self._stats
        if refused:
            stats.record_failure(total)
        else:
            stats.record(total, *self._stages, rows=self._rows, rows_out_of_range=self._outside)


def validate(model: ServedModel, call: InferenceCall[Any]) -> Batch:
    """Return the rows of a call as the network takes them.

    A single row of numbers within their training ranges, the most frequent request, remains a Python list: NumPy needs
    longer to make an array than the rest of its inference takes.

    Raises:
        InvalidRequestError: A row is not what the model takes; the text names the place.
    """
    rows = call.rows
    if type(rows) is list and len(rows) == 1 and model.range_check.contains(rows[0]):
        return Batch(rows[0], 1, None)
    if isinstance(rows, RowSource):
        rows = np.concatenate([_parse(model, call, piece, 0) for piece in rows.pieces()])
    return _validate(model, call, rows, 0)


def _validate(model: ServedModel, call: InferenceCall[Any], rows: Any, first: int) -> Batch:  # noqa: ANN401  (JSON)
    """Return rows of a call, the first of which has this index, as an array."""
    numbers, unknown = model.unknown_values.replace(_parse(model, call, rows, first))
    array, outside = model.range_check.validate(numbers, call.field, first)
    return Batch(array, len(array), outside, first, unknown)


def _parse(model: ServedModel, call: InferenceCall[Any], rows: Any, first: int) -> Numbers:  # noqa: ANN401  (JSON)
    """Return rows of a call, the first of which has this index, as numbers."""
    if isinstance(rows, np.ndarray):
        return rows
    unknown = model.unknown_values.mode
    return parse_rows(model.card, rows, str(call.field), tensor=call.as_tensor, first=first, unknown=unknown)


def _batches(model: ServedModel, call: InferenceCall[Any]) -> Iterator[Batch]:
    """Yield the validated rows of a call, as many at a time as its source reads."""
    first = 0
    for rows in call.rows.pieces() if isinstance(call.rows, RowSource) else [call.rows]:
        yield (batch := _validate(model, call, rows, first))
        first += batch.size


def _row_count(call: InferenceCall[Any]) -> int:
    """Return the number of rows of a call; 1 for a value that is no list and will be refused."""
    return len(call.rows) if isinstance(call.rows, list | np.ndarray | RowSource) else 1


def _rows_at_once(model: ServedModel, call: InferenceCall[Any]) -> int:
    """Return the number of rows of one piece."""
    computed = sum(model.sizes[name] for name in call.tensors)
    return max(1, PIECE_NUMBERS // (model.features + computed + call.numbers))


def _estimate_ns(model: ServedModel, call: InferenceCall[Any], rows: int, read: int) -> int:
    """Return the estimated time of a call on one core.

    Args:
        model: Model to run.
        call: Decoded call.
        rows: Number of rows.
        read: Number of bytes of the body.
    """
    row_ns = PARAMETER_NS * model.parameters + NUMBER_NS * call.numbers
    if model.unknown_values.averages:
        row_ns += evaluation_ns(model)
    return round(read * BYTE_NS + rows * row_ns + call.extra_ns)


def run(model: ServedModel, call: InferenceCall[Any], batch: Batch) -> Sequence[Array]:
    """Return the tensors that a call needs, in its order.

    Raises:
        ArithmeticError: A value is not finite.
    """
    rows, session = batch.rows, model.session
    tensors = session.run_row(rows, call.tensors) if isinstance(rows, list) else session.run(rows, call.tensors)
    if batch.unknown is not None:
        tensors = model.unknown_values.compute(batch.array(), batch.unknown, call.tensors, tensors)
    for tensor in tensors:
        if not all_finite(tensor):
            name = f"{model.name}/{model.version}"
            raise ArithmeticError(f"{name}: not all of {', '.join(call.tensors)} is finite for finite rows")
    return tensors

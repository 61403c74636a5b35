"""The only route of an inference: decode the request, validate its rows, run the network, encode the response.

The HTTP data plane calls `respond`, before ASGI or within it; a thread carries on with `Deferred.finish`.
"""

from collections.abc import Sequence
from time import perf_counter_ns
from typing import Any

import numpy as np

from enn_service.inference.cost import EVENT_LOOP, NUMBER_NS, PARAMETER_NS, Limits
from enn_service.inference.types import Batch, EncodedResponse, Endpoint, InferenceCall, InferenceRequest
from enn_service.observability.counters import EndpointStats
from enn_service.runtime.model import ServedModel
from enn_service.runtime.row_parser import parse_rows
from enn_service.runtime.session import Array, all_finite


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
        if cost_ns > limits.nanoseconds or batch.size * call.numbers > limits.numbers:
            return Deferred(endpoint, model, request, stats, call=call, batch=batch, started=started)
        tensors = run(model, call, batch)
        ran = perf_counter_ns()
        response = endpoint.encode(model, call, batch, tensors)
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
    """An inference for a thread to finish: decoded and validated already, or not read at all yet.

    Args:
        endpoint: Decoder and encoder of the protocol verb.
        model: Model to run.
        request: Decompressed body and headers.
        stats: Counters of this model, version and verb.
        call: The decoded request; None if `finish` has to decode it.
        batch: Validated rows of the call; None if `finish` has to decode them.
        started: Time when the inference began, of `perf_counter_ns`; None for now.

    Attributes:
        model: Model to run.
    """

    __slots__ = ("_batch", "_call", "_endpoint", "_request", "_stages", "_started", "_stats", "model")

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
        self._stages = (now - self._started, 0, 0)

    def finish(self) -> EncodedResponse:
        """Do what is left of decode, validate, run and encode; any thread may call this, once.

        Raises:
            RequestError: The request is malformed or asks for what the model does not have.
            ArithmeticError: The network returned a value that is not finite.
        """
        began, model = perf_counter_ns(), self.model
        if (call := self._call) is None:
            call = self._call = self._endpoint.decode(model, self._request)
        if (batch := self._batch) is None:
            batch = self._batch = validate(model, call)
        # The tensors of a single row belong to the event loop: a thread runs arrays.
        batch.rows = batch.array()
        decoded = perf_counter_ns()
        tensors = run(model, call, batch)
        ran = perf_counter_ns()
        response = self._endpoint.encode(model, call, batch, tensors)
        self._stages = (self._stages[0] + decoded - began, ran - decoded, perf_counter_ns() - ran)
        return response

    def discard(self) -> None:
        """Drop body, call and rows; `finish` must neither run nor be called afterwards."""
        self._request, self._call, self._batch = InferenceRequest(b""), None, None

    def record(self, *, refused: bool) -> None:
        """Record the inference in the counters; only the event loop may call this, as it alone changes them."""
        total, batch, stats = perf_counter_ns() - self._started, self._batch, self._stats
        if refused or batch is None:
            stats.record_failure(total)
            return
        outside = batch.out_of_range
        stats.record(total, *self._stages, rows=batch.size, rows_out_of_range=0 if outside is None else outside.rows)


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
    if not isinstance(rows, np.ndarray):
        rows = parse_rows(model.card, rows, call.field, tensor=call.as_tensor)
    array, outside = model.range_check.validate(rows, call.field)
    return Batch(array, len(array), outside)


def run(model: ServedModel, call: InferenceCall[Any], batch: Batch) -> Sequence[Array]:
    """Return the tensors that a call needs, in its order.

    Raises:
        ArithmeticError: A value is not finite.
    """
    rows, session = batch.rows, model.session
    tensors = session.run_row(rows, call.tensors) if isinstance(rows, list) else session.run(rows, call.tensors)
    for tensor in tensors:
        if not all_finite(tensor):
            name = f"{model.name}/{model.version}"
            raise ArithmeticError(f"{name}: not all of {', '.join(call.tensors)} is finite for finite rows")
    return tensors

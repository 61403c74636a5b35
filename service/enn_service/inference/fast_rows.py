"""The usual question: rows of numbers within their training ranges and nothing besides, straight from body to reply.

A single row, the commonest, is answered in Python's own numbers, as NumPy takes longer to begin than it takes. Whatever
is unusual, such as a value out of range or a word, is left to `answering`, which gives the same answer byte for byte,
and tells what is wrong.
"""

from time import perf_counter_ns

import numpy as np

from enn_service.http.responses import MAX_BUFFERED_RESPONSE, Response
from enn_service.inference.types import InferenceRequest, UsualOperation
from enn_service.observability.counters import EndpointStats
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import all_finite


def answer(
    operation: UsualOperation, model: ServedModel, request: InferenceRequest, tally: EndpointStats
) -> Response | None:
    """Return the reply to a request, and count it; None where it is not a usual one, and nothing is counted.

    Args:
        operation: What is asked for.
        model: Answers it.
        request: Asks it.
        tally: Counts the answer.

    Raises:
        ValueError: The body is no JSON.
        RequestError: The request is one to refuse.
    """
    began = perf_counter_ns()
    if not model.usual_rows or (asked := operation.read(model, request)) is None:
        return None
    rows, identity = asked
    count = 1 if isinstance(rows, list) else len(rows)
    if count > model.usual_rows or not model.reach.holds(rows):
        return None
    read = perf_counter_ns()
    if isinstance(rows, list):
        tensors = model.session.run_row(rows, operation.tensors)
    else:
        tensors = model.session.run(rows.astype(np.float32), operation.tensors)
    ran = perf_counter_ns()
    for tensor in tensors:
        if not all_finite(tensor):
            return None
    reply = Response(200, operation.write(model, identity, tensors))
    if len(reply.body) > MAX_BUFFERED_RESPONSE:
        return None
    wrote = perf_counter_ns()
    tally.took(wrote - began, read - began, ran - read, wrote - ran, rows=count)
    return reply

"""A single row, the commonest question: answered in Python's own numbers, as NumPy takes longer to begin than it takes.

Whatever is unusual about it, such as a value out of range or a word, is left to `answering`, which gives the same
answer byte for byte, and tells what is wrong.
"""

from math import isfinite
from time import perf_counter_ns

from enn_service.exchange import Request, RowOperation
from enn_service.model import Model
from enn_service.replies import LARGE_BYTES, Reply
from enn_service.tallies import Tally

SHORT = 512
"""A longer body is no usual row."""
PARAMETERS = 4096
"""A network of more is left to `answering`, which knows what may take long."""


def answer(operation: RowOperation, model: Model, request: Request, tally: Tally) -> Reply | None:
    """Return the reply to a request, and count it; None where it is not one of a usual row, and nothing is counted.

    Args:
        operation: What is asked for.
        model: Answers it.
        request: Asks it.
        tally: Counts the answer.

    Raises:
        ValueError: The row is no JSON.
        RequestError: The request is one to refuse.
    """
    began = perf_counter_ns()
    if len(request.body) > SHORT or model.parameters > PARAMETERS:
        return None
    if (asked := operation.read(model, request)) is None:
        return None
    row, identity = asked
    if not model.reach.holds(row):
        return None
    read = perf_counter_ns()
    tensors = model.session.run_row(row, operation.tensors)
    ran = perf_counter_ns()
    for tensor in tensors:
        if not isfinite(sum(tensor.ravel().tolist())):
            return None
    reply = Reply(200, operation.write(model, identity, tensors))
    if len(reply.body) > LARGE_BYTES:
        return None
    wrote = perf_counter_ns()
    tally.took(wrote - began, read - began, ran - read, wrote - ran)
    return reply

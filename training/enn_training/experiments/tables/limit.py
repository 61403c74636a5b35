"""Limit the CPU time of a fit: it runs in a process of its own, which the kernel ends."""

import math
import multiprocessing
import resource
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

from threadpoolctl import threadpool_limits

Result = TypeVar("Result")

LIMIT_SECONDS = 300.0
"""Maximum CPU seconds of a fit; other processes on the machine do not count."""


class UnfinishedError(Exception):
    """Raise if a fit exceeds its CPU time."""


def run_limited(work: Callable[[], Result], seconds: float) -> Result:
    """Return the result of a function that runs in a process of its own.

    A signal handler of Python would wait for the end of compiled code, in which a fit spends its time.

    Args:
        work: Function without arguments; its result or exception is pickled.
        seconds: Maximum CPU seconds, rounded up to whole ones.

    Raises:
        UnfinishedError: The function exceeds its CPU time.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_result, args=(work, math.ceil(seconds), sender))
    process.start()
    sender.close()
    try:
        result, error = receiver.recv()
    except EOFError:
        process.join()
        if process.exitcode in (-signal.SIGXCPU, -signal.SIGKILL):
            raise UnfinishedError(f"not finished within {seconds:g} processor seconds") from None
        raise RuntimeError(f"the process of a fit ended with status {process.exitcode}") from None
    process.join()
    if error is not None:
        raise error
    return result


def _send_result(work: Callable[[], object], seconds: int, sender: Connection) -> None:
    """Send the result and the exception of a function, one of them None, from a process that is limited."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    try:
        with threadpool_limits(1):  # the pool of threads of the other process does not exist here
            answer = (work(), None)
    except Exception as error:  # noqa: BLE001 - the other process raises it
        answer = (None, error)
    sender.send(answer)

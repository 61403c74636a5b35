"""Tests of the work queue: the shortest work first, in pieces, and ended as soon as it is no longer wanted."""

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from enn_service.inference.work_queue import Steps, Work, WorkQueue
from support.endless import endless

SECONDS = 30
"""Longest wait of a test for a thread."""


class Ended(Exception):  # noqa: N818  (an end, no error)
    pass


@pytest.fixture
def queue() -> Iterator[WorkQueue]:
    queue = WorkQueue(1)
    yield queue
    queue.stop(Ended())


class Held:
    """Work that occupies its thread from `started` until `free`."""

    def __init__(self) -> None:
        self.started, self.free = threading.Event(), threading.Event()

    def steps(self) -> Steps[bool]:
        self.started.set()
        self.free.wait(SECONDS)
        yield None
        return True


def named(name: str, expected: float, order: list[str]) -> Steps[str]:
    yield expected
    for _ in range(3):
        yield None
    order.append(name)
    return name


def test_small_work_passes_large_work_that_came_first(queue: WorkQueue) -> None:
    held, order = Held(), list[str]()
    queue.submit(held.steps())
    assert held.started.wait(SECONDS)
    works: list[Work[str]] = []
    for name, expected in (("large", 1000.0), ("second large", 1000.0), ("small", 0.001)):
        works.append(queue.submit(named(name, expected, order)))
        works[-1]._expected = expected  # as after its first piece
    held.free.set()
    assert [work.future.result(SECONDS) for work in works] == ["large", "second large", "small"]
    assert order == ["small", "large", "second large"]


def test_second_thread_computes_the_oldest_work() -> None:
    queue, order = WorkQueue(2), list[str]()
    first, second = Held(), Held()
    for held in (first, second):
        queue.submit(held.steps())
        assert held.started.wait(SECONDS)
    works: list[Work[str]] = []
    for name, expected in (("large", 1000.0), ("small", 0.001)):
        works.append(queue.submit(named(name, expected, order)))
        works[-1]._expected = expected
    second.free.set()  # the first thread, that of the shortest work, is still held
    assert [work.future.result(SECONDS) for work in works] == ["large", "small"]
    assert order == ["large", "small"]
    first.free.set()
    queue.stop(Ended())


def test_work_that_exceeds_its_estimate_counts_as_longer() -> None:
    work = Work(named("work", 0.001, []))
    work._used = 2.0
    assert work.seconds == 2.0


@pytest.mark.parametrize("begun", [True, False])
def test_cancelled_work_ends_between_its_pieces(queue: WorkQueue, *, begun: bool) -> None:
    closed, started, held = threading.Event(), threading.Event(), Held()
    if not begun:
        queue.submit(held.steps())
        assert held.started.wait(SECONDS)
    work = queue.submit(endless(closed, started))
    assert started.wait(SECONDS) is begun if begun else not started.is_set()
    queue.cancel(work, Ended())
    with pytest.raises(Ended):
        work.future.result(0)
    assert closed.wait(SECONDS) if begun else not started.is_set()
    held.free.set()
    assert queue.submit(named("next", 0, [])).future.result(SECONDS) == "next"


def test_cancelled_work_in_the_queue_keeps_nothing(queue: WorkQueue) -> None:
    class Body:
        pass

    def steps(body: Body) -> Steps[Body]:
        yield None
        return body

    held, body = Held(), Body()
    seen = weakref.ref(body)
    queue.submit(held.steps())
    assert held.started.wait(SECONDS)
    work = queue.submit(steps(body))
    del body
    queue.cancel(work, Ended())
    gc.collect()
    assert seen() is None
    held.free.set()


def test_exception_reaches_the_future_without_the_values_of_the_work(queue: WorkQueue) -> None:
    class Body:
        pass

    refs: list[weakref.ref[Body]] = []

    def steps() -> Steps[None]:
        body = Body()
        refs.append(weakref.ref(body))
        yield None
        raise Ended

    with pytest.raises(Ended) as caught:
        queue.submit(steps()).future.result(SECONDS)
    assert refs[0]() is None
    assert caught.tb is not None
    assert queue.submit(named("next", 0, [])).future.result(SECONDS) == "next"


def test_stopped_queue_ends_all_work_and_takes_none() -> None:
    queue, closed, started = WorkQueue(1), threading.Event(), threading.Event()
    running = queue.submit(endless(closed, started))
    assert started.wait(SECONDS)
    waiting = queue.submit(named("waiting", 0, []))
    queue.stop(Ended())
    for work in (running, waiting):
        with pytest.raises(Ended):
            work.future.result(SECONDS)
    assert closed.wait(SECONDS)
    with pytest.raises(Ended):
        queue.submit(named("late", 0, []))

"""Tests of the queue that passes finished requests to a thread."""

import threading

import pytest

from enn_service.observability import event_queue
from enn_service.observability.event_queue import EventQueue
from enn_service.observability.events import MAX_TRACE_HEADER, RequestEvent, trace_headers

EVENT = RequestEvent("id", "POST", "/", {}, 200, "ring", "1", 1, 0, 1)


def test_close_passes_on_every_queued_event() -> None:
    received: list[RequestEvent] = []
    queue = EventQueue(received.extend, 100, 0.01, "logged")
    for _ in range(50):
        queue(EVENT)
    queue.close()
    assert len(received) == 50


def test_close_at_end_of_delay_ends_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = EventQueue(lambda _: None, 100, 0, "logged")
    waited = queue._closing.wait

    def wait_then_close(delay: float) -> bool:
        result = waited(delay)
        queue._closing.set()  # `close` runs between the end of the delay and the next step of the thread
        queue._waiting.set()
        return result

    monkeypatch.setattr(queue._closing, "wait", wait_then_close)
    queue(EVENT)
    queue._thread.join(30)
    assert not queue._thread.is_alive()


def test_close_does_not_wait_for_blocked_consumer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(event_queue, "CLOSE_SECONDS", 0.01)
    unblocked = threading.Event()

    def block(_: object) -> None:
        unblocked.wait()

    queue = EventQueue(block, 100, 0, "logged")
    queue(EVENT)
    queue.close()
    assert "the last requests were not logged within 0.01 s" in caplog.text
    unblocked.set()
    queue._thread.join(30)


def test_events_that_a_blocked_consumer_holds_count() -> None:
    taken, unblocked = threading.Event(), threading.Event()

    def block(_: object) -> None:
        taken.set()
        unblocked.wait()

    queue = EventQueue(block, 3, 0, "logged")
    queue(EVENT)
    assert taken.wait(30)
    for _ in range(4):
        queue(EVENT)
    assert queue.dropped == 2
    unblocked.set()
    queue.close()


def test_dropped_events_are_reported_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    queue = EventQueue(lambda _: None, 0, 0, "logged")
    queue._next_warning = float("inf")  # the minute after the last warning is not over
    queue(EVENT)
    queue.close()
    assert queue.dropped == 1
    assert "1 requests were not logged: the queue is full" in caplog.text


def test_event_keeps_short_trace_headers_only() -> None:
    headers = {b"x-api-key": b"secret", b"traceparent": b"00-1-2-01", b"baggage": b"x" * (MAX_TRACE_HEADER + 1)}
    assert trace_headers(headers) == {b"traceparent": b"00-1-2-01"}

"""OpenTelemetry spans of requests, sent to an OTLP collector.

OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT enables tracing. OTEL_SERVICE_NAME and
the other variables of the OpenTelemetry SDK work as its documentation says. A span costs more than the request it
describes, so each process sends at most OTEL_BSP_MAX_QUEUE_SIZE spans (2,048) every OTEL_BSP_SCHEDULE_DELAY (1,000 ms);
the log states the number of requests without one.
"""

import logging
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from enn_service.observability.event_queue import EventQueue
from enn_service.observability.events import RequestEvent

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

logger = logging.getLogger(__name__)

MAX_QUEUED = 2048
"""Finished requests that wait for their span, unless OTEL_BSP_MAX_QUEUE_SIZE is set; further ones are dropped."""
BATCH_MILLISECONDS = 1000
"""Time that requests are collected before their spans are sent, unless OTEL_BSP_SCHEDULE_DELAY is set."""
SPANS_PER_MESSAGE = 512

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def is_configured() -> bool:
    """Return True if the environment enables tracing and names a collector."""
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "otlp")
    return not disabled and exporter == "otlp" and any(os.environ.get(name) for name in ENDPOINTS)


class RequestTracer:
    """Observer that creates a span for each request; a background thread sends the spans.

    Raises:
        ImportError: The packages of the extra `telemetry` are not installed.
    """

    def __init__(self) -> None:
        # Imported here because it takes time and memory, which a service without tracing should not spend.
        from opentelemetry import trace  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.propagate import extract  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import SpanProcessor, TracerProvider  # noqa: PLC0415

        spans: list[ReadableSpan] = []

        class Collect(SpanProcessor):
            """Keep the sampled spans of a batch."""

            def on_end(self, span: "ReadableSpan") -> None:
                spans.append(span)

        os.environ.setdefault("OTEL_SERVICE_NAME", "enn")
        self._provider = TracerProvider(resource=Resource.create())
        self._provider.add_span_processor(Collect())
        self._tracer = self._provider.get_tracer("enn_service")
        self._extract, self._trace = extract, trace
        self._spans, self._exporter = spans, OTLPSpanExporter()
        capacity = int(os.environ.get("OTEL_BSP_MAX_QUEUE_SIZE", MAX_QUEUED))
        delay = float(os.environ.get("OTEL_BSP_SCHEDULE_DELAY", BATCH_MILLISECONDS)) / 1000
        self._queue = EventQueue(self._export, capacity, delay, "traced")

    def __call__(self, event: RequestEvent) -> None:
        """Queue a finished request; its span is made and sent in the background thread."""
        self._queue(event)

    def close(self) -> None:
        """Send the remaining spans and stop the background thread."""
        self._queue.close()
        self._exporter.shutdown()
        self._provider.shutdown()

    def _export(self, events: Sequence[RequestEvent]) -> None:
        """Make the spans of a batch and send them, a limited number in each message."""
        try:
            for event in events:
                self._make_span(event)
            for start in range(0, len(self._spans), SPANS_PER_MESSAGE):
                self._exporter.export(self._spans[start : start + SPANS_PER_MESSAGE])
        finally:
            self._spans.clear()  # also after an error: no span may be sent twice

    def _make_span(self, event: RequestEvent) -> None:
        """Make the span of a finished request, as a child of the span that the request's headers name."""
        headers = {name.decode(): value.decode("latin-1") for name, value in event.headers.items()}
        endpoint = re.split("[:/]", event.path)[-1] if event.model else ""
        span = self._tracer.start_span(
            f"{endpoint} {event.model}" if event.model else event.method,
            self._extract(headers),
            self._trace.SpanKind.SERVER,
            start_time=event.began,
            attributes={
                "http.request.method": event.method,
                "http.response.status_code": event.status,
                "url.path": event.path,
                "enn.request_id": event.id,
                "enn.model": event.model,
                "enn.version": event.version,
                "enn.rows": event.rows,
            },
        )
        if event.status >= 500:
            span.set_status(self._trace.StatusCode.ERROR)
        span.end(event.began + event.nanoseconds)


def create_tracer() -> RequestTracer | None:
    """Return a tracer; None if tracing is not configured or OpenTelemetry is not installed."""
    if not is_configured():
        return None
    try:
        return RequestTracer()
    except ImportError as error:
        logger.warning(
            "tracing is off although %s is set: %s; install this project with its extra telemetry",
            " or ".join(ENDPOINTS),
            error,
        )
        return None

"""Traces: a span for each request, sent to the collector that OpenTelemetry's variables name, if they do.

OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT switch them on; OTEL_SERVICE_NAME,
OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES and the rest hold as the OpenTelemetry SDK has them.
"""

import logging
import os
import re

from enn_service.observability.events import RequestEvent

logger = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PROPAGATED = (b"traceparent", b"tracestate", b"baggage", b"b3")


def is_configured() -> bool:
    """Return whether the environment names a collector of traces."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "otlp")
    return not off and exporter == "otlp" and any(os.environ.get(name) for name in ENDPOINTS)


class RequestTracer:
    """Makes spans and sends them, in a thread of its own.

    Raises:
        ImportError: OpenTelemetry is not installed.
    """

    def __init__(self) -> None:
        # Imported here: who traces nothing pays nothing.
        from opentelemetry import trace  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.propagate import extract  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        os.environ.setdefault("OTEL_SERVICE_NAME", "enn")
        self._provider = TracerProvider(resource=Resource.create())
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("enn_service")
        self._extract, self._trace = extract, trace

    def __call__(self, event: RequestEvent) -> None:
        """Tell of a request; one that came with a trace is a part of it."""
        carrier = {name.decode(): event.headers[name].decode("latin-1") for name in PROPAGATED if name in event.headers}
        verb = re.split("[:/]", event.path)[-1] if event.model else ""
        span = self._tracer.start_span(
            f"{verb} {event.model}" if event.model else event.method,
            self._extract(carrier),
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

    def close(self) -> None:
        """Send what is there."""
        self._provider.shutdown()


def create_tracer() -> RequestTracer | None:
    """Return what makes traces; None where no collector is named, or OpenTelemetry is not there to serve it."""
    if not is_configured():
        return None
    try:
        return RequestTracer()
    except ImportError as error:
        logger.warning(
            "no traces, although %s names a collector: %s; install this project with its extra telemetry",
            ENDPOINTS[0],
            error,
        )
        return None

"""OpenTelemetry spans of requests, sent to an OTLP collector.

OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT enables tracing. OTEL_SERVICE_NAME and
the other variables of the OpenTelemetry SDK work as its documentation says.
"""

import logging
import os
import re

from enn_service.observability.events import RequestEvent

logger = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PROPAGATION_HEADERS = (b"traceparent", b"tracestate", b"baggage", b"b3")


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
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        os.environ.setdefault("OTEL_SERVICE_NAME", "enn")
        self._provider = TracerProvider(resource=Resource.create())
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("enn_service")
        self._extract, self._trace = extract, trace

    def __call__(self, event: RequestEvent) -> None:
        """Create the span of a finished request, as a child of the span that the request's headers name."""
        headers = {
            name.decode(): event.headers[name].decode("latin-1")
            for name in PROPAGATION_HEADERS
            if name in event.headers
        }
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

    def close(self) -> None:
        """Send the remaining spans and stop the background thread."""
        self._provider.shutdown()


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

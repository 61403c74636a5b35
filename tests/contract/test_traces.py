"""OpenTelemetry: each request has a span at the configured collector, as a part of the trace of the caller."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from support.serving import address_of, command

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

ROW = {"instances": [[0.1, 0.2], [0.1, 0.3]]}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
Eventually = Callable[[Callable[[], bool]], None]


class Collector(ThreadingHTTPServer):
    """What an OpenTelemetry collector is to the service: it takes spans over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.spans: list[tuple[str, Span]] = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["content-length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {part.key: part.value.string_value for part in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.server.spans += [(names["service.name"], span) for span in scope.spans]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_each_request_has_a_span_in_the_callers_trace(
    own_repository: Path, tmp_path: Path, eventually: Eventually, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    log = tmp_path / "log"
    with command(own_repository, log, workers=1) as process:
        address = address_of(process, log, 1, eventually)
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "mine-1"}
        httpx.post(f"{address}/v1/models/ring:predict", json=ROW, headers=headers)
        httpx.get(f"{address}/v2/health/ready")
    assert len(collector.spans) == 2  # sent before the service ends
    service, span = next(found for found in collector.spans if found[1].name == "predict ring")
    assert service == "enn"
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    found = {part.key: part.value for part in span.attributes}
    assert (found["enn.model"].string_value, found["enn.version"].string_value) == ("ring", "1")
    assert (found["enn.rows"].int_value, found["http.response.status_code"].int_value) == (2, 200)
    assert found["enn.request_id"].string_value == "mine-1"
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 60e9
    (other,) = [found for _, found in collector.spans if found is not span]
    assert (other.name, other.parent_span_id) == ("GET", b"")


def test_unreachable_collector_does_not_affect_responses(
    own_repository: Path, tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    log = tmp_path / "log"
    with command(own_repository, log, workers=1) as process:
        address = address_of(process, log, 1, eventually)
        assert httpx.post(f"{address}/v1/models/ring:predict", json=ROW).status_code == 200


def test_without_a_collector_opentelemetry_is_not_imported(own_repository: Path) -> None:
    code = (
        "import sys; from enn_service.app import create_app; app = create_app();"
        "print(app.inline is not None, [x for x in sys.modules if x.startswith(('opentelemetry.sdk', 'fsspec'))])"
    )
    environment = {"ENN_MODELS": str(own_repository)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"

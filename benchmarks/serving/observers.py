"""Pairs that compare this service with an observer of its requests to the service without: log, tracing, middleware."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import SEEK_END
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import httpx

from benchmarks.serving.cases import ONE
from benchmarks.serving.load import FailedAnswersError, case_target
from benchmarks.serving.middleware import FIRST
from benchmarks.serving.report import Bound, Pair
from benchmarks.serving.rounds import Comparison, Plan, compare, measure
from benchmarks.serving.servers import ROOT, Server, service

SHARE = Bound(0.6)
"""Minimum share of the throughput that an observer leaves."""
ACCESS_SHARE = Bound(0.9)
"""Minimum share of the throughput that the access log leaves."""
RECORD_SHARE = Bound(0.8)
"""Minimum share of the throughput that the record leaves."""
OTHER = "no observer"


class Sink(ThreadingHTTPServer):
    """OTLP endpoint on loopback that reads and discards each POST, and counts its connections."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Discard)
        self.connections = 0

    def process_request(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:  # noqa: ANN401 - as in the base class
        """Count a connection and handle it in a thread."""
        self.connections += 1
        super().process_request(request, client_address)

    @property
    def url(self) -> str:
        """Address of the endpoint."""
        return f"http://127.0.0.1:{self.server_port}"


class _Discard(BaseHTTPRequestHandler):
    """Handler that responds to each POST with an empty response."""

    def do_POST(self) -> None:
        """Read the body and respond."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of the base class
        """Write nothing."""


@contextmanager
def sink() -> Iterator[Sink]:
    """Serve an OTLP endpoint in a thread and yield it."""
    with Sink() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _compare(url: str, plan: Plan, settings: Mapping[str, str], observed: Callable[[Server], bool]) -> Comparison:
    """Compare one row to the service with more settings with one row to the service at an address.

    Raises:
        FailedAnswersError: The observer has received no request, so the ratio would say nothing about it.
    """
    with service(settings) as server:
        this, other = measure(case_target(server.url, ONE), plan), measure(case_target(url, ONE), plan)
        comparison = compare(this, other, plan.rounds)
        if not observed(server):
            raise FailedAnswersError(f"the observer received no request with the settings {', '.join(settings)}")
        return comparison


def _request_log(url: str, plan: Plan, *, form: str) -> Comparison:
    """Compare with a log line for each request, in a format of the setting ENN_LOG_FORMAT."""
    settings = {"ENN_LOG_LEVEL": "debug", "ENN_LOG_FORMAT": form}
    return _compare(url, plan, settings, lambda server: b"/v1/models/ring:predict" in _tail(server.log))


def _access_log(url: str, plan: Plan) -> Comparison:
    """Compare with the access log on standard output."""
    return _compare(
        url, plan, {"ENN_ACCESS_LOG": "true"}, lambda server: b"/v1/models/ring:predict" in _tail(server.log)
    )


def _tail(path: Path) -> bytes:
    """Return the last 4,096 bytes of a file."""
    with path.open("rb") as file:
        file.seek(-min(4096, path.stat().st_size), SEEK_END)
        return file.read()


def _tracing(url: str, plan: Plan) -> Comparison:
    """Compare with OpenTelemetry, which sends its spans to an endpoint that discards them."""
    with sink() as endpoint:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint.url, "NO_PROXY": "127.0.0.1"}
        return _compare(url, plan, settings, lambda _: endpoint.connections > 0)


def _middleware(url: str, plan: Plan) -> Comparison:
    """Compare with a declared middleware that only observes."""
    settings = {"ENN_MIDDLEWARE": "benchmarks.serving.middleware:CountRequests", "PYTHONPATH": str(ROOT)}
    return _compare(url, plan, settings, lambda server: FIRST.encode() in server.log.read_bytes())


def _record(url: str, plan: Plan) -> Comparison:
    """Compare with the record of every request in an SQLite file."""
    with TemporaryDirectory() as folder:
        settings = {"ENN_RECORD": f"sqlite:///{folder}/record.db"}
        return _compare(url, plan, settings, lambda server: _wrote_rows(server.url))


def _wrote_rows(url: str) -> bool:
    """Return True if the record has rows; print how many were dropped."""
    text = httpx.get(f"{url}/metrics", trust_env=False).text
    written, dropped = (
        float(text.partition(f'enn_record_rows_total{{result="{result}"}} ')[2].split()[0])
        for result in ("written", "dropped")
    )
    print(f"record: {written:.0f} rows written, {dropped:.0f} dropped")
    return written > 0


OBSERVERS = (
    Pair(f"{ONE.name}, with record (SQLite)", OTHER, RECORD_SHARE, _record),
    Pair(f"{ONE.name}, with access log", OTHER, ACCESS_SHARE, _access_log),
    Pair(f"{ONE.name}, with request log (JSON)", OTHER, SHARE, partial(_request_log, form="json")),
    Pair(f"{ONE.name}, with request log (console)", OTHER, SHARE, partial(_request_log, form="console")),
    Pair(f"{ONE.name}, with OpenTelemetry", OTHER, SHARE, _tracing),
    Pair(f"{ONE.name}, with a middleware around the application (it only observes)", OTHER, SHARE, _middleware),
)

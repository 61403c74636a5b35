"""Tests of graceful shutdown under load: SIGTERM and SIGHUP lose no request."""

import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPResponse
from pathlib import Path

import httpx
import pytest

from support.serving import SHIPPED, WORKERS, address_of, command

pytestmark = pytest.mark.slow

CLIENTS = 2
PAUSE_SECONDS = 0.005
"""Between the requests of a client, so that the processors are there for the workers that start."""
BODY = b'{"instances": [[0.1, 0.2]]}'
PATH = "/v1/models/ring:predict"
Eventually = Callable[[Callable[[], bool]], None]
Found = Counter[tuple[int, bytes]]


@contextmanager
def asking(address: str) -> Iterator[Found]:
    """Ask from several clients that keep their connections and never ask again, until the block ends."""
    found: Found = Counter()
    enough = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=address) as client:
            while not enough.wait(PAUSE_SECONDS):
                reply = client.post(PATH, content=BODY)
                found[reply.status_code, reply.content] += 1

    with ThreadPoolExecutor(CLIENTS) as pool:
        pending = [pool.submit(ask) for _ in range(CLIENTS)]
        try:
            yield found
        finally:
            enough.set()
    for one in pending:
        one.result()


def half(address: str) -> socket.socket:
    """Return a connection that has sent half of a request."""
    url = httpx.URL(address)
    connection = socket.create_connection((url.host, url.port or 80))
    connection.sendall(f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(BODY)}\r\n\r\n".encode() + BODY[:5])
    return connection


def answer(connection: socket.socket) -> bytes:
    response = HTTPResponse(connection)
    response.begin()
    assert response.status == 200
    return response.read()


def refused(address: str) -> bool:
    try:
        httpx.get(f"{address}/v2/health/live")
    except httpx.ConnectError:
        return True
    except httpx.TransportError:  # accepted, and then closed with the others
        return False
    return False


@pytest.mark.parametrize(
    ("workers", "number"),
    [(1, signal.SIGTERM), (WORKERS, signal.SIGTERM), (1, signal.SIGHUP)],
    ids=["one worker", "several workers", "one worker that is hung up"],
)
def test_sigterm_fails_readiness_then_finishes_requests_and_exits_0(
    tmp_path: Path, eventually: Eventually, workers: int, number: signal.Signals
) -> None:
    log = tmp_path / "log"
    with command(SHIPPED, log, workers=workers, drain_seconds=60) as process:
        address = address_of(process, log, workers, eventually)
        with half(address) as connection, ExitStack() as clients:
            found = clients.enter_context(asking(address))
            eventually(lambda: sum(found.values()) > CLIENTS)
            process.send_signal(number)
            eventually(lambda: httpx.get(f"{address}/v2/health/ready").status_code == 503)
            eventually(lambda: httpx.post(f"{address}{PATH}", content=BODY).headers.get("connection") == "close")
            ready, live = (httpx.get(f"{address}/v2/health/{name}") for name in ("ready", "live"))
            assert (ready.status_code, list(ready.json())) == (503, ["error"])
            assert (live.status_code, live.json()) == (200, {"live": True, "ready": False})
            clients.close()  # as a proxy does that has seen it
            process.send_signal(signal.SIGTERM)  # at once now
            eventually(lambda: refused(address))
            assert process.poll() is None
            connection.sendall(BODY[5:])
            last = answer(connection)
        assert process.wait(30) == 0, log.read_text()
    assert found.keys() == {(200, last)}
    assert "Traceback" not in log.read_text()


def test_sighup_replaces_workers_without_losing_requests(tmp_path: Path, eventually: Eventually) -> None:
    log = tmp_path / "log"
    with command(SHIPPED, log, drain_seconds=0.5) as process:
        address = address_of(process, log, WORKERS, eventually)
        with asking(address) as found:
            eventually(lambda: sum(found.values()) > CLIENTS)
            process.send_signal(signal.SIGHUP)
            eventually(lambda: log.read_text().count("Finished server process") == WORKERS)
            assert httpx.get(f"{address}/v2/health/ready").status_code == 200
        assert log.read_text().count("startup complete") == 2 * WORKERS
    assert {status for status, _ in found} == {200}
    assert len(found) == 1


def test_workers_finish_and_exit_after_supervisor_is_killed(tmp_path: Path, eventually: Eventually) -> None:
    log = tmp_path / "log"
    with command(SHIPPED, log) as process:
        address = address_of(process, log, WORKERS, eventually)
        with half(address) as connection:
            process.kill()
            eventually(lambda: refused(address))
            connection.sendall(BODY[5:])
            assert b"predictions" in answer(connection)
        eventually(lambda: log.read_text().count("Finished server process") == WORKERS)
        with command(SHIPPED, tmp_path / "again", port=httpx.URL(address).port) as again:
            assert address_of(again, tmp_path / "again", WORKERS, eventually) == address

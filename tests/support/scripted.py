"""Servers with scripted responses, for tests of clients."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

STOP_LOOKS = 0.01
"""Interval at which the server checks for its shutdown, in seconds."""

Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Script:
    """Responses of the server, the last one repeated, and the requests that it received."""

    replies: list[Reply | Callable[[dict[str, str], bytes], Reply]]
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@contextmanager
def answering(*replies: Any) -> Iterator[Script]:
    """Run a server with these responses on a free port."""
    script = Script(list(replies))
    following = chain(script.replies, repeat(script.replies[-1]))

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            script.requests.append((self.path, headers, body))
            reply = next(following)
            if reply is None:  # the connection is lost
                return
            status, more, content = reply(headers, body) if callable(reply) else reply
            self.send_response(status)
            for name, value in {**more, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[STOP_LOOKS])
        thread.start()
        try:
            script.url = f"http://127.0.0.1:{server.server_port}"
            yield script
        finally:
            server.shutdown()
            thread.join(30)


@contextmanager
def dripping(start: bytes) -> Iterator[str]:
    """Run a server that sends `start` and then one byte after the other, without an end; yield its address."""
    done = threading.Event()

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(2**16)
            with suppress(OSError):
                self.request.sendall(start)
                while not done.wait(STOP_LOOKS):
                    self.request.sendall(b"x")

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[STOP_LOOKS])
        thread.start()
        try:
            yield "http://{}:{}".format(*server.server_address)
        finally:
            done.set()
            server.shutdown()
            thread.join(30)

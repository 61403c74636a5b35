"""Start the service with the shipped models, and read what it says about itself over HTTP."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROW = json.dumps({"instances": [[0.1, 0.2]]}).encode()
REQUESTS = ("/v1/models/ring:predict", "/v1/models/ring:explain", "/v1/models/unknown:predict")
"""Paths that receive one row each before the metrics are read: without requests a metric shows no labels."""


class Service:
    """Read documents of a running service.

    Args:
        address: Address of the service, such as http://127.0.0.1:8080.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the service runs on this machine

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        return json.loads(self._send("/openapi.json"))

    def metrics(self) -> str:
        """Return the metrics in Prometheus' text format, after one request of each kind."""
        for path in REQUESTS:
            self._send(path, ROW)
        return self._send("/metrics")

    def _send(self, path: str, body: bytes | None = None) -> str:
        try:
            with self._opener.open(self._address + path, body, timeout=30) as response:
                return response.read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode()


@contextmanager
def running_service(models: Path) -> Iterator[Service]:
    """Run the service on a free port and yield access to it.

    Args:
        models: Model repository to serve.

    Raises:
        RuntimeError: The service ended before it listened; the text is its log.
    """
    command = [sys.executable, "-m", "enn_service", "--port", "0", "--models", str(models), "--drain-seconds", "0"]
    log: list[str] = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - no input of others
        try:
            for line in process.stderr or ():
                log.append(line)
                if found := re.search(r"running on (http://[\d.:]+)", line):
                    yield Service(found[1])
                    return
            raise RuntimeError("".join(log))
        finally:
            process.terminate()
            process.communicate()

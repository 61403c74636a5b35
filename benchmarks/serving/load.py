"""Load: one generator, wrk, for every server; one thread, connections that ask again as soon as they are answered."""

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.serving.cases import Request

INSTALL = "wrk is not installed: apt-get install wrk, or brew install wrk"
SCRIPT = """
local file = io.open({body}, "rb")
wrk.method, wrk.body = "POST", file:read("*a")
{headers}
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('\\n{{"requests": %d, "microseconds": %d, "failed": %d, "p50": %f, "p99": %f}}\\n',
    summary.requests, summary.duration, errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Load:
    """What one run of the generator saw: answers a second, and how long half and 99 % of them took, in milliseconds."""

    rate: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Target:
    """What is asked: a request, at an address, over so many connections."""

    url: str
    request: Request
    connections: int


class FailedAnswersError(Exception):
    """Some of the answers were errors."""


class Run:
    """One run of the generator, begun at once; a context manager that leaves no process.

    Args:
        target: What is asked.
        seconds: How long.
        folder: Where its script is written.
    """

    def __init__(self, target: Target, seconds: int, folder: Path) -> None:
        name = hashlib.sha256(repr(target).encode()).hexdigest()[:12]
        body, script = folder / f"{name}.body", folder / f"{name}.lua"
        body.write_bytes(target.request.body)
        headers = "\n".join(f"wrk.headers[{json.dumps(k)}] = {json.dumps(v)}" for k, v in target.request.headers)
        script.write_text(SCRIPT.format(body=json.dumps(str(body)), headers=headers))
        arguments = ["-t1", f"-c{target.connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script)]
        command = ["wrk", *arguments, target.url + target.request.path]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def finish(self) -> Load:
        """Return what it saw.

        Raises:
            FailedAnswersError: Some of the answers were errors, or there were none.
        """
        output, _ = self._process.communicate()
        found = json.loads(output.strip().splitlines()[-1])
        if found["failed"] or not found["requests"]:
            raise FailedAnswersError(f"{found['failed']} of {found['requests']} requests failed under load")
        return Load(found["requests"] / found["microseconds"] * 1e6, found["p50"] / 1000, found["p99"] / 1000)

    def __enter__(self) -> Self:
        """Return the run."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it if it still goes on."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def load(target: Target, seconds: int, folder: Path) -> Load:
    """Run the generator and return what it saw."""
    with Run(target, seconds, folder) as run:
        return run.finish()


def check_installed() -> None:
    """End the program if the generator is not there."""
    if shutil.which("wrk") is None:
        raise SystemExit(INSTALL)

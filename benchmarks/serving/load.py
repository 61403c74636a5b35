"""Load generator: runs wrk with one thread; each connection sends the next request when the last is answered."""

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.serving import cases
from benchmarks.serving.cases import Case, Request

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
    """Result of one run.

    Args:
        rate: Responses per second.
        p50: Median of latency, in milliseconds.
        p99: 99th percentile of latency, in milliseconds.
        requests: Number of responses.
    """

    rate: float
    p50: float
    p99: float
    requests: int


@dataclass(frozen=True)
class Target:
    """Request to send to an address over a number of connections."""

    url: str
    request: Request
    connections: int


class FailedAnswersError(Exception):
    """Raise if responses under load are errors or contain other scores."""


class Run:
    """Run of the generator, started on construction; a context manager that leaves no process behind.

    Args:
        target: Request, address and connections.
        seconds: Duration of the run.
        folder: Folder for the script of wrk and the request body.
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
        """Wait for the end of the run and return its result.

        Raises:
            FailedAnswersError: Some of the responses were errors, or there were none.
        """
        output, _ = self._process.communicate()
        totals = json.loads(output.strip().splitlines()[-1])
        if totals["failed"] or not totals["requests"]:
            raise FailedAnswersError(f"{totals['failed']} of {totals['requests']} requests failed under load")
        rate = totals["requests"] / totals["microseconds"] * 1e6
        return Load(rate, totals["p50"] / 1000, totals["p99"] / 1000, totals["requests"])

    def __enter__(self) -> Self:
        """Return the run."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the generator if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def case_target(url: str, case: Case) -> Target:
    """Return a case as a request to this service: by KServe V1, or by V2 for tensors."""
    return Target(url, cases.request(cases.call(case, "v1")), case.connections)


def load(target: Target, seconds: int, folder: Path) -> Load:
    """Run the generator and return the result."""
    with Run(target, seconds, folder) as run:
        return run.finish()


def check_installed() -> None:
    """Exit with instructions if wrk is not installed."""
    if shutil.which("wrk") is None:
        raise SystemExit(INSTALL)

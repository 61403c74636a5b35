"""Measure small requests beside large ones: `python -m benchmarks.fairness`.

Starts the service with its default settings, and prints the time of a single row, and of a predict of 6,000 rows, alone
and while other clients keep the service busy with the largest requests that it accepts.
"""

import argparse
import json
import multiprocessing
import os
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from importlib.metadata import version
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import httpx

from benchmarks.serving.servers import service

PREDICT, EXPLAIN = "/v1/models/ring:predict", "/v1/models/ring:explain"
ROW = [0.1, 0.2]
ONE, MANY = ({"instances": [ROW] * count} for count in (1, 6000))
SINGLE_ROWS, LARGE_ROWS, ROUNDS = 300, 10, 3
MAX_RATIO = 5
LONGEST = "predict of 6,000 rows, longest"
CLIENTS, SHAPLEY_CLIENTS = 1, 8
METHOD = f"""Quiet and busy service are measured alternately in {ROUNDS} rounds; a ratio is the median of the ratios
within a round. A single row is sent {SINGLE_ROWS} times in a round, one after the other, and its 99th percentile has to
stay below {MAX_RATIO} times that of the quiet service."""


class Burden(NamedTuple):
    """Requests that other clients send without a pause."""

    name: str
    body: bytes
    path: str = EXPLAIN
    clients: int = CLIENTS


def burdens(url: str) -> Iterator[Burden]:
    """Yield the largest requests that the service accepts."""
    sampled = {"attributions": "sampled_shapley", "permutations": 1000, "background": [[0, 0]]}
    for options in (sampled, {"attributions": "shapley"}):
        body = {"instances": [ROW] * 30_000, "parameters": options}
        refused = httpx.post(f"{url}{EXPLAIN}", json=body, timeout=60)
        rows = int(refused.headers["enn-max-rows"])
        body["instances"] = [ROW] * rows
        yield Burden(f"{options['attributions']} of {rows:,} rows", json.dumps(body).encode())
    yield Burden("explain of 55,000 rows", json.dumps({"instances": [ROW] * 55_000}).encode())
    outside = b",".join([b"[0.1,3.5]"] * 1_500_000)
    yield Burden("predict of 1,500,000 rows out of range", b'{"instances":[%b]}' % outside, PREDICT)


def main() -> None:
    """Run the benchmark, print the page, and write it to the file of --out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("--out", type=Path, help="file to write the page to")
    options = parser.parse_args()
    with service({}) as server:
        lines = [
            _compare(server.url, burden, "single row, p99", body=ONE, count=SINGLE_ROWS, limit=MAX_RATIO)
            for burden in burdens(server.url)
        ]
        honest = {"instances": [ROW] * 1000, "parameters": {"attributions": "shapley"}}
        shapley = Burden("shapley of 1,000 rows", json.dumps(honest).encode(), clients=SHAPLEY_CLIENTS)
        lines.append(_compare(server.url, shapley, LONGEST, body=MANY, count=LARGE_ROWS, limit=None))
    page = _page(lines)
    print(page)
    if options.out:
        options.out.write_text(page)


def _compare(url: str, burden: Burden, name: str, *, body: dict, count: int, limit: float | None) -> str:
    """Measure a request on the quiet and on the busy service; return a line of the table."""
    quiet, busy, statuses = list[float](), list[float](), set[int]()
    for _ in range(ROUNDS):
        quiet.append(_high(url, body, count))
        with _busy(url, burden, statuses):
            busy.append(_high(url, body, count))
    ratio = median(loaded / alone for alone, loaded in zip(quiet, busy, strict=True))
    verdict = "" if limit is None else "met" if ratio < limit else "**not met**"
    seen = ", ".join(map(str, sorted(statuses)))
    times = f"{1000 * median(quiet):.1f} | {1000 * median(busy):.1f} | {ratio:.1f} | {verdict}"
    return f"| {name} | {burden.clients} x {burden.name} ({seen}) | {times} |"


def _high(url: str, body: dict, count: int) -> float:
    """Return the 99th percentile of the time of requests on one connection, in seconds."""
    text, times = json.dumps(body), list[float]()
    connection = HTTPConnection(url.removeprefix("http://"))
    for _ in range(count):
        began = perf_counter()
        connection.request("POST", PREDICT, text)
        connection.getresponse().read()
        times.append(perf_counter() - began)
    connection.close()
    return sorted(times)[int(0.99 * count)]


@contextmanager
def _busy(url: str, burden: Burden, statuses: set[int]) -> Iterator[None]:
    """Keep the service busy in the block, from processes of their own; add the statuses of its answers."""
    over, begun = multiprocessing.Event(), multiprocessing.Barrier(burden.clients + 1)
    found: multiprocessing.Queue[set[int]] = multiprocessing.Queue()
    clients = [
        multiprocessing.Process(target=_ask, args=(url, burden, begun, over, found)) for _ in range(burden.clients)
    ]
    for client in clients:
        client.start()
    begun.wait()
    try:
        yield
    finally:
        over.set()
        for client in clients:
            statuses |= found.get()
            client.join()


def _ask(url: str, burden: Burden, begun: Barrier, over: Event, found: "multiprocessing.Queue[set[int]]") -> None:
    """Send the requests of one client until the time is over."""
    statuses = set[int]()
    with httpx.Client(base_url=url, timeout=60) as client:
        begun.wait()
        while not over.is_set():
            with client.stream("POST", burden.path, content=burden.body) as reply:
                for _ in reply.iter_raw():
                    pass
            statuses.add(reply.status_code)
    found.put(statuses)


def _page(lines: list[str]) -> str:
    command = shlex.join(["python", "-m", "benchmarks.fairness", *sys.argv[1:]])
    versions = ", ".join(f"{name} {version(name)}" for name in ("enn", "uvicorn", "numpy", "onnxruntime"))
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    head = f"| request | beside (statuses) | quiet ms | busy ms | ratio | below {MAX_RATIO} |"
    start = "Use this page to see how long a small request takes while large ones are computed."
    measured = f"Measured by `{command}` on {machine}: {versions}."
    text = ["# Small requests beside large ones", start, measured, METHOD]
    return "\n\n".join(text) + "\n\n" + "\n".join([head, "|---|---|---|---|---|---|", *lines, ""])


if __name__ == "__main__":
    main()

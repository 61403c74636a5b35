"""Measure the peak memory of the largest requests of every kind: `python -m benchmarks.memory`.

Starts the service with its default settings for each kind of request, sends the largest body, alone and then two at
once, plain and compressed, and prints the peak of the process's resident memory.
"""

import argparse
import gzip
import json
import os
import platform
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx
import numpy as np

from benchmarks.serving.servers import MODELS, free_port
from enn_training import ENN, adopt, export

MAX_BODY = 16 * 2**20
LIMIT_MIB = 384
STATUSES = {200, 400, 413, 503}
WIDE, WIDE_NEURONS = "wide", 1024
ROOM = 400
"""Bytes of a body besides its rows."""
START_SECONDS, ANSWER_SECONDS = 60, 120
METHOD = f"""Each line is a fresh process with the default settings. The body is the largest that `ENN_MAX_BODY_BYTES`
accepts, or that of the stated number of rows. Every answer has one of the statuses {sorted(STATUSES)}: 413 is a request
that can never be answered, 503 one that does not fit beside the other. The peak is `VmHWM` of the process after one
request, and after two at once; it has to stay below {LIMIT_MIB} MiB."""


class Request(NamedTuple):
    """A request to measure."""

    name: str
    path: str
    body: bytes
    headers: dict[str, str]


def requests() -> Iterator[Request]:
    """Yield the requests of every kind."""
    predict, explain, infer = "/v1/models/ring:predict", "/v1/models/ring:explain", "/v2/models/ring/infer"
    for row in ("[0.1,0.2]", "[0,1]", "[0.1,3.5]", '{"x0":0,"x1":1}', '{"x0":0.1,"x1":0.2}', "[]"):
        yield Request(f"V1 predict, rows `{row}`", predict, _rows(row), {})
    yield Request("V1 explain, rows `[0.1,0.2]`", explain, _rows("[0.1,0.2]"), {})
    yield Request("V1 explain, 55,000 rows", explain, _rows("[0.1,0.2]", 55_000), {})
    options = {"attributions": "integrated_gradients", "harmonics": True}
    yield Request("V1 explain with harmonics and attributions, 9,000 rows", explain, _rows("[5,3]", 9000, options), {})
    for named in ([], [{"name": "bumps"}]):
        text = ", bumps" if named else ""
        yield Request(f"V2 infer, JSON{text}", infer, _tensor("0.1,0.2", named), {})
        yield _binary("ring", f"V2 infer, bytes{text}", MAX_BODY // 8 - ROOM, named)
    bumps = [{"name": "bumps"}]
    yield _binary(WIDE, f"V2 infer, bytes, bumps of {WIDE_NEURONS:,} neurons", MAX_BODY // 8 - ROOM, bumps)
    as_bytes = [{"name": "bumps", "parameters": {"binary_data": True}}]
    yield _binary(WIDE, f"V2 infer, bumps of {WIDE_NEURONS:,} neurons as bytes, 20,000 rows", 20_000, as_bytes)
    yield Request(
        f"V1 explain, {WIDE_NEURONS:,} neurons, 300 rows", f"/v1/models/{WIDE}:explain", _rows("[0,1]", 300), {}
    )


def _rows(row: str, count: int = 0, parameters: dict | None = None) -> bytes:
    end = b"]" + (b"" if parameters is None else b',"parameters":' + json.dumps(parameters).encode()) + b"}"
    count = count or (MAX_BODY - ROOM) // (len(row) + 1)
    return b'{"instances":[' + b",".join([row.encode()] * count) + end


def _tensor(row: str, outputs: list[dict]) -> bytes:
    count = (MAX_BODY - ROOM) // (len(row) + 1)
    head = {
        "outputs": outputs or [{"name": "output"}],
        "inputs": [{"name": "input", "shape": [count, 2], "datatype": "FP32"}],
    }
    return json.dumps(head).encode()[:-3] + b',"data":[' + b",".join([row.encode()] * count) + b"]}]}"


def _binary(model: str, name: str, count: int, outputs: list[dict]) -> Request:
    tensor = {"name": "input", "shape": [count, 2], "datatype": "FP32", "parameters": {"binary_data_size": 8 * count}}
    head = json.dumps({"inputs": [tensor], "outputs": outputs or [{"name": "output"}]}).encode()
    length = {"Inference-Header-Content-Length": str(len(head))}
    return Request(name, f"/v2/models/{model}/infer", head + bytes(8 * count), length)


def main() -> None:
    """Run the benchmark, print the page, and write it to the file of --out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("--only", default="", help="text in the names of the requests to measure")
    parser.add_argument("--out", type=Path, help="file to write the page to")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        models.mkdir()
        copytree(MODELS / "ring", models / "ring")
        inputs = np.random.default_rng(0).normal(size=(200, 2))
        export(adopt(ENN(2, (WIDE_NEURONS,), 1, 6, head="linear", task="regression"), inputs), models, WIDE)
        lines = [
            line
            for request in requests()
            if options.only in request.name
            for line in (_line(models, request), _line(models, _compressed(request)))
        ]
    page = _page(lines)
    print(page)
    if options.out:
        options.out.write_text(page)


def _compressed(request: Request) -> Request:
    headers = request.headers | {"Content-Encoding": "gzip"}
    return request._replace(name=f"{request.name}, gzip", body=gzip.compress(request.body, 9), headers=headers)


def _line(models: Path, request: Request) -> str:
    """Measure a request; return its line of the table."""
    with _service(models) as (process, client), ThreadPoolExecutor(2) as pool:
        idle = _peak(process)
        statuses = [_send(client, request)]
        one = _peak(process)
        statuses += pool.map(lambda _: _send(client, request), range(2))
        two = _peak(process)
    met = two < LIMIT_MIB and set(statuses) <= STATUSES
    cells = [request.name, f"{len(request.body):,}", str(statuses[0]), ", ".join(map(str, sorted(statuses[1:])))]
    print(*cells, one, two, file=sys.stderr)
    return f"| {' | '.join(cells)} | {idle:.0f} | {one:.0f} | {two:.0f} | {'met' if met else '**not met**'} |"


def _send(client: httpx.Client, request: Request) -> int:
    """Send a request, read the answer without keeping it, and return its status."""
    with client.stream("POST", request.path, content=request.body, headers=request.headers) as reply:
        for _ in reply.iter_raw():
            pass
    return reply.status_code


def _peak(process: subprocess.Popen[bytes]) -> float:
    """Return the peak of the resident memory of a process in MiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


@contextmanager
def _service(models: Path) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    port = free_port()
    environment = os.environ | {"ENN_MODELS": str(models), "ENN_PORT": str(port), "ENN_DRAIN_SECONDS": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "enn_service"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        transport = httpx.HTTPTransport(retries=10)
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, timeout=ANSWER_SECONDS, transport=transport, trust_env=False) as client:
            while client.get("/v2/health/ready").status_code != 200:
                process.poll()
            yield process, client
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(START_SECONDS)


def _page(lines: list[str]) -> str:
    command = shlex.join(["python", "-m", "benchmarks.memory", *sys.argv[1:]])
    versions = ", ".join(f"{name} {version(name)}" for name in ("enn", "uvicorn", "numpy", "onnxruntime"))
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    head = f"| request | bytes sent | status | of two | idle MiB | peak MiB of one | of two | below {LIMIT_MIB} MiB |"
    return "\n".join(
        [
            "# Memory of the largest requests",
            "",
            "Use this page to see how much memory one process needs for the largest requests.",
            "",
            f"Measured by `{command}` on {machine}: {versions}.",
            "",
            METHOD,
            "",
            head,
            "|---|---|---|---|---|---|---|---|",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    main()

"""Measure memory over many mixed requests, startup time and image size of the service: `python benchmarks/soak.py`.

Starts the service with its command, sends requests of every endpoint in many sizes from several processes, and prints
the memory of the workers. A response with an unexpected status ends the benchmark.
"""

import argparse
import gzip
import json
import multiprocessing
import os
import platform
import re
import resource
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "models" / "repository"
MEMORY_SAMPLES = 20
"""Number of memory samples; growth is counted from the first, which follows a twentieth of the requests."""
CLIENTS = 4
STARTUP_MODELS = 10
STARTS = 5
IDLE_CONNECTIONS = 10_000
GROWTH_MIB, START_SECONDS, IMAGE_MB = 20, 2.0, 250
MAX_ROWS = 512
"""Number of rows of the largest request; numbers of rows are uniform on a logarithmic scale."""

RAW = {"Inference-Header-Content-Length": "0"}
METHOD = f"""Requests are predict, explain, infer and invalid requests, as JSON, binary and gzip, of 1 to {MAX_ROWS}
rows; one of 11 names a model that does not exist, another one each time. Each response had the expected status."""


class Call(NamedTuple):
    """A request with the expected status of its response."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]
    status: int


def calls(seed: int) -> Iterator[Call]:
    """Yield an endless sequence of mixed requests."""
    random = np.random.default_rng(seed)
    number = 0
    while True:
        number += 1
        size = int(np.exp(random.uniform(0, np.log(MAX_ROWS + 1))))
        rows = random.uniform(-1, 1, (size, 2)).astype(np.float32)
        model = ("ring", "product", "stripes", "face")[number % 4]
        instances = {"instances": rows.tolist()}
        tensor = {"name": "input", "shape": [size, 2], "datatype": "FP32"}
        json_tensor = {"inputs": [{**tensor, "data": rows.ravel().tolist()}], "outputs": [{"name": "bumps"}]}
        head = _json({"inputs": [{**tensor, "parameters": {"binary_data_size": rows.nbytes}}]})
        length = {"Inference-Header-Content-Length": str(len(head))}
        few = {"instances": rows[:8].tolist()}
        yield _post(f"/v1/models/{model}:predict", _json(instances))
        yield _post(f"/v2/models/{model}/infer", head + rows.tobytes(), length)
        yield _post(f"/v1/models/{model}:explain", _json(few))
        yield _post(f"/v2/models/{model}/infer", _json(json_tensor))
        yield _post(f"/v1/models/{model}:predict", gzip.compress(_json(instances)), {"Content-Encoding": "gzip"})
        yield _post(f"/v2/models/{model}/versions/1/explain", rows[:8].tobytes(), RAW)
        yield _post("/v1/models/product:explain", _json({**few, "parameters": {"attributions": "shapley"}}))
        yield _post(f"/v1/models/{model}:predict", _json({"instances": [*rows[:9].tolist(), [0.5, None]]}), status=400)
        yield _post(f"/v1/models/moon-{seed}-{number}:predict", _json(few), status=404)
        yield _post(f"/v2/models/{model}/infer", head, {"Inference-Header-Content-Length": "moon"}, 400)
        yield Call("GET", f"/v2/models/{model}", b"", {}, 200)
        if number % 20 == 0:
            yield Call("GET", "/metrics", b"", {}, 200)
            yield Call("POST", "/v2/repository/index", b"", {}, 200)


def _json(body: object) -> bytes:
    """Return a value as JSON."""
    return json.dumps(body).encode()


def _post(path: str, body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> Call:
    """Return a POST request with its expected status."""
    return Call("POST", path, body, headers or {}, status)


def send_requests(port: int, seed: int, requests: int) -> None:
    """Send mixed requests over one connection.

    Raises:
        SystemExit: A response has an unexpected status.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    for _, call in zip(range(requests), calls(seed), strict=False):
        connection.request(call.method, call.path, call.body, call.headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != call.status:
            sys.exit(f"{call.method} {call.path}: {response.status}, expected {call.status}: {body[:200]!r}")


@dataclass(frozen=True)
class Service:
    """Running service: its port, the process ids of its workers, and the seconds from its start until it was ready."""

    port: int
    workers: list[int]
    seconds: float

    def memory(self) -> list[float]:
        """Return the resident memory of each worker, in MiB."""
        statuses = [Path(f"/proc/{worker}/status").read_text() for worker in self.workers]
        return [int(line.split()[1]) / 1024 for text in statuses for line in text.splitlines() if "VmRSS" in line]


@contextmanager
def serving(models: Path, workers: int) -> Iterator[Service]:
    """Start the service, wait until it is ready, yield it, and stop it."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        settings = {"MODELS": models, "PORT": 0, "WORKERS": workers, "DRAIN_SECONDS": 0, "IDLE_SECONDS": 60}
        environment = os.environ | {f"ENN_{name}": str(value) for name, value in settings.items()}
        began = time.perf_counter()
        with log.open("wb") as output:
            process = subprocess.Popen([sys.executable, "-m", "enn_service"], env=environment, stderr=output)
        try:
            port = _wait_until_ready(process, log, workers)
            seconds = time.perf_counter() - began
            numbers = re.findall(r"Started server process \[(\d+)\]", log.read_text())
            yield Service(port, [int(number) for number in numbers], seconds)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path, workers: int) -> int:
    """Wait until all workers have started and the readiness endpoint answers 200; return the port."""
    while process.poll() is None:
        time.sleep(0.005)
        text = log.read_text()
        match = re.search(r"running on http://127.0.0.1:(\d+)", text)
        if match and text.count("startup complete") == workers:
            connection = HTTPConnection("127.0.0.1", int(match[1]), timeout=60)
            connection.request("GET", "/v2/health/ready")
            if connection.getresponse().status == 200:
                return int(match[1])
    sys.exit(log.read_text())


def soak(requests: int, workers: int) -> list[str]:
    """Send the requests, and return the lines of the table of memory."""
    lines = ["| requests | seconds | MiB of each worker |", "|---|---|---|"]
    each = requests // (MEMORY_SAMPLES * CLIENTS)
    samples: list[list[float]] = []
    began = time.perf_counter()
    with serving(MODELS, workers) as service, multiprocessing.get_context("spawn").Pool(CLIENTS) as pool:
        for number in range(1, MEMORY_SAMPLES + 1):
            jobs = [(service.port, CLIENTS * number + client, each) for client in range(CLIENTS)]
            pool.starmap(send_requests, jobs, chunksize=1)
            samples.append(service.memory())
            shown = ", ".join(f"{value:.1f}" for value in samples[-1])
            lines.append(f"| {number * each * CLIENTS:,} | {time.perf_counter() - began:.0f} | {shown} |")
            print(lines[-1], file=sys.stderr, flush=True)
    growth = max(last - first for first, last in zip(samples[0], samples[-1], strict=True))
    verdict = "met" if growth < GROWTH_MIB else "**not met**"
    return [*lines, "", f"Growth after the first sample: {growth:.1f} MiB (target < {GROWTH_MIB} MiB: {verdict})."]


def measure_idle_connections() -> str:
    """Return a sentence on the memory of idle connections, measured while other requests are answered."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    number = min(IDLE_CONNECTIONS, most - 500)
    with serving(MODELS, 1) as service, ExitStack() as connections:
        send_requests(service.port, 0, 100)
        (before,) = service.memory()
        for _ in range(number):
            connections.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=60))
        send_requests(service.port, 0, 100)
        (during,) = service.memory()
        connections.close()
        send_requests(service.port, 0, 100)
    cost = 1024 * (during - before) / number
    return (
        f"With {number:,} idle connections a worker uses {during - before:.0f} MiB more, {cost:.1f} KiB each, and "
        "still answers requests; idle connections are closed after `ENN_IDLE_SECONDS`."
    )


def measure_startup() -> str:
    """Return a sentence on the time from the command until the service is ready with ten models."""
    with TemporaryDirectory() as folder:
        shipped = sorted(path for path in MODELS.iterdir() if path.is_dir())
        for number in range(STARTUP_MODELS):
            shutil.copytree(shipped[number % len(shipped)], Path(folder) / f"model-{number}")
        seconds: list[float] = []
        cpu_seconds: list[float] = []
        for _ in range(STARTS):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            with serving(Path(folder), 1) as service:
                seconds.append(service.seconds)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu_seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    verdict = "met" if min(seconds) < START_SECONDS else "**not met**"
    return (
        f"Time from the command to ready with {STARTUP_MODELS} models and one worker, {STARTS} starts: "
        f"{min(seconds):.2f} s at best, {statistics.median(seconds):.2f} s in the median "
        f"(target < {START_SECONDS:g} s: {verdict} at best); start and stop take "
        f"{min(cpu_seconds):.2f} CPU seconds, which do not depend on other load of the machine."
    )


def measure_image(name: str) -> str:
    """Return a sentence on the size of an image and its largest packages, or on why it was not measured."""
    base = re.findall(r"^FROM (\S+)$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)[-1]
    try:
        sizes = [int(_docker("image", "inspect", "--format", "{{.Size}}", each)) / 1e6 for each in (name, base)]
        parts = _docker("run", "--rm", "--entrypoint", "sh", name, "-c", "du -m -d1 /opt/venv/lib/python3*/*-packages")
    except (OSError, subprocess.CalledProcessError) as error:
        return f"The image was not measured: {error}."
    largest = sorted((line.split("\t") for line in parts.splitlines()), key=lambda part: -int(part[0]))[1:9]
    listed = ", ".join(f"{Path(path).name} {size}" for size, path in largest)
    added = sizes[0] - sizes[1]
    verdict = "met" if added <= IMAGE_MB else "**not met**"
    return (
        f"The image has {sizes[0]:.0f} MB, {added:.0f} MB more than its base {base} "
        f"(target <= {IMAGE_MB} MB: {verdict}). "
        f"Its largest packages, in MiB: {listed}."
    )


def _docker(*arguments: str) -> str:
    """Return the output of a docker command."""
    return subprocess.run(["docker", *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    """Run the benchmark, print the page, and write it to the file of --out."""
    parser = argparse.ArgumentParser(prog="python benchmarks/soak.py", description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000, help="number of requests (default: 200000)")
    parser.add_argument("--workers", type=int, default=2, help="number of workers of the service (default: 2)")
    parser.add_argument("--image", help="image built from the Dockerfile, to measure; default: no image")
    parser.add_argument("--out", type=Path, help="file to write the page to; default: only print it")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the service is stopped
    packages = ", ".join(f"{name} {version(name)}" for name in ("enn", "uvicorn", "fastapi", "numpy", "onnxruntime"))
    command = shlex.join(["python", "benchmarks/soak.py", *sys.argv[1:]])
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    page = ["# Soak test, startup and size", "", f"Measured by `{command}` on {machine}: {packages}.", "", METHOD, ""]
    page += [*soak(options.requests, options.workers), "", measure_idle_connections(), "", measure_startup()]
    if options.image:
        page += ["", measure_image(options.image)]
    print("\n".join(page))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text("\n".join(page) + "\n")


if __name__ == "__main__":
    main()

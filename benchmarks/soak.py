"""Memory over many mixed requests, the time to start and the size of the image: `python benchmarks/soak.py`.

Starts the service with its command, asks it by every verb in many sizes from several processes, and prints what the
workers hold in memory on the way. An answer with another status than the request deserves ends it.
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
LOOKS = 20
"""So often memory is looked at; the first look, after a twentieth, is what growth is counted from."""
CLIENTS = 4
TEN = 10
STARTS = 5
IDLE = 10_000
GROWTH_MIB, START_SECONDS, IMAGE_MB = 20, 2.0, 250
LARGEST = 512
"""Rows of the largest request; the sizes are spread evenly over their logarithm."""

RAW = {"Inference-Header-Content-Length": "0"}
HOW = f"""Requests are predict, explain, infer and refusals, as JSON, binary and gzip, of 1 to {LARGEST} rows; one of 11
names another model that does not exist. Each answer had the status that it should."""


class Call(NamedTuple):
    """A request, and the status that it deserves."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]
    status: int


def calls(seed: int) -> Iterator[Call]:
    """Yield mixed requests without end."""
    random = np.random.default_rng(seed)
    number = 0
    while True:
        number += 1
        size = int(np.exp(random.uniform(0, np.log(LARGEST + 1))))
        rows = random.uniform(-1, 1, (size, 2)).astype(np.float32)
        model = ("ring", "product", "stripes", "face")[number % 4]
        instances = {"instances": rows.tolist()}
        tensor = {"name": "input", "shape": [size, 2], "datatype": "FP32"}
        json_tensor = {"inputs": [{**tensor, "data": rows.ravel().tolist()}], "outputs": [{"name": "bumps"}]}
        head = _text({"inputs": [{**tensor, "parameters": {"binary_data_size": rows.nbytes}}]})
        length = {"Inference-Header-Content-Length": str(len(head))}
        few = {"instances": rows[:8].tolist()}
        yield _post(f"/v1/models/{model}:predict", _text(instances))
        yield _post(f"/v2/models/{model}/infer", head + rows.tobytes(), length)
        yield _post(f"/v1/models/{model}:explain", _text(few))
        yield _post(f"/v2/models/{model}/infer", _text(json_tensor))
        yield _post(f"/v1/models/{model}:predict", gzip.compress(_text(instances)), {"Content-Encoding": "gzip"})
        yield _post(f"/v2/models/{model}/versions/1/explain", rows[:8].tobytes(), RAW)
        yield _post("/v1/models/product:explain", _text({**few, "parameters": {"attributions": "shapley"}}))
        yield _post(f"/v1/models/{model}:predict", _text({"instances": [*rows[:9].tolist(), [0.5, None]]}), status=400)
        yield _post(f"/v1/models/moon-{seed}-{number}:predict", _text(few), status=404)
        yield _post(f"/v2/models/{model}/infer", head, {"Inference-Header-Content-Length": "moon"}, 400)
        yield Call("GET", f"/v2/models/{model}", b"", {}, 200)
        if number % 20 == 0:
            yield Call("GET", "/metrics", b"", {}, 200)
            yield Call("POST", "/v2/repository/index", b"", {}, 200)


def _text(body: object) -> bytes:
    return json.dumps(body).encode()


def _post(path: str, body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> Call:
    return Call("POST", path, body, headers or {}, status)


def ask(port: int, seed: int, requests: int) -> None:
    """Send so many requests over one connection.

    Raises:
        SystemExit: An answer has another status than it should.
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
    """A service that runs: its port, the processes that answer, and how long it took to be ready."""

    port: int
    workers: list[int]
    seconds: float

    def memory(self) -> list[float]:
        """Return what each worker holds in memory, in MiB."""
        statuses = [Path(f"/proc/{worker}/status").read_text() for worker in self.workers]
        return [int(line.split()[1]) / 1024 for text in statuses for line in text.splitlines() if "VmRSS" in line]


@contextmanager
def serving(models: Path, workers: int) -> Iterator[Service]:
    """Start the service and wait until it is ready, then end it."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        settings = {"MODELS": models, "PORT": 0, "WORKERS": workers, "DRAIN_SECONDS": 0, "IDLE_SECONDS": 60}
        environment = os.environ | {f"ENN_{name}": str(value) for name, value in settings.items()}
        began = time.perf_counter()
        with log.open("wb") as output:
            process = subprocess.Popen([sys.executable, "-m", "enn_service"], env=environment, stderr=output)
        try:
            port = _ready(process, log, workers)
            seconds = time.perf_counter() - began
            numbers = re.findall(r"Started server process \[(\d+)\]", log.read_text())
            yield Service(port, [int(number) for number in numbers], seconds)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _ready(process: subprocess.Popen[bytes], log: Path, workers: int) -> int:
    """Wait until all workers have started and the service says that it is ready; return its port."""
    while process.poll() is None:
        time.sleep(0.005)
        text = log.read_text()
        found = re.search(r"running on http://127.0.0.1:(\d+)", text)
        if found and text.count("startup complete") == workers:
            connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=60)
            connection.request("GET", "/v2/health/ready")
            if connection.getresponse().status == 200:
                return int(found[1])
    sys.exit(log.read_text())


def soak(requests: int, workers: int) -> list[str]:
    """Ask so often, and return the lines of a table of memory."""
    lines = ["| requests | seconds | MiB of each worker |", "|---|---|---|"]
    each = requests // (LOOKS * CLIENTS)
    looks: list[list[float]] = []
    began = time.perf_counter()
    with serving(MODELS, workers) as service, multiprocessing.get_context("spawn").Pool(CLIENTS) as pool:
        for look in range(1, LOOKS + 1):
            jobs = [(service.port, CLIENTS * look + client, each) for client in range(CLIENTS)]
            pool.starmap(ask, jobs, chunksize=1)
            looks.append(service.memory())
            shown = ", ".join(f"{value:.1f}" for value in looks[-1])
            lines.append(f"| {look * each * CLIENTS:,} | {time.perf_counter() - began:.0f} | {shown} |")
            print(lines[-1], file=sys.stderr, flush=True)
    growth = max(last - first for first, last in zip(looks[0], looks[-1], strict=True))
    verdict = "met" if growth < GROWTH_MIB else "**not met**"
    return [*lines, "", f"Growth after the first look: {growth:.1f} MiB (target < {GROWTH_MIB}: {verdict})."]


def idle() -> str:
    """Return what connections that ask nothing cost, while another is answered."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    number = min(IDLE, most - 500)
    with serving(MODELS, 1) as service, ExitStack() as connections:
        ask(service.port, 0, 100)
        (before,) = service.memory()
        for _ in range(number):
            connections.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=60))
        ask(service.port, 0, 100)
        (during,) = service.memory()
        connections.close()
        ask(service.port, 0, 100)
    cost = 1024 * (during - before) / number
    return (
        f"With {number:,} idle connections a worker has {during - before:.0f} MiB more, {cost:.1f} KiB each, and "
        "goes on to answer; they are closed after `ENN_IDLE_SECONDS`."
    )


def starting() -> str:
    """Return how long the service takes to be ready with ten models."""
    with TemporaryDirectory() as folder:
        shipped = sorted(path for path in MODELS.iterdir() if path.is_dir())
        for number in range(TEN):
            shutil.copytree(shipped[number % len(shipped)], Path(folder) / f"model-{number}")
        seconds: list[float] = []
        worked: list[float] = []
        for _ in range(STARTS):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            with serving(Path(folder), 1) as service:
                seconds.append(service.seconds)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            worked.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    verdict = "met" if min(seconds) < START_SECONDS else "**not met**"
    return (
        f"From the command to ready with {TEN} models, one worker, {STARTS} starts: {min(seconds):.2f} s at best, "
        f"{statistics.median(seconds):.2f} s in the median (target < {START_SECONDS:g} s: {verdict} at best); a "
        f"processor worked {min(worked):.2f} s for start and end, whatever else the machine did."
    )


def image(name: str) -> str:
    """Return what an image adds to its base, and the largest parts of it; or why that cannot be said."""
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
        f"The image has {sizes[0]:.0f} MB, {added:.0f} more than its base {base} (target <= {IMAGE_MB}: {verdict}). "
        f"Its largest packages, in MiB: {listed}."
    )


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    """Measure and print; write the page where --out says."""
    parser = argparse.ArgumentParser(prog="python benchmarks/soak.py", description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--image", help="an image built from the Dockerfile, to say its size; left out: not said")
    parser.add_argument("--out", type=Path, help="a file for the page")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the service is ended
    packages = ", ".join(f"{name} {version(name)}" for name in ("enn", "uvicorn", "fastapi", "numpy", "onnxruntime"))
    command = shlex.join(["python", "benchmarks/soak.py", *sys.argv[1:]])
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    page = ["# Soak, start and size", "", f"`{command}` measured this on {machine}: {packages}.", "", HOW, ""]
    page += [*soak(options.requests, options.workers), "", idle(), "", starting()]
    if options.image:
        page += ["", image(options.image)]
    print("\n".join(page))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text("\n".join(page) + "\n")


if __name__ == "__main__":
    main()

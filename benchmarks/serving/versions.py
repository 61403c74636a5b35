"""Benchmark this checkout of the service against another: `python -m benchmarks.serving.versions --base FOLDER`.

Starts the service of both checkouts with the same interpreter, models and settings, sends the same requests to both
alternately, and prints ratios of throughput and of CPU time per request.
"""

import argparse
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np

from benchmarks.serving import cases
from benchmarks.serving.cases import EXPLAIN, LARGE, MANY, ONE, Request
from benchmarks.serving.load import FailedAnswersError, Target, check_installed, load
from benchmarks.serving.report import Bound
from benchmarks.serving.rounds import Plan
from benchmarks.serving.servers import ROOT, Server, service
from enn_service.client import inference_calls

PACKAGES = ("service", "models", "training")
"""Folders of a checkout that its packages are imported from."""
CONNECTIONS = 16
OUTSIDE = 5.0
"""Value outside of the training range of both features, which is about -1 to 1."""
HEAD = (
    "| request | throughput (lowest-highest) | CPU per request (lowest-highest) | target of throughput "
    "| this: thousand/s, CPU us | other: same |\n"
    "|---|---|---|---|---|---|"
)
METHOD = """Each ratio is this checkout divided by the other: a ratio of throughput above 1 and a ratio of CPU time
below 1 mean that this checkout is faster. Each is the median of {rounds} rounds of {seconds} s, and ratios are taken
within a round. The two are measured alternately, and each round swaps their order."""


@dataclass(frozen=True)
class Comparable:
    """Request that both checkouts answer, and the minimum ratio of the throughputs."""

    name: str
    request: Request
    bound: Bound


@dataclass(frozen=True)
class Sample:
    """Result of one run: responses per second, and CPU time of the server per request in microseconds."""

    rate: float
    cpu: float


def main() -> None:
    """Run the benchmark, print the page, and write it to the file of --out."""
    options = _options()
    check_installed()
    chosen = [case for case in comparables() if options.only in case.name]
    with TemporaryDirectory() as folder:
        plan = Plan(options.seconds, options.rounds, Path(folder))
        with checkout(ROOT) as this, checkout(options.base) as other:
            lines = [_line(case, this, other, plan) for case in chosen]
    command = shlex.join(["python", "-m", "benchmarks.serving.versions", *sys.argv[1:]])
    page = _page(command, plan, lines)
    print(page)
    if options.out:
        options.out.write_text(page)


def _options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving.versions", description=__doc__)
    parser.add_argument("--base", type=_folder, required=True, help="folder of the other checkout")
    parser.add_argument("--seconds", type=int, default=5, help="duration of each run, in seconds")
    parser.add_argument("--rounds", type=int, default=5, help="number of measurements of each request")
    parser.add_argument("--only", default="", help="measure only requests with this text in their name; default: all")
    parser.add_argument("--out", type=Path, help="file to write the page to; default: only print it")
    return parser.parse_args()


def _folder(text: str) -> Path:
    """Return the folder of a checkout as an absolute path."""
    path = Path(text).resolve()
    if missing := [name for name in PACKAGES if not (path / name).is_dir()]:
        raise argparse.ArgumentTypeError(f"{path} is no checkout of this project: it has no folder {missing[0]}")
    return path


def comparables() -> tuple[Comparable, ...]:
    """Return the requests of the table, in its order."""
    plain = [
        Comparable(f"{case.name} ({protocol.upper()})", cases.request(cases.call(case, protocol)), Bound(minimum))
        for case, minimum in ((ONE, 0.97), (MANY, 0.98), (LARGE, 0.98))
        for protocol in ("v1", "v2")
    ]
    row = cases.rows(EXPLAIN).astype(np.float64).round(4).tolist()
    outside = [[OUTSIDE, value] for _, value in row]
    options: dict[str, inference_calls.ExplainParameters] = {
        "top 1": {"top": 1},
        "harmonics": {"harmonics": True},
        "Shapley values": {"attributions": "shapley"},
        "integrated gradients": {"attributions": "integrated_gradients"},
    }
    explained = {
        f"{EXPLAIN.name}, {name}": inference_calls.explain(cases.MODEL, row, None, **given)
        for name, given in options.items()
    }
    many = cases.rows(MANY).astype(np.float64).round(4).tolist()
    beyond = {
        "1 row out of range, JSON (V1)": inference_calls.predict(cases.MODEL, outside, None),
        "128 rows, one out of range, JSON (V1)": inference_calls.predict(cases.MODEL, [*many[1:], *outside], None),
        "1 row out of range, JSON (V2)": inference_calls.infer(
            cases.MODEL, np.array(outside, np.float32), None, ["output"], binary=False
        ),
    }
    faster = [
        Comparable(name, cases.request(cases.in_one_request(call)), Bound(1))
        for name, call in (explained | beyond).items()
    ]
    return (*plain, *faster)


@contextmanager
def checkout(root: Path) -> Iterator[Server]:
    """Serve the models of this checkout with the packages of a checkout and yield the server.

    Raises:
        SystemExit: The interpreter imports the package from another folder.
    """
    path = os.pathsep.join(str(root / name) for name in PACKAGES)
    code = "import enn_service; print(enn_service.__file__)"
    found = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    if not Path(found).is_relative_to(root):
        raise SystemExit(f"{sys.executable} imports {found}, not the package in {root}")
    with service({"PYTHONPATH": path}) as server:
        yield server


def measure(case: Comparable, server: Server, plan: Plan) -> Sample:
    """Run the generator once and return the throughput and the CPU time per request."""
    before = server.cpu_seconds()
    found = load(Target(server.url, case.request, CONNECTIONS), plan.seconds, plan.folder)
    return Sample(found.rate, (server.cpu_seconds() - before) / found.requests * 1e6)


def _line(case: Comparable, this: Server, other: Server, plan: Plan) -> str:
    """Measure a request with both servers and return its line of the table."""
    print(f"{case.name} ...", file=sys.stderr, flush=True)
    try:
        note = "" if _response(this, case) == _response(other, case) else " (the responses differ)"
        pairs = [_round(case, this, other, plan, index) for index in range(plan.rounds + 1)][1:]  # the first warms up
    except (FailedAnswersError, httpx.HTTPError) as error:
        return f"| {case.name} | - | - | {error} | | |"
    return table_line(case.name + note, case.bound, pairs)


def _round(case: Comparable, this: Server, other: Server, plan: Plan, index: int) -> tuple[Sample, Sample]:
    """Measure this and the other checkout once; an odd round measures the other first."""
    if index % 2 == 0:
        return measure(case, this, plan), measure(case, other, plan)
    second = measure(case, other, plan)
    return measure(case, this, plan), second


def _response(server: Server, case: Comparable) -> Any:  # noqa: ANN401 - JSON
    """Return the response to a request.

    Raises:
        httpx.HTTPError: The server does not respond, or responds with an error.
    """
    url, headers = server.url + case.request.path, dict(case.request.headers)
    response = httpx.post(url, content=case.request.body, headers=headers, timeout=30, trust_env=False)
    return response.raise_for_status().json()


def table_line(name: str, bound: Bound, pairs: Sequence[tuple[Sample, Sample]]) -> str:
    """Return the line of a request, from the samples of this and of the other checkout in each round."""
    rates = [this.rate / other.rate for this, other in pairs]
    cpus = [this.cpu / other.cpu for this, other in pairs]
    cells = [name, _spread(rates), _spread(cpus), bound.verdict(median(rates))]
    for samples in zip(*pairs, strict=True):
        rate, cpu = median(sample.rate for sample in samples), median(sample.cpu for sample in samples)
        cells.append(f"{rate / 1000:.3g}, {cpu:,.1f}")
    return f"| {' | '.join(cells)} |"


def _spread(ratios: Sequence[float]) -> str:
    """Return the median, minimum and maximum of ratios as text."""
    return f"{median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f})"


def _page(command: str, plan: Plan, lines: Sequence[str]) -> str:
    """Return the page in Markdown."""
    cores = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    parts = [
        "# Serving compared with another version",
        f"Measured by `{command}`: one model file, one machine ({cores}), one load generator (wrk, one thread).",
        METHOD.format(rounds=plan.rounds, seconds=plan.seconds),
        "\n".join([HEAD, *lines]),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()

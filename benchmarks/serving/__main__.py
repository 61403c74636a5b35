"""Benchmark this service against other model servers: `python -m benchmarks.serving --out docs/benchmarks/serving.md`.

Starts each server with the same model file, measures both alternately with the same load generator, and prints ratios.
"""

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.serving import cases, itself
from benchmarks.serving.cases import LARGE, MANY, ONE, SHARED, Case
from benchmarks.serving.environments import MissingPeerError, python_of, versions
from benchmarks.serving.load import FailedAnswersError, Target, check_installed
from benchmarks.serving.peers import PEERS, Peer
from benchmarks.serving.report import Bound, Line, Report
from benchmarks.serving.rounds import Plan, compare, measure
from benchmarks.serving.servers import peer_service, this_service
from enn_service.client import ClientError

TARGETS = {  # minimum ratio of throughputs
    (ONE, "empty_route"): 1.5,
    (ONE, "triton"): 3.0,
    (ONE, "mlserver"): 10.0,
    (MANY, "triton"): 2.2,
    (MANY, "mlserver"): 6.0,
    (LARGE, "triton"): 1.4,
    (LARGE, "mlserver"): 3.0,
}
CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "enn-benchmarks"


def main() -> None:
    """Run the benchmark, print the page, and write it to the file of --out."""
    options = _options()
    check_installed()
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda number, _: sys.exit(128 + number))  # so that every server is stopped
    with TemporaryDirectory() as folder:
        plan = Plan(options.seconds, options.rounds, Path(folder))
        report = _measure(options, plan)
    page = report.markdown(shlex.join(["python", "-m", "benchmarks.serving", *sys.argv[1:]]), plan)
    print(page)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(page)


def _options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    names = [peer.name for peer in PEERS]
    default = [name for name in names if name != "ray"]
    parser.add_argument(
        "--peers", nargs="*", choices=names, default=default, help="servers to compare; default: all but ray"
    )
    parser.add_argument(
        "--cases", nargs="*", choices=[*SHARED, "itself"], default=[*SHARED, "itself"], help="default: all"
    )
    parser.add_argument("--seconds", type=int, default=5, help="duration of each run, in seconds")
    parser.add_argument("--rounds", type=int, default=5, help="number of measurements of each pair")
    parser.add_argument("--environments", type=Path, default=CACHE, help="folder of the peers' virtual environments")
    parser.add_argument("--out", type=Path, help="file to write the page to; default: only print it")
    return parser.parse_args()


def _measure(options: argparse.Namespace, plan: Plan) -> Report:
    """Start the servers, run the selected cases, and return the report."""
    service = [f"{name} {version(name)}" for name in ("enn", "fastapi", "uvicorn", "numpy", "onnxruntime")]
    report = Report(versions=[f"this service: {', '.join(service)}"])
    with this_service() as url:
        for peer in (peer for peer in PEERS if peer.name in options.peers):
            print(f"{peer.title} ...", file=sys.stderr, flush=True)
            try:
                python = python_of(peer, options.environments)
                report.versions.append(f"{peer.title}: {versions(python, peer.requirements)}")
                with peer_service(peer, python) as other:
                    chosen = [case for name, case in SHARED.items() if name in options.cases]
                    report.lines.extend(_lines(url, other, peer, chosen, plan))
            except MissingPeerError as error:
                report.missing.append(f"{peer.title}: {error}")
        if "itself" in options.cases:
            print("this service ...", file=sys.stderr, flush=True)
            report.lines.extend(itself.lines(url, plan))
    return report


def _lines(url: str, other: str, peer: Peer, chosen: list[Case], plan: Plan) -> Iterator[Line]:
    """Measure the chosen cases with one peer and yield their lines of the table."""
    for case in chosen:
        if case.kind == "binary" and not peer.binary:
            continue
        call = cases.call(case, peer.protocol)
        ours = Target(url, cases.request(call), case.connections)
        theirs = Target(other, cases.request(call, peer.path), case.connections)
        title = f"{case.name} ({peer.protocol.upper()})"
        try:
            _check(ours, theirs, case, peer)
            comparison = compare(measure(ours, plan), measure(theirs, plan), plan.rounds)
        except (ClientError, FailedAnswersError) as error:
            yield Line(title, peer.title, None, why=str(error))
            continue
        bound = TARGETS.get((case, peer.name))
        yield Line(title, peer.title, comparison, Bound(bound) if bound else None)


def _check(ours: Target, theirs: Target, case: Case, peer: Peer) -> None:
    """Check that both servers answer and, if the peer runs the network, that their scores agree.

    Raises:
        FailedAnswersError: The scores differ.
    """
    call = cases.call(case, peer.protocol)
    expected, actual = (cases.scores(cases.answer(side.url, side.request, call)) for side in (ours, theirs))
    if peer.answers and (expected.shape != actual.shape or not np.allclose(expected, actual, atol=cases.SAME)):
        raise FailedAnswersError("the scores of the two servers differ")


if __name__ == "__main__":
    main()

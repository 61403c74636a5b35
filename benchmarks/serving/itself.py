"""Pairs that compare this service with itself: another kind of request, another number of workers, or an observer."""

import os
import time
from collections.abc import Iterator
from statistics import median, quantiles

from benchmarks.serving import cases
from benchmarks.serving.cases import BINARY_HUGE, EXPLAIN, LARGE, MANY, NAMED, ONE
from benchmarks.serving.load import Load, Run, Target, case_target, load
from benchmarks.serving.observers import OBSERVERS
from benchmarks.serving.report import Bound, Line, Pair
from benchmarks.serving.rounds import Comparison, Plan, compare, measure
from benchmarks.serving.servers import MODELS, this_service
from enn_service.runtime.model import load_model

LARGE_CONNECTIONS = 2
"""Number of connections of the large requests that disturb the small ones."""


def lines(url: str, plan: Plan) -> Iterator[Line]:
    """Measure each pair and yield its line of the table; the service at the address has its default settings."""
    for pair in PAIRS:
        yield pair.line(url, plan)


def _explain(url: str, plan: Plan) -> Comparison:
    """Compare explain with predict."""
    return compare(measure(case_target(url, EXPLAIN), plan), measure(case_target(url, ONE), plan), plan.rounds)


def _names(url: str, plan: Plan) -> Comparison:
    """Compare rows with the names of features with vectors."""
    return compare(measure(case_target(url, NAMED), plan), measure(case_target(url, MANY), plan), plan.rounds)


def _own_run(url: str, plan: Plan) -> Comparison:
    """Compare the median time of a binary response with that of the same session's run in this process."""
    session = load_model(MODELS, cases.MODEL, "1").session
    rows, target = cases.rows(BINARY_HUGE), case_target(url, BINARY_HUGE)
    cases.answer(url, target.request, cases.call(BINARY_HUGE, "v2"))

    def run() -> Load:
        times: list[float] = []
        end = time.perf_counter() + plan.seconds
        while (start := time.perf_counter()) < end or len(times) < 2:
            session.run(rows, ("output",))
            times.append(1000 * (time.perf_counter() - start))
        return Load(1000 / median(times), median(times), quantiles(times, n=100)[-1], len(times))

    return compare(measure(target, plan), run, plan.rounds, by=lambda load: load.p50)


def _large_requests(url: str, plan: Plan) -> Comparison:
    """Compare the 99th percentile of latency of small requests during large requests with that without them."""
    large = cases.request(cases.call(LARGE, "v1"))

    def disturbed() -> Load:
        with Run(Target(url, large, LARGE_CONNECTIONS), plan.seconds + 1, plan.folder):
            return load(case_target(url, ONE), plan.seconds, plan.folder)

    return compare(disturbed, measure(case_target(url, ONE), plan), plan.rounds, by=lambda load: load.p99)


def _workers(url: str, plan: Plan) -> Comparison:
    """Compare two workers with one."""
    with this_service(workers=2) as two:
        return compare(measure(case_target(two, ONE), plan), measure(case_target(url, ONE), plan), plan.rounds)


EXPLAINING = Pair(EXPLAIN.name, "predict", Bound(0.6), _explain)
PAIRS = (
    EXPLAINING,
    Pair(NAMED.name, "vectors", Bound(0.6), _names),
    Pair("100,000 rows, binary: time of an answer", "the network's own run", Bound(1.3, at_most=True), _own_run),
    Pair(
        f"p99 of 1 row, JSON, 1,024-row requests on {LARGE_CONNECTIONS} connections beside",
        "p99 while they are quiet",
        Bound(5, at_most=True),
        _large_requests,
    ),
    Pair(
        "1 row, JSON, two workers",
        "one worker",
        Bound(1.6),
        _workers,
        "" if (os.cpu_count() or 1) > 2 else ">= 1.6, not judged: the load generator needs a third core",
    ),
    *OBSERVERS,
)
"""Pairs in the order of the table."""

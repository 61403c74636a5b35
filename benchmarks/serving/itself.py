"""This service beside itself: names and vectors, explain and predict, two workers and one, small beside large."""

import os
import time
from collections.abc import Callable, Iterator
from statistics import median, quantiles

from benchmarks.serving import cases
from benchmarks.serving.cases import BINARY_HUGE, EXPLAIN, LARGE, MANY, NAMED, ONE, Case
from benchmarks.serving.load import FailedAnswersError, Load, Run, Target, load
from benchmarks.serving.report import Bound, Line
from benchmarks.serving.rounds import Comparison, Measure, Plan, compare
from benchmarks.serving.servers import MODELS, this_service
from enn_service.client import ClientError
from enn_service.runtime.model import load_model

BESIDE_CONNECTIONS = 2


def lines(url: str, plan: Plan) -> Iterator[Line]:
    """Yield the lines of this service at an address."""
    yield explaining(url, plan)
    yield _line("128 rows by name, JSON", "vectors", Bound(0.6), lambda: _cases(url, NAMED, MANY, plan))
    request = "100,000 rows, binary: time of an answer"
    yield _line(request, "the network's own run", Bound(1.3, at_most=True), lambda: _own_run(url, plan))
    request = f"p99 of 1 row, JSON, 1,024-row requests on {BESIDE_CONNECTIONS} connections beside"
    yield _line(request, "p99 while they are quiet", Bound(5, at_most=True), lambda: _beside(url, plan))
    why = "" if (os.cpu_count() or 1) > 2 else ">= 1.6, not judged: the load generator needs a third core"
    yield _line("1 row, JSON, two workers", "one worker", Bound(1.6), lambda: _workers(url, plan), why)


def explaining(url: str, plan: Plan) -> Line:
    """Return the line of explain beside predict."""
    return _line("explain 1 row, JSON", "predict", Bound(0.6), lambda: _cases(url, EXPLAIN, ONE, plan))


def target(url: str, case: Case) -> Target:
    """Return a case as this service is asked, on KServe V1 or for tensors on V2."""
    return Target(url, cases.request(cases.call(case, "v1")), case.connections)


def _line(request: str, other: str, bound: Bound, measured: Callable[[], Comparison], why: str = "") -> Line:
    try:
        return Line(request, other, measured(), bound, why)
    except (FailedAnswersError, ClientError) as error:
        return Line(request, other, None, why=str(error))


def _cases(url: str, this: Case, other: Case, plan: Plan) -> Comparison:
    return compare(_measure(target(url, this), plan), _measure(target(url, other), plan), plan.rounds)


def _measure(target: Target, plan: Plan) -> Measure:
    return lambda: load(target, plan.seconds, plan.folder)


def _workers(url: str, plan: Plan) -> Comparison:
    with this_service(workers=2) as two:
        return compare(_measure(target(two, ONE), plan), _measure(target(url, ONE), plan), plan.rounds)


def _beside(url: str, plan: Plan) -> Comparison:
    large = cases.request(cases.call(LARGE, "v1"))

    def disturbed() -> Load:
        with Run(Target(url, large, BESIDE_CONNECTIONS), plan.seconds + 1, plan.folder):
            return load(target(url, ONE), plan.seconds, plan.folder)

    return compare(disturbed, _measure(target(url, ONE), plan), plan.rounds, by=lambda load: load.p99)


def _own_run(url: str, plan: Plan) -> Comparison:
    """Compare the median time of a binary answer with that of the same session's run in this process."""
    session = load_model(MODELS, cases.MODEL, "1").session
    rows, asked = cases.rows(BINARY_HUGE), target(url, BINARY_HUGE)
    cases.answer(url, asked.request, cases.call(BINARY_HUGE, "v2"))

    def own() -> Load:
        times: list[float] = []
        end = time.perf_counter() + plan.seconds
        while (start := time.perf_counter()) < end or len(times) < 2:
            session.run(rows, ("output",))
            times.append(1000 * (time.perf_counter() - start))
        return Load(1000 / median(times), median(times), quantiles(times, n=100)[-1])

    return compare(_measure(asked, plan), own, plan.rounds, by=lambda load: load.p50)

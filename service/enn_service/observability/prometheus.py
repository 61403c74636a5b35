"""Metrics: the tallies of all workers as Prometheus reads them."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from enn_service.observability.counters import BUCKETS, Counters, EndpointStats, Version

VERBS = {"predict": ("predict", "infer"), "explain": ("explain",)}
"""KServe knows two: infer is V2's word for predict."""
MODEL = ["model_name", "model_version"]
STAGES = ("reading", "running", "writing")


def render_prometheus(count: Counters, served: list[tuple[str, str]]) -> bytes:
    """Return a count in Prometheus' text format.

    Args:
        count: What all workers have counted.
        served: Names and versions of the models that answer.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(list(_families(count, served))))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def _families(count: Counters, served: list[tuple[str, str]]) -> Iterator[Metric]:
    for verb, asked in VERBS.items():
        yield _durations(verb, count.by_version(*asked))
    stages = CounterMetricFamily("request_stage_seconds", "time in each stage of an answer", labels=[*MODEL, "stage"])
    rows = CounterMetricFamily("rows", "rows answered", labels=MODEL)
    outside = CounterMetricFamily("rows_out_of_range", "rows answered that left the training range", labels=MODEL)
    for key, tally in count.by_version().items():
        for stage in STAGES:
            stages.add_metric([*key, stage], getattr(tally, stage) / 1e9)
        rows.add_metric(key, tally.rows)
        outside.add_metric(key, tally.outside)
    yield from (stages, rows, outside)
    refusals = CounterMetricFamily("requests_refused", "requests refused, by reason", labels=["reason"])
    for reason, number in sorted(count.refusals.items()):
        refusals.add_metric([reason], number)
    loads = CounterMetricFamily("model_loads", "versions loaded or refused by the workers", labels=["result"])
    for result in ("loaded", "refused"):
        loads.add_metric([result], count.loads[result])
    yield from (refusals, loads)
    yield GaugeMetricFamily(
        "requests_in_flight", "requests that are being answered, this one too", value=count.in_flight
    )
    ready = GaugeMetricFamily("model_ready", "1 for each version that answers", labels=MODEL)
    for key in served:
        ready.add_metric(key, 1)
    yield ready


def _durations(verb: str, tallies: dict[Version, EndpointStats]) -> Metric:
    name, text = f"request_{verb}_seconds", f"time from whole request to whole answer, {verb}"
    family = HistogramMetricFamily(name, text, labels=MODEL)
    ends = [*(str(edge) for edge in BUCKETS), "+Inf"]
    for key, tally in tallies.items():
        family.add_metric(key, list(zip(ends, accumulate(tally.buckets), strict=True)), tally.total / 1e9)
    return family

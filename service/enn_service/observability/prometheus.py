"""Prometheus text format of the counters, for /metrics."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from enn_service.observability.counters import BUCKETS, Counters, EndpointStats, Version
from enn_service.observability.process_statistics import process_families

HISTOGRAMS = {"predict": ("predict", "infer"), "explain": ("explain",)}
"""Endpoints that each histogram sums over. KServe's metrics have two histograms; V2's infer is a predict there."""
MODEL_LABELS = ["model_name", "model_version"]
STAGES = {"reading": "decode_ns", "running": "run_ns", "writing": "encode_ns"}
"""Attribute of EndpointStats for each value of the label `stage`."""


def render_prometheus(counters: Counters, ready: list[Version], stale: list[Version], *, readable: bool) -> bytes:
    """Return counters in Prometheus' text format.

    Args:
        counters: Counters summed over all workers.
        ready: Versions that are ready for inference.
        stale: Ready versions that answer with the files read before.
        readable: True if the model repository can be read.

    Source:
        https://prometheus.io/docs/instrumenting/exposition_formats
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector([*_families(counters), *_repository_families(ready, stale, readable=readable)]))
    return generate_latest(registry)


class _Collector(Collector):
    """Adapter that hands finished metrics to prometheus_client."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def _families(counters: Counters) -> Iterator[Metric]:
    """Yield the metrics of requests and loads."""
    for name, endpoints in HISTOGRAMS.items():
        yield _histogram(name, counters.by_version(*endpoints))
    yield from _totals_by_version(counters)
    errors = CounterMetricFamily("enn_requests_refused", "failed requests by reason", labels=["reason"])
    for reason, number in sorted(counters.errors.items()):
        errors.add_metric([reason], number)
    loads = CounterMetricFamily("enn_model_loads", "versions that the workers loaded or refused", labels=["result"])
    for result in ("loaded", "refused"):
        loads.add_metric([result], counters.loads[result])
    records = CounterMetricFamily("enn_record_rows", "rows written to the record or dropped", labels=["result"])
    for result in ("written", "dropped"):
        records.add_metric([result], counters.records[result])
    failing = "number of workers that cannot write to the record now"
    yield from (errors, loads, records, GaugeMetricFamily("enn_record_failing", failing, counters.records["failing"]))
    yield GaugeMetricFamily(
        "enn_requests_in_flight", "requests in progress, including this one", value=counters.in_flight
    )
    yield from process_families(counters.processes)


def _repository_families(ready: list[Version], stale: list[Version], *, readable: bool) -> Iterator[Metric]:
    """Yield the metrics of the model repository."""
    stale_help = (
        "1 for each version that answers with the files read before, as those on disk are unreadable or refused"
    )
    for name, text, versions in (
        ("enn_model_ready", "1 for each version that is ready for inference", ready),
        ("enn_model_stale", stale_help, stale),
    ):
        gauge = GaugeMetricFamily(name, text, labels=MODEL_LABELS)
        for version in versions:
            gauge.add_metric(version, 1)
        yield gauge
    text = "1 if the model repository can be read, 0 if the models loaded before are served"
    yield GaugeMetricFamily("enn_repository_readable", text, value=float(readable))


def _totals_by_version(counters: Counters) -> Iterator[Metric]:
    """Yield the time in each stage and the numbers of rows, by version."""
    stages = CounterMetricFamily(
        "enn_request_stage_seconds", "time in each stage of a successful request", labels=[*MODEL_LABELS, "stage"]
    )
    rows = CounterMetricFamily("enn_rows", "rows in successful responses", labels=MODEL_LABELS)
    out_of_range = CounterMetricFamily("enn_rows_out_of_range", "rows outside the training range", labels=MODEL_LABELS)
    for version, stats in counters.by_version().items():
        for stage, attribute in STAGES.items():
            stages.add_metric([*version, stage], getattr(stats, attribute) / 1e9)
        rows.add_metric(version, stats.rows)
        out_of_range.add_metric(version, stats.rows_out_of_range)
    yield from (stages, rows, out_of_range)


def _histogram(name: str, by_version: dict[Version, EndpointStats]) -> Metric:
    """Return the histogram of durations, from the complete request to the complete response."""
    text = f"time from the complete request to the complete response, {name}"
    family = HistogramMetricFamily(f"enn_request_{name}_seconds", text, labels=MODEL_LABELS)
    bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
    for version, stats in by_version.items():
        family.add_metric(version, list(zip(bounds, accumulate(stats.buckets), strict=True)), stats.total_ns / 1e9)
    return family

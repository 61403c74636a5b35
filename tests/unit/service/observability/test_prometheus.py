"""Prometheus text format: names, labels and values of the metrics."""

from prometheus_client.parser import text_string_to_metric_families

from enn_service.observability.counters import BUCKETS, Counters
from enn_service.observability.prometheus import render_prometheus

RING = {"model_name": "ring", "model_version": "1"}


def samples(counters: Counters) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the value of each sample by name and labels."""
    text = render_prometheus(counters, [("ring", "1")], [], readable=True).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_stages_keep_their_names_and_are_in_seconds() -> None:
    counters = Counters()
    counters.stats_for("ring", "1", "predict").record(7_000_000_000, 1_000_000_000, 2_000_000_000, 4_000_000_000)
    found = samples(counters)
    for stage, seconds in {"reading": 1, "running": 2, "writing": 4}.items():
        assert found["enn_request_stage_seconds_total", frozenset({**RING, "stage": stage}.items())] == seconds


def test_histogram_buckets_are_cumulative() -> None:
    counters = Counters()
    stats = counters.stats_for("ring", "1", "infer")
    for bound in BUCKETS:
        stats.record(int(bound * 1e9), 0, 0, 0)
    found = samples(counters)
    for number, bound in enumerate(BUCKETS, 1):
        assert found["enn_request_predict_seconds_bucket", frozenset({**RING, "le": str(bound)}.items())] == number


def test_errors_are_labelled_by_reason() -> None:
    counters = Counters()
    counters.record_error(ZeroDivisionError())
    assert samples(counters)["enn_requests_refused_total", frozenset({("reason", "internal")})] == 1

"""Write the reference page of the metrics, from the answer of `/metrics`."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from generator.markdown import code, table

HEAD = """# Metrics

Use this page to write queries and alerts. `GET /metrics` returns these metrics in Prometheus' text format, summed over
all worker processes. [Monitor](../how-to/monitor.md) shows how to collect them.

"""


def page(exposition: str) -> str:
    """Return the page.

    Args:
        exposition: Body of `/metrics` after requests of each kind.
    """
    rows = [[code(name), family.type, labels(family), family.documentation] for name, family in families(exposition)]
    return HEAD + table(["metric", "type", "labels", "meaning"], rows) + "\n"


def families(exposition: str) -> Iterator[tuple[str, Metric]]:
    """Yield each metric with the name that its samples have; a histogram's name has no suffix."""
    for family in text_string_to_metric_families(exposition):
        yield family.name + "_total" * (family.type == "counter"), family


def labels(family: Metric) -> str:
    """Return the labels of a metric."""
    names = {name: None for sample in family.samples for name in sample.labels if name != "le"}
    return ", ".join(map(code, names))

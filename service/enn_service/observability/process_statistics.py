"""CPU time, memory and open files of the worker processes, for /metrics."""

from collections.abc import Iterator, Sequence

from prometheus_client import ProcessCollector
from prometheus_client.metrics_core import Metric

ProcessStatistics = dict[str, float]
"""Value of each process metric of one worker, by the name of its sample."""
LEAST = ("process_start_time_seconds", "process_max_fds")
"""Samples of which the least value over all workers counts; the others are summed."""

_COLLECTOR = ProcessCollector(registry=None)


def read_process_statistics() -> ProcessStatistics:
    """Return the statistics of this process; empty where the system has no /proc."""
    return {sample.name: sample.value for family in _COLLECTOR.collect() for sample in family.samples}


def process_families(workers: Sequence[ProcessStatistics]) -> Iterator[Metric]:
    """Yield the process metrics over all workers, with the names of prometheus_client.

    Args:
        workers: Statistics of each running worker.
    """
    for family in _COLLECTOR.collect():
        (sample,) = family.samples
        values = [worker[sample.name] for worker in workers if sample.name in worker]
        if values:
            combined = min(values) if sample.name in LEAST else sum(values)
            family.samples = [sample._replace(value=combined)]
            yield family

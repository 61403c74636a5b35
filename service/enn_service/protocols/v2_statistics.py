"""Statistics extension of the Open Inference Protocol V2, from the counters of all workers.

Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_statistics.md
"""

from typing import Any

from enn_service.observability.counters import Counters, EndpointStats
from enn_service.runtime.model import ServedModel


def statistics(models: list[ServedModel], counters: Counters) -> dict[str, Any]:
    """Return the statistics of models.

    Args:
        models: Models to report.
        counters: Counters of all workers since their start.
    """
    stats = counters.by_version()
    versions = [(model, stats.get((model.name, model.version), EndpointStats())) for model in models]
    return {"model_stats": [_model_statistics(model, version_stats) for model, version_stats in versions]}


def _model_statistics(model: ServedModel, stats: EndpointStats) -> dict[str, Any]:
    """Return the entry of one model version; `queue` is the time that no stage accounts for."""
    times = {"compute_input": stats.decode_ns, "compute_infer": stats.run_ns, "compute_output": stats.encode_ns}
    durations = {"success": stats.total_ns, "queue": stats.total_ns - sum(times.values()), **times}
    return {
        "name": model.name,
        "version": model.version,
        "last_inference": stats.last_success_ms,
        "inference_count": stats.rows,
        "execution_count": stats.succeeded,
        "inference_stats": {
            "fail": {"count": stats.failed, "ns": stats.failed_ns},
            **{name: {"count": stats.succeeded, "ns": time} for name, time in durations.items()},
            "cache_hit": {"count": 0, "ns": 0},
            "cache_miss": {"count": 0, "ns": 0},
        },
        "batch_stats": [],
    }

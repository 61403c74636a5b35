"""Statistics extension of the Open Inference Protocol V2, from the counters of all workers.

Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_statistics.md
"""

from typing import Any

from enn_service.observability.counters import Counters, EndpointStats
from enn_service.runtime.model import ServedModel


def statistics(models: list[ServedModel], count: Counters) -> dict[str, Any]:
    """Return the statistics of models, as counted by all workers since they started."""
    counted = count.by_version()
    return {"model_stats": [_of(model, counted.get((model.name, model.version), EndpointStats())) for model in models]}


def _of(model: ServedModel, tally: EndpointStats) -> dict[str, Any]:
    times = {"compute_input": tally.decode_ns, "compute_infer": tally.run_ns, "compute_output": tally.encode_ns}
    durations = {"success": tally.total_ns, "queue": tally.total_ns - sum(times.values()), **times}
    return {
        "name": model.name,
        "version": model.version,
        "last_inference": tally.last_success_ms,
        "inference_count": tally.rows,
        "execution_count": tally.succeeded,
        "inference_stats": {
            "fail": {"count": tally.failed, "ns": tally.failed_ns},
            **{name: {"count": tally.succeeded, "ns": time} for name, time in durations.items()},
            "cache_hit": {"count": 0, "ns": 0},
            "cache_miss": {"count": 0, "ns": 0},
        },
        "batch_stats": [],
    }

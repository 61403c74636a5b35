"""Routes of monitoring: Prometheus metrics and the statistics extension of V2."""

from typing import Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from enn_service.api.routes import MODEL_ERRORS, ModelName, error_responses, versioned
from enn_service.api.schemas.repository import Statistics
from enn_service.http import paths
from enn_service.observability.counters import SharedCounters
from enn_service.observability.prometheus import render_prometheus
from enn_service.protocols.v2_statistics import statistics
from enn_service.runtime.registry import ModelRegistry


def monitoring_router(registry: ModelRegistry, counters: SharedCounters) -> APIRouter:
    """Return the routes.

    Args:
        registry: Models of the service.
        counters: Counters of all workers.
    """
    router = APIRouter(tags=["monitoring"])

    @router.get(
        paths.METRICS,
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    def metrics() -> Response:
        """Return the counters of all workers in the text format of Prometheus."""
        ready = [(model.name, model.version) for model in registry.ready_models()]
        total = counters.total().only(registry.known_versions())
        text = render_prometheus(total, ready, registry.stale_versions(), readable=not registry.problem)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    # Before the routes of one model: `stats` is no model here.
    @router.get(paths.STATISTICS, response_model=Statistics)
    def all_statistics() -> dict[str, Any]:
        """Return the statistics of every version that is ready."""
        return statistics(registry.ready_models(), counters.total())

    @versioned(
        router,
        paths.MODEL_STATISTICS,
        "version_statistics",
        response_model=Statistics,
        responses=error_responses(*MODEL_ERRORS),
    )
    def model_statistics(model: ModelName, version: str | None) -> dict[str, Any]:
        """Return the statistics of a model."""
        named = registry.get(model, version)
        return statistics(registry.ready_models(model) if version is None else [named], counters.total())

    return router

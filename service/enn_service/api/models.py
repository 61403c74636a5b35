"""Routes of one model: status, metadata and configuration."""

from typing import Any

from fastapi import APIRouter

from enn_service.api.routes import MODEL_ERRORS, ModelName, error_responses, versioned
from enn_service.http import paths
from enn_service.protocols.v2_metadata import configuration, metadata
from enn_service.runtime.registry import ModelRegistry


def models_router(registry: ModelRegistry) -> APIRouter:
    """Return the routes.

    Args:
        registry: Models of the service.
    """
    router = APIRouter(tags=["models"])
    responses = error_responses(*MODEL_ERRORS)

    @router.get(paths.V1_MODELS)
    async def models() -> dict[str, list[str]]:
        """List the models that are ready."""
        return {"models": registry.ready_names()}

    @versioned(router, paths.V1_MODEL, "version_status", responses=responses)
    async def model_status(model: ModelName, version: str | None) -> dict[str, Any]:
        """Return whether a model is ready (KServe V1)."""
        return {"name": registry.get(model, version).name, "ready": True}

    @versioned(router, paths.MODEL_READY, "version_ready", responses=responses)
    async def model_ready(model: ModelName, version: str | None) -> dict[str, Any]:
        """Return whether a model is ready."""
        return {"name": registry.get(model, version).name, "ready": True}

    @versioned(router, paths.MODEL_CONFIGURATION, "version_configuration", responses=responses)
    async def model_configuration(model: ModelName, version: str | None) -> dict[str, Any]:
        """Return the configuration of a model (extension of Triton)."""
        return configuration(registry.get(model, version))

    @versioned(router, paths.V2_MODEL, "version_metadata", responses=responses)
    async def model_metadata(model: ModelName, version: str | None) -> dict[str, Any]:
        """Return the tensors of a model, and the features, classes and scores of its card."""
        return metadata(registry.get(model, version), registry.ready_versions(model))

    return router

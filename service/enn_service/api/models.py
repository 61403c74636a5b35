"""Routes of one model: status, metadata and configuration."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from enn_service.api.routes import MODEL_ERRORS, ModelName, error_responses, versioned
from enn_service.api.schemas import metadata as schemas
from enn_service.http import paths
from enn_service.protocols.v2_metadata import configuration, metadata
from enn_service.runtime.registry import ModelRegistry


def models_router(registry: ModelRegistry) -> APIRouter:
    """Return the routes.

    Args:
        registry: Models of the service.
    """
    router = APIRouter(tags=["models"])

    @router.get(paths.V1_MODELS, response_model=schemas.ModelNames)
    async def models() -> dict[str, list[str]]:
        """List the models that are ready."""
        return {"models": registry.ready_names()}

    @router.get(paths.V2_MODELS, response_model=schemas.ModelNames)
    async def v2_models() -> dict[str, list[str]]:
        """List the models that are ready, as servers of KServe do."""
        return {"models": registry.ready_names()}

    @versioned(router, paths.V1_MODEL, "version_status", **_answers(schemas.ModelStatus))
    async def model_status(model: ModelName, version: str | None) -> dict[str, Any]:
        """Return whether a model is ready (KServe V1)."""
        return {"name": registry.get(model, version).name, "ready": True}

    @versioned(router, paths.MODEL_READY, "version_ready", **_answers(schemas.ModelStatus))
    async def model_ready(model: ModelName, version: str | None) -> dict[str, Any]:
        """Return whether a model is ready."""
        return {"name": registry.get(model, version).name, "ready": True}

    @versioned(router, paths.MODEL_CONFIGURATION, "version_configuration", **_answers(schemas.ModelConfiguration))
    async def model_configuration(model: ModelName, version: str | None) -> dict[str, Any]:
        """Return the configuration of a model (extension of Triton)."""
        return configuration(registry.get(model, version))

    @versioned(router, paths.V2_MODEL, "version_metadata", **_answers(schemas.ModelMetadata))
    async def model_metadata(model: ModelName, version: str | None) -> dict[str, Any]:
        """Return the tensors of a model, and the features, classes and scores of its card."""
        return metadata(registry.get(model, version), registry.ready_versions(model))

    return router


def _answers(body: type[BaseModel]) -> dict[str, Any]:
    """Return the options of a route that answers with a body, which is documented and not built again."""
    return {"response_model": None, "responses": {200: {"model": body}} | error_responses(*MODEL_ERRORS)}

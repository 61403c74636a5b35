"""Routes of health and server metadata: live, ready, and the root path of KServe V1."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from enn_service.api.routes import error_responses
from enn_service.api.schemas import metadata as schemas
from enn_service.errors import RepositoryNotReadyError, ShuttingDownError
from enn_service.http import paths

SERVER_NAME = "enn"


def health_router(
    version: str, extensions: list[str], shutting_down: Callable[[], bool], not_ready_reason: Callable[[], str]
) -> APIRouter:
    """Return the routes.

    Args:
        version: Version of the service.
        extensions: Names of the V2 extensions that the server has.
        shutting_down: Returns True once the service is to end.
        not_ready_reason: Returns the reason why the models cannot be served yet; empty if they can.
    """
    router = APIRouter(tags=["health"])
    _add_probes(router, shutting_down, not_ready_reason)

    @router.get("/", response_model=schemas.ServerStatus)
    async def alive(request: Request, response: Response) -> Any:  # noqa: ANN401  (a body, or a redirect)
        """Return that the service is alive (KServe V1); redirect a browser to the explorer."""
        vary = {"vary": "accept"}
        if "text/html" in request.headers.get("accept", ""):
            # Relative without a known prefix, because a proxy may remove one.
            root = request.scope.get("root_path", "")
            return RedirectResponse(f"{root}{paths.EXPLORER}" if root else paths.EXPLORER.removeprefix("/"), 303, vary)
        response.headers.update(vary)
        return {"status": "alive"}

    @router.get(paths.SERVER, response_model=schemas.ServerMetadata)
    @router.get(f"{paths.SERVER}/", include_in_schema=False)
    async def server() -> dict[str, Any]:
        """Return the server's name, version and protocol extensions."""
        return {"name": SERVER_NAME, "version": version, "extensions": extensions}

    return router


def _add_probes(router: APIRouter, shutting_down: Callable[[], bool], not_ready_reason: Callable[[], str]) -> None:
    @router.get(paths.LIVE, response_model=schemas.Health)
    async def live() -> dict[str, bool]:
        """Return that the service is alive."""
        return {"live": True, "ready": not shutting_down() and not not_ready_reason()}

    @router.get(
        paths.READY,
        response_model=schemas.Health,
        responses=error_responses(ShuttingDownError, RepositoryNotReadyError),
    )
    async def ready() -> dict[str, bool]:
        """Return that the service is ready: every accepted model answers.

        503 before the model repository was read and has a model, and once the service is shutting down.
        """
        if shutting_down():
            raise ShuttingDownError("the service is shutting down; requests that still arrive are answered")
        if reason := not_ready_reason():
            raise RepositoryNotReadyError(reason)
        return {"live": True, "ready": True}

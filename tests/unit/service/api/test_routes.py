"""Promises of route declarations: `versioned` adds two routes, and errors of equal status share a response."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from enn_service.api.routes import ModelName, error_responses, versioned
from enn_service.errors import MemoryBudgetError, TooManyRequestsInFlightError, UnknownModelError


def get(api: FastAPI, path: str) -> httpx.Response:
    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://service") as client:
            return await client.get(path)

    return asyncio.run(send())


@pytest.fixture
def api() -> FastAPI:
    router = APIRouter()

    @versioned(router, "/models/{model}/name", "version_name")
    async def model_name(model: ModelName, version: str | None, suffix: str = "") -> dict[str, Any]:
        """Return the name of a model."""
        return {"name": model, "version": version, "suffix": suffix}

    application = FastAPI()
    application.include_router(router)
    return application


def test_versioned_handler_answers_with_and_without_version(api: FastAPI) -> None:
    assert get(api, "/models/ring/name").json() == {"name": "ring", "version": None, "suffix": ""}
    response = get(api, "/models/ring/versions/2/name?suffix=x&version=3")
    assert response.json() == {"name": "ring", "version": "2", "suffix": "x"}


def test_route_without_version_ignores_a_query_parameter_version(api: FastAPI) -> None:
    assert get(api, "/models/ring/name?version=2").json()["version"] is None


def test_openapi_names_and_describes_both_routes(api: FastAPI) -> None:
    entries = api.openapi()["paths"]
    plain, twin = (entries[path]["get"] for path in ("/models/{model}/name", "/models/{model}/versions/{version}/name"))
    assert [plain["summary"], twin["summary"]] == ["Model Name", "Version Name"]
    assert plain["description"] == "Return the name of a model."
    assert twin["description"] == "Return the name of one version of a model."
    assert [parameter["name"] for parameter in plain["parameters"]] == ["model", "suffix"]
    assert [parameter["name"] for parameter in twin["parameters"]] == ["model", "version", "suffix"]


def test_errors_of_equal_status_share_one_response() -> None:
    responses = error_responses(MemoryBudgetError, UnknownModelError, TooManyRequestsInFlightError)
    assert list(responses) == [404, 503]
    assert (
        responses[503]["description"] == f"{MemoryBudgetError.description} {TooManyRequestsInFlightError.description}"
    )

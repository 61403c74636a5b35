"""Promises of the OpenAPI entries of inference: each endpoint of the table has one, and its twin."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from enn_service.api.openapi.inference_docs import BODIES, WITH_TENSORS, inference_docs_router
from enn_service.http.paths import model_path, with_version
from enn_service.http.routing import ENDPOINTS, InferenceRoute

EACH_ENDPOINT = pytest.mark.parametrize("row", ENDPOINTS, ids=lambda row: row.name)


def get(api: FastAPI, path: str) -> httpx.Response:
    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://service") as client:
            return await client.get(path)

    return asyncio.run(send())


@pytest.fixture(scope="module")
def api() -> FastAPI:
    application = FastAPI()
    application.include_router(inference_docs_router())
    return application


def test_bodies_are_known_for_each_endpoint() -> None:
    assert set(BODIES) == {row.name for row in ENDPOINTS} >= WITH_TENSORS


@EACH_ENDPOINT
def test_endpoint_and_twin_document_bodies_and_errors(api: FastAPI, row: InferenceRoute) -> None:
    request, response = (body.__name__ for body in BODIES[row.name])
    for path in (row.path, with_version(row.path)):
        entry = api.openapi()["paths"][path][row.method.lower()]
        assert entry["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith(f"/{request}")
        assert entry["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith(f"/{response}")
        assert {"404", "503"} <= entry["responses"].keys()


@EACH_ENDPOINT
@pytest.mark.parametrize("version", [None, "1"])
def test_other_methods_get_405_with_the_allowed_one(api: FastAPI, row: InferenceRoute, version: str | None) -> None:
    response = get(api, model_path(row.path, "ring", version))
    assert (response.status_code, response.headers["allow"]) == (405, row.method)

"""Tests of the OpenAPI document: valid, complete, and typed."""

import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel

from enn_service.api.schemas import metadata as schemas
from enn_service.http.routing import ENDPOINTS
from support.serving import SHIPPED, serving

KINDS = {"$ref", "anyOf", "oneOf", "enum", "const"}
PUBLIC = {"/", "/v2/health/live", "/v2/health/ready"}


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    return client.get("/openapi.json").json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, entries in document["paths"].items():
        for method, operation in entries.items():
            yield method, path, operation


def parts(value: Any) -> Iterator[Any]:
    """Yield a value and everything in it."""
    yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(each)


def schemas_of(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and those of its fields, items and alternatives."""
    yield schema
    fields = schema.get("properties", {}).values()
    more = [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    for each in (*fields, *more, *schema.get("anyOf", ())):
        yield from schemas_of(each)


def test_document_is_valid_and_every_reference_resolves(document: dict[str, Any]) -> None:
    validate(document)
    references = {part["$ref"] for part in parts(document) if isinstance(part, dict) and "$ref" in part}
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references <= known
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert {route.name for route in ENDPOINTS} <= set(names)


def test_every_body_has_a_type(document: dict[str, Any]) -> None:
    bodies = [
        content["schema"]
        for _, _, operation in operations(document)
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for content in part.get("content", {}).values()
    ]
    for top in (*bodies, *document["components"]["schemas"].values()):
        for schema in schemas_of(top):
            kind = schema.get("type")
            assert kind or KINDS & schema.keys(), schema
            assert kind != "array" or "items" in schema, schema
            assert kind != "object" or "properties" in schema or isinstance(schema["additionalProperties"], dict), (
                schema
            )


def test_keys_and_common_errors_are_documented(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert {"type": "apiKey", "in": "header", "name": "X-API-Key"} in schemes.values()
    for method, path, operation in operations(document):
        statuses = {status for status in operation["responses"] if status >= "4"}
        assert (method != "post") or {"400", "408", "413", "415", "503"} <= statuses
        assert (path in PUBLIC) != ({"401", "503", "504"} <= statuses)
        assert (path in PUBLIC) != bool(operation.get("security"))


def test_document_says_if_keys_are_required(document: dict[str, Any]) -> None:
    key = "spring"
    with serving(SHIPPED, api_keys=(hashlib.sha256(key.encode()).hexdigest(),), token="word") as client:
        guarded = client.get("/openapi.json", headers={"x-api-key": key}).json()
    security = guarded["paths"]["/v1/models/{model}:predict"]["post"]["security"]
    assert security == [{"ApiKeyHeader": []}, {"ApiKeyBearer": []}]
    assert document["paths"]["/v1/models/{model}:predict"]["post"]["security"] == [{}, *security]
    load = "/v2/repository/models/{model}/load"
    assert guarded["paths"][load]["post"]["security"] == [{"ManagementToken": [], "ApiKeyHeader": []}]
    assert document["paths"][load]["post"]["security"] == [{"ManagementToken": []}]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", schemas.ServerStatus),
        ("/v2/health/live", schemas.Health),
        ("/v2/health/ready", schemas.Health),
        ("/v2", schemas.ServerMetadata),
        ("/v1/models", schemas.ModelNames),
        ("/v1/models/ring", schemas.ModelStatus),
        ("/v2/models/ring/ready", schemas.ModelStatus),
        ("/v2/models/ring/config", schemas.ModelConfiguration),
        *((f"/v2/models/{name}", schemas.ModelMetadata) for name in ("ring", "breast-cancer", "product", "stripes")),
    ],
)
def test_metadata_is_as_documented(client: httpx.Client, path: str, body: type[BaseModel]) -> None:
    body.model_validate_json(client.get(path).content, strict=True)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda row: row.name)
@pytest.mark.parametrize("version", ["", "/versions/1"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_of_inference_get_405(client: httpx.Client, endpoint: Any, version: str, method: str) -> None:
    path = endpoint.path.replace("{model}", f"ring{version}")
    reply = client.request(method, path)
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    assert method == "HEAD" or list(reply.json()) == ["error"]


def test_allow_names_every_method_of_each_path(client: httpx.Client, document: dict[str, Any]) -> None:
    for path, entries in document["paths"].items():
        allowed = {"get": "GET, HEAD", "post": "POST"}
        target = path.replace("{model}", "ring").replace("{version}", "1")
        reply = client.delete(target)
        assert (reply.status_code, reply.headers["allow"]) == (405, allowed[next(iter(entries))]), path
        if "get" in entries:
            assert client.head(target).status_code == client.get(target).status_code

"""JSON schemas of the request bodies for the OpenAPI document, made from the Structs that decode the requests."""

from inspect import cleandoc
from typing import Any

import msgspec

from enn_service.protocols.request_bodies import ExplainRequest, ExplainTensorsRequest, InferRequest, PredictRequest

REFERENCES = "#/components/schemas/{name}"
REQUESTS: tuple[type[msgspec.Struct], ...] = (PredictRequest, ExplainRequest, InferRequest, ExplainTensorsRequest)
ROWS_ONCE = {"oneOf": [{"required": ["instances"]}, {"required": ["inputs"]}]}
NOT_NULL = {"not": {"type": "null"}}
OUTPUT_ONCE = {"not": {"properties": {"output": NOT_NULL, "outputs": NOT_NULL}, "required": ["output", "outputs"]}}
TENSOR = {"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0.1, 0.2]}
OUTPUTS = [{"name": "output"}, {"name": "bumps"}, {"name": "pre_activation"}]
ADDITIONS: dict[str, dict[str, Any]] = {
    "PredictRequest": ROWS_ONCE | {"examples": [{"instances": [[0.1, 0.2], [0.3, 0.4]]}]},
    "ExplainRequest": ROWS_ONCE | {"examples": [{"instances": [[0.1, 0.2]], "parameters": {"harmonics": False}}]},
    "InferRequest": {"examples": [{"id": "42", "inputs": [TENSOR], "outputs": OUTPUTS}]},
    "ExplainTensorsRequest": {"examples": [{"id": "42", "inputs": [TENSOR], "parameters": {"top": 3}}]},
    "ExplainParameters": OUTPUT_ONCE,
    "ExplainTensorsParameters": OUTPUT_ONCE,
}
"""Parts of a schema that a Struct cannot express, by the name of the Struct."""


def request_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON schema of each request body and of its parts, by name."""
    _, schemas = msgspec.json.schema_components(REQUESTS, ref_template=REFERENCES)
    return {name: _complete(schema) | ADDITIONS.get(name, {}) for name, schema in schemas.items()}


def _complete(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a Struct as FastAPI writes others: fields with titles, and no default of null."""
    fields = {
        name: {"title": name.replace("_", " ").title()}
        | {key: value for key, value in field.items() if (key, value) != ("default", None)}
        for name, field in schema["properties"].items()
    }
    required = {"required": schema["required"]} if schema["required"] else {}
    kept = {key: value for key, value in schema.items() if key != "required"}
    return kept | {"description": cleandoc(schema["description"]), "properties": fields} | required


def request_body(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the OpenAPI request body that refers to the schema of a Struct."""
    schema = {"$ref": REFERENCES.format(name=kind.__name__)}
    return {"required": True, "content": {"application/json": {"schema": schema}}}

"""JSON schemas of the request bodies for the OpenAPI document, made from the classes that decode or describe them."""

from inspect import cleandoc
from typing import Any

import msgspec
from pydantic import BaseModel, TypeAdapter

from enn_service.api.schemas.feedback import FeedbackRequest
from enn_service.api.schemas.inference import Elements, Label, Row
from enn_service.api.schemas.repository import IndexRequest, LoadRequest, UnloadRequest
from enn_service.protocols.request_bodies import ExplainRequest, ExplainTensorsRequest, InferRequest, PredictRequest

REFERENCES = "#/components/schemas/{name}"
REQUESTS: tuple[type[msgspec.Struct], ...] = (PredictRequest, ExplainRequest, InferRequest, ExplainTensorsRequest)
OTHERS = Row | Label | Elements | IndexRequest | LoadRequest | UnloadRequest | FeedbackRequest
"""Bodies that are pydantic models, and the named types to which the Structs refer."""
# A list of alternatives would do, but code generators take one beside `properties` for a union of other objects.
ROWS_ONCE = {
    "if": {"required": ["instances"]},
    "then": {"not": {"required": ["inputs"]}},
    "else": {"required": ["inputs"]},
}
TENSOR = {"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0.1, 0.2]}
OUTPUTS = [{"name": "output"}, {"name": "bumps"}, {"name": "pre_activation"}]
ADDITIONS: dict[str, dict[str, Any]] = {
    "PredictRequest": ROWS_ONCE | {"examples": [{"instances": [[0.1, 0.2], [0.3, 0.4]]}]},
    "ExplainRequest": ROWS_ONCE | {"examples": [{"instances": [[0.1, 0.2]], "parameters": {"harmonics": False}}]},
    "InferRequest": {"examples": [{"id": "42", "inputs": [TENSOR], "outputs": OUTPUTS}]},
    "ExplainTensorsRequest": {"examples": [{"id": "42", "inputs": [TENSOR], "parameters": {"top": 3}}]},
}
"""Parts of a schema that a Struct cannot express, by the name of the Struct."""
REFUSED = {"type": "null"}
"""Schema of fields that a Struct has only to refuse them by name."""


def request_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON schema of each request body and of its parts, by name."""
    _, schemas = msgspec.json.schema_components(REQUESTS, ref_template=REFERENCES)
    others = TypeAdapter(OTHERS).json_schema(ref_template=REFERENCES.replace("{name}", "{model}"))["$defs"]
    structs = {name: _complete(schema) | ADDITIONS.get(name, {}) for name, schema in schemas.items()}
    return others | {name: schema for name, schema in structs.items() if schema["properties"]}


def _complete(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a Struct as FastAPI writes others: fields with titles, and no default of null."""
    fields = {
        name: {"title": name.replace("_", " ").title()} | _with_type(given)
        for name, field in schema["properties"].items()
        if (given := {key: value for key, value in field.items() if (key, value) != ("default", None)}) != REFUSED
    }
    required = {"required": schema["required"]} if schema["required"] else {}
    kept = {key: value for key, value in schema.items() if key != "required"}
    return kept | {"description": cleandoc(schema["description"]), "properties": fields} | required


def _with_type(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with a type beside each list of words: code generators make a string of it, not any value."""
    if "anyOf" in schema:
        return schema | {"anyOf": [_with_type(each) for each in schema["anyOf"]]}
    return {"type": "string"} | schema if "enum" in schema else schema


def request_body(kind: type[msgspec.Struct] | type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """Return the OpenAPI request body that refers to the schema of a class."""
    schema = {"$ref": REFERENCES.format(name=kind.__name__)}
    return {"required": required, "content": {"application/json": {"schema": schema}}}

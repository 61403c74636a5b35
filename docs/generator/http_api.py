"""Write the reference page of the HTTP API, from the OpenAPI document of the service."""

from collections.abc import Iterator
from typing import Any

from generator.markdown import code, table

HEAD = """# HTTP API

Use this page to look up a path, its parameters, bodies and responses. A running service shows the same at `/docs`,
where you can send requests, and as an OpenAPI document at `/openapi.json`.

- All bodies are JSON unless stated otherwise, and every error is an [`Error`](#error).
- A path with `/versions/{version}` names one version; without it the highest version answers.
- Where keys are required, send one as `X-API-Key` or as `Authorization: Bearer`.
- Request bodies may be compressed with gzip or deflate. Every response has an `x-request-id`, that of the request if it
  has one.

"""

Schema = dict[str, Any]


def page(document: Schema) -> str:
    """Return the page.

    Args:
        document: OpenAPI document.
    """
    found = list(operations(document))
    overview = table(
        ["method", "path", "purpose"],
        [[method, f"[{code(path)}](#{anchor(method, path)})", one["description"]] for method, path, one in found],
    )
    sections = "".join(_operation(method, path, one) for method, path, one in found)
    schemas = "".join(_schema(name, each) for name, each in sorted(document["components"]["schemas"].items()))
    return f"{HEAD}{overview}\n\n## Paths\n{sections}\n## Bodies\n{schemas}"


def operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Yield the method, path and description of each operation; a path and its `/versions/` twin follow each other."""
    paths = document["paths"]
    for path in sorted(
        paths, key=lambda path: (path.split("/")[1:2], path.replace("/versions/{version}", ""), len(path))
    ):
        for method, operation in paths[path].items():
            yield method.upper(), path, operation


def anchor(method: str, path: str) -> str:
    """Return the anchor of an operation's section."""
    kept = "".join(letter if letter.isalnum() else "-" for letter in f"{method}{path}".lower())
    return "-".join(part for part in kept.split("-") if part)


def _operation(method: str, path: str, operation: Schema) -> str:
    text = f"\n### {method} {code(path)} {{ #{anchor(method, path)} }}\n\n{operation['description']}\n"
    parameters = [
        [code(one["name"]), one["in"], kind(one["schema"]), one.get("description", "")]
        for one in operation.get("parameters", [])
    ]
    if parameters:
        text += "\n" + table(["parameter", "in", "type", "meaning"], parameters) + "\n"
    if "requestBody" in operation:
        text += f"\nRequest body: {_content(operation['requestBody'])}.\n"
    responses = [
        [status, _content(one), one.get("description", "")] for status, one in sorted(operation["responses"].items())
    ]
    return text + "\n" + table(["status", "body", "meaning"], responses) + "\n"


def _content(body: Schema) -> str:
    return ", ".join(
        f"{code(media)}" if not each.get("schema") else kind(each["schema"])
        for media, each in body.get("content", {}).items()
    )


def _schema(name: str, schema: Schema) -> str:
    text = f"\n### {name}\n\n{' '.join(schema.get('description', '').split())}\n"
    required = schema.get("required", [])
    rows = [
        [code(field), kind(each), "yes" if field in required else "no", _meaning(each)]
        for field, each in schema.get("properties", {}).items()
    ]
    if rows:
        return f"{text}\n{table(['field', 'type', 'required', 'meaning'], rows)}\n"
    return text if schema.get("type") == "object" else f"{text}\n{kind(schema)}\n"


def _meaning(schema: Schema) -> str:
    default = f"Default: `{schema['default']}`." if schema.get("default") not in (None, [], {}) else ""
    return " ".join(part for part in (schema.get("description", ""), default) if part)


def kind(schema: Schema) -> str:
    """Return the type of a value in words, with links to the bodies."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(kind(one) for one in choices))
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    return " or ".join(map(code, values)) or _container(schema)


def _container(schema: Schema) -> str:
    if schema.get("type") == "array":
        return f"list of ({kind(schema['items'])})" if "items" in schema else "list"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of ({kind(schema['additionalProperties'])})"
    return schema.get("type", "any")

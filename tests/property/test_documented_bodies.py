"""The documentation at /docs is true: bodies and answers of the data plane are those of its models, both ways.

Generated bodies are good ones and good ones with one value replaced by another. What the data plane answers, the
schemas of the OpenAPI document accept, and the models accept the answer; what the schemas refuse, the data plane
refuses; and every good body is answered.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from enn_service.api.schemas import inference as schemas

QUICK = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBERS = st.floats(-1, 1, width=32)
VECTORS = st.tuples(NUMBERS, NUMBERS).map(list)
ROWS = st.lists(VECTORS | VECTORS.map(lambda row: dict(zip(("x0", "x1"), row, strict=True))), min_size=1, max_size=4)
V1 = st.fixed_dictionaries({"instances": ROWS}) | st.fixed_dictionaries({"inputs": ROWS}, optional={"note": NUMBERS})
EMPTY = st.fixed_dictionaries({}, optional={"parameters": st.none() | st.just({})})
UNITS = st.fixed_dictionaries({}, optional={"output": st.sampled_from([None, 1, "1"])}) | st.fixed_dictionaries(
    {"outputs": st.sampled_from([None, "all", [1], ["1"]])}
)
WISHES = st.fixed_dictionaries(
    {},
    optional={
        "harmonics": st.booleans(),
        "attributions": st.sampled_from([None, "shapley"]),
        "top": st.sampled_from([None, 1, 3, 99]),
    },
).flatmap(lambda fields: UNITS.map(lambda units: fields | units))
TENSORS = st.lists(VECTORS, min_size=1, max_size=4).flatmap(
    lambda rows: st.fixed_dictionaries(
        {
            "name": st.just("input"),
            "shape": st.just([len(rows), 2]),
            "datatype": st.sampled_from(["FP32", "FP64"]),
            "data": st.sampled_from([rows, [value for row in rows for value in row]]),
        },
        optional={"parameters": st.sampled_from([None, {}, {"note": 1}])},
    )
)
OUTPUTS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["output", "bumps", "pre_activation"])},
        optional={"parameters": st.sampled_from([None, {}, {"binary_data": False}])},
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda output: str(output["name"]),
)
V2 = st.fixed_dictionaries(
    {"inputs": TENSORS.map(lambda tensor: [tensor])},
    optional={"id": st.none() | st.text(max_size=5), "outputs": st.none() | OUTPUTS, "model_name": st.just("ring")},
)
PATHS: dict[str, tuple[st.SearchStrategy, str, type[BaseModel]]] = {
    "/v1/models/ring:predict": (
        st.tuples(V1, EMPTY).map(lambda parts: parts[0] | parts[1]),
        "PredictRequest",
        schemas.PredictResponse,
    ),
    "/v1/models/ring:explain": (
        st.tuples(V1, st.fixed_dictionaries({}, optional={"parameters": st.none() | WISHES})).map(
            lambda parts: parts[0] | parts[1]
        ),
        "ExplainRequest",
        schemas.ExplainResponse,
    ),
    "/v2/models/ring/infer": (
        st.tuples(V2, st.sampled_from([{}, {"parameters": None}, {"parameters": {"priority": 1}}])).map(
            lambda parts: parts[0] | parts[1]
        ),
        "InferRequest",
        schemas.InferResponse,
    ),
    "/v2/models/ring/explain": (
        st.tuples(V2, st.fixed_dictionaries({}, optional={"parameters": st.none() | WISHES})).map(
            lambda parts: parts[0] | parts[1]
        ),
        "ExplainTensorsRequest",
        schemas.ExplainTensorsResponse,
    ),
}
JUNK = st.sampled_from(
    [None, True, False, 0, 1, -1, 2, 0.5, 1e39, "", "1", "NaN", "output", "FP16", [], [0.5], [[]], [[0.5, 0.5]], {}]
) | st.dictionaries(st.sampled_from(["x0", "x1", "name", "data", "parameters"]), NUMBERS, max_size=2)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container in a value with each of its keys."""
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(item, (dict, list)):
            yield from places(item)


@st.composite
def bodies(draw: st.DrawFn, good: st.SearchStrategy) -> tuple[Any, bool]:
    """Return a body, and whether it is as it was made: good."""
    body = deepcopy(draw(good))
    if draw(st.booleans()):
        return body, True
    container, key = draw(st.sampled_from(list(places(body))))
    if draw(st.booleans()) and isinstance(container, dict):
        del container[key]
    else:
        container[key] = draw(JUNK)
    return body, False


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    return client.get("/openapi.json").json()


@pytest.mark.parametrize("path", PATHS)
def test_bodies_and_answers_are_those_of_the_documentation(
    client: httpx.Client, document: dict[str, Any], path: str
) -> None:
    good, request, response = PATHS[path]
    validator = Draft202012Validator(document | {"$ref": f"#/components/schemas/{request}"})

    @QUICK
    @given(bodies(good))
    def check(made: tuple[Any, bool]) -> None:
        body, whole = made
        text = json.dumps(body)
        reply = client.post(path, content=text)
        assert reply.status_code in (200, 400), text
        documented = validator.is_valid(json.loads(text))
        if whole:
            assert reply.status_code == 200, (text, reply.text)
        if reply.status_code == 200:
            assert documented, text
            response.model_validate_json(reply.content, strict=True)
        else:
            schemas.Error.model_validate_json(reply.content, strict=True)

    check()


def test_the_document_names_every_path_that_the_data_plane_answers(
    client: httpx.Client, document: dict[str, Any]
) -> None:
    for path in PATHS:
        for template in (path, path.replace("models/ring", "models/ring/versions/1")):
            known = template.replace("models/ring", "models/{model}").replace("versions/1", "versions/{version}")
            operation = document["paths"][known]["post"]
            assert {"200", "400", "404", "413", "415", "503"} <= set(operation["responses"])
            reply = client.post(template, content=b"")
            assert reply.status_code == 400
    assert not any(
        "422" in operation["responses"] for paths in document["paths"].values() for operation in paths.values()
    )

"""Promises of the routing table: every template and its twin match, and nothing else does."""

import pytest

from enn_service.http.paths import model_path
from enn_service.http.routing import ENDPOINTS, MAX_CACHED_PATH, InferenceRoute, match_path

EACH_ENDPOINT = pytest.mark.parametrize("row", ENDPOINTS, ids=lambda row: row.name)


@EACH_ENDPOINT
@pytest.mark.parametrize("version", [None, "1", "2.0-rc"])
@pytest.mark.parametrize("model", ["ring", "a:b", "m" * MAX_CACHED_PATH])
def test_path_of_each_endpoint_matches_its_row(row: InferenceRoute, model: str, version: str | None) -> None:
    name = model.replace(":", "%3A")
    route = match_path(model_path(row.path, model, version))
    assert route is not None
    assert (route.endpoint, route.verb, route.model, route.version) == (row.endpoint, row.verb, name, version)


@EACH_ENDPOINT
def test_description_of_each_endpoint_speaks_of_a_model(row: InferenceRoute) -> None:
    assert "a model" in row.description


def test_names_of_endpoints_are_unique() -> None:
    assert len({row.name for row in ENDPOINTS}) == len(ENDPOINTS)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/ring",
        "/v1/models/:predict",
        "/v1/models/ring:predict/",
        "/v1/models/ring/predict",
        "/v1/models/ring:infer",
        "/v1/models/a/b:predict",
        "/v1/models/ring/versions/:predict",
        "/v2/models/ring:predict",
        "/v2/models/ring/infer\n",
        "/v2/models/ring/versions/1/2/infer",
        "/v2/models//infer",
        "/v3/models/ring/infer",
    ],
)
def test_other_paths_match_no_endpoint(path: str) -> None:
    assert match_path(path) is None

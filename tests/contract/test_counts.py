"""Statistics and metrics count requests; responses have the request ID; HEAD returns the headers of GET."""

from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.serving import SHIPPED, TOKEN, serving

RING = {"model_name": "ring", "model_version": "1"}
INSIDE, OUTSIDE = [0.1, 0.2], [0.1, 3.5]
TENSOR = {"name": "input", "shape": [1, 2], "datatype": "FP32", "data": INSIDE}


@pytest.fixture
def fresh() -> Iterator[httpx.Client]:
    """A client of a server that has had no request yet."""
    with serving(SHIPPED) as client:
        yield client


@pytest.fixture(scope="module")
def guarded() -> Iterator[httpx.Client]:
    """A client, without a token, of a server that takes one."""
    with serving(SHIPPED, token=TOKEN) as client:
        yield client


def metrics(client: httpx.Client) -> dict[tuple, float]:
    reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


def value(found: dict[tuple, float], name: str, **labels: str) -> float:
    return found[name, *sorted(labels.items())]


def ask(client: httpx.Client) -> None:
    """Send three good requests to ring, one with a row outside, and four bad ones."""
    client.post("/v1/models/ring:predict", json={"instances": [INSIDE, OUTSIDE, INSIDE]})
    client.post("/v1/models/ring:explain", json={"instances": [INSIDE]})
    client.post("/v2/models/ring/infer", json={"inputs": [TENSOR]})
    client.post("/v1/models/ring:predict", json={"instances": [[None, 1]]})
    client.post("/v1/models/moon:predict", json={"instances": [INSIDE]})
    client.post("/v1/models/ring:predict", content=b"x", headers={"content-encoding": "br"})
    client.post("/v1/models/ring:predict", content=bytes(2**21))


def test_metrics_count_requests_rows_errors_and_loads(fresh: httpx.Client) -> None:
    ask(fresh)
    found = metrics(fresh)
    assert value(found, "enn_request_predict_seconds_count", **RING) == 2
    assert value(found, "enn_request_explain_seconds_count", **RING) == 1
    assert value(found, "enn_request_predict_seconds_bucket", le="+Inf", **RING) == 2
    assert 0 < value(found, "enn_request_predict_seconds_sum", **RING) < 10
    assert value(found, "enn_rows_total", **RING) == 5
    assert value(found, "enn_rows_out_of_range_total", **RING) == 1
    for reason in ("invalid", "unknown_model", "unsupported_encoding", "too_large"):
        assert value(found, "enn_requests_refused_total", reason=reason) == 1
    assert value(found, "enn_model_loads_total", result="loaded") == len(fresh.get("/v1/models").json()["models"])
    assert value(found, "enn_requests_in_flight") == 1  # this one
    assert value(found, "enn_model_ready", **RING) == 1
    assert value(found, "process_cpu_seconds_total") > 0
    assert all(name.startswith(("enn_", "process_")) for name, *_ in found)
    stages = [value(found, "enn_request_stage_seconds_total", stage=stage, **RING) for stage in ("reading", "writing")]
    assert min(stages) > 0


def test_clients_cannot_add_metric_labels(fresh: httpx.Client) -> None:
    before = set(metrics(fresh))
    for name in ("a", "b", "c"):
        fresh.post(f"/v1/models/{name}:predict", json={"instances": [INSIDE]})
        fresh.get(f"/v1/models/{name}")
        fresh.get(f"/{name}")
    new = set(metrics(fresh)) - before
    assert new == {("enn_requests_refused_total", ("reason", reason)) for reason in ("unknown_model", "not_found")}


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [
        ("GET", "/v1/models/moon", "unknown_model"),
        ("GET", "/v1/models/ring/surface", "invalid"),
        ("GET", "/v1/models/ring/surface?x=x&y=x", "invalid"),
        ("GET", "/moon", "not_found"),
        ("PUT", "/v1/models", "method_not_allowed"),
        ("POST", "/v2/repository/index", "invalid"),
        ("POST", "/v2/repository/models/ring/unload", "unauthorized"),
    ],
)
def test_each_failed_request_is_counted_once(guarded: httpx.Client, method: str, path: str, reason: str) -> None:
    def refused() -> float:
        return metrics(guarded).get(("enn_requests_refused_total", ("reason", reason)), 0)

    before = refused()
    assert guarded.request(method, path, content=b"[]" if method == "POST" else None).is_client_error
    assert refused() == before + 1


def test_statistics_count_successes_and_failures_of_a_version(fresh: httpx.Client) -> None:
    ask(fresh)
    (found,) = fresh.get("/v2/models/ring/stats").json()["model_stats"]
    assert (found["name"], found["version"]) == ("ring", "1")
    assert (found["inference_count"], found["execution_count"]) == (5, 3)
    assert found["last_inference"] > 0
    stats = found["inference_stats"]
    assert (stats["success"]["count"], stats["fail"]["count"]) == (3, 1)
    stages = [stats[name]["ns"] for name in ("queue", "compute_input", "compute_infer", "compute_output")]
    assert min(stages) > 0
    assert sum(stages) == stats["success"]["ns"]
    assert fresh.get("/v2/models/ring/versions/1/stats").json()["model_stats"] == [found]
    everything = fresh.get("/v2/models/stats").json()["model_stats"]
    assert [entry["name"] for entry in everything] == fresh.get("/v1/models").json()["models"]
    assert fresh.get("/v2/models/moon/stats").status_code == 404


def test_configuration_lists_the_tensors(client: httpx.Client) -> None:
    found = client.get("/v2/models/ring/config").json()
    assert found == client.get("/v2/models/ring/versions/1/config").json()
    assert found["input"] == [{"name": "input", "data_type": "TYPE_FP32", "dims": [-1, 2]}]
    assert [output["name"] for output in found["output"]] == ["output", "bumps", "pre_activation"]


def test_every_response_has_the_request_id(client: httpx.Client) -> None:
    path, body = "/v2/models/ring/infer", {"inputs": [TENSOR]}
    for reply in (
        client.get("/v2", headers={"x-request-id": "mine-1"}),
        client.get("/moon", headers={"x-request-id": "mine-1"}),
        client.post(path, json=body, headers={"x-request-id": "mine-1"}),
        client.post(path, json={}, headers={"x-request-id": "mine-1"}),
        client.post("/v2/repository/index", headers={"x-request-id": "mine-1"}),
    ):
        assert reply.headers["x-request-id"] == "mine-1"
    assert client.post(path, json=body, headers={"x-request-id": "mine-1"}).json()["id"] == "mine-1"
    assert client.post(path, json=body | {"id": "b"}, headers={"x-request-id": "a"}).json()["id"] == "b"
    assert client.post(path, json=body | {"id": None}, headers={"x-request-id": "a"}).json()["id"] == "a"
    assert client.post(path, json=body | {"id": 7}).json() == {"error": "id: 7; expected a string"}
    given = [client.get("/").headers["x-request-id"] for _ in range(3)]
    assert len(set(given)) == 3


@pytest.mark.parametrize("identity", [b"x" * 129, b"two words", "ř".encode()])
def test_long_or_unprintable_request_id_is_not_echoed(client: httpx.Client, identity: bytes) -> None:
    reply = client.post("/v2/models/ring/infer", json={"inputs": [TENSOR]}, headers={b"x-request-id": identity})
    assert reply.json()["id"] == ""
    assert len(reply.headers["x-request-id"]) < 64


def test_head_returns_the_headers_of_get(client: httpx.Client) -> None:
    for path in ("/", "/v2", "/v2/health/ready", "/v1/models", "/v2/models/ring", "/metrics", "/moon"):
        head, get = client.head(path), client.get(path)
        assert head.status_code == get.status_code
        assert head.content == b""
        assert head.headers["content-type"] == get.headers["content-type"]

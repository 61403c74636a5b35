"""Tests of faults that other model servers had: one test for each fault.

Faults of model names, files and reloads have their tests in test_hostile_models, test_invalid_requests,
test_connections and end_to_end/test_change_under_load.
"""

import ast
import asyncio
import hashlib
import hmac
import logging
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from enn_service.client import AsyncClient
from enn_service.http.auth import KeySet
from enn_service.http.large_work import WORKER_THREADS
from enn_service.runtime.session import Session
from support.serving import SHIPPED, TOKEN, address_of, command, replace_file, serving, write_key_digests

SERVICE = Path(__file__).parents[2] / "service" / "enn_service"
MODELS = Path(__file__).parents[2] / "models" / "enn_models"
UNPICKLING = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
FETCHING = {"requests", "urllib3", "aiohttp", "httpx", "ftplib", "urllib.request", "http.client", "fsspec"}
SECRET = "/secret/path/of the machine"
KEY = "a key that nobody is to see"
EVERYTHING = ("/docs", "/openapi.json", "/metrics", "/v2", "/v2/models/ring", "/v2/models/ring/config", "/moon")
LARGE = {"instances": [[0.1, 0.2]] * 15_000}
SMALL = {"instances": [[0.1, 0.2]]}
SIZES = [*range(1, 300), *range(300, 30_000, 500)]
ROUNDS = 3
MAX_MISSED = 100
"""Requests that may miss a deadline of 50 ms on a busy machine."""
GROWTH_BYTES = 10 * 2**20
"""After every size was there once: what the allocator keeps differs from round to round."""
Eventually = Callable[[Callable[[], bool]], None]


def imports(folder: Path, *excluded: str) -> set[str]:
    """Return every module that the code of a folder imports, without the client and files of the excluded names."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        if "client" in path.relative_to(folder).parts or path.name in excluded:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_service_imports_no_pickle() -> None:
    found = imports(SERVICE) | imports(MODELS)
    assert "orjson" in found
    assert not found & UNPICKLING


@pytest.mark.parametrize(
    "content_type", ["application/vnd.bentoml+pickle", "application/x-pickle", "application/octet-stream"]
)
def test_pickle_in_request_is_invalid_json(client: httpx.Client, content_type: str) -> None:
    pickled = b"cos\nsystem\n(S'touch /tmp/owned'\ntR."
    for path in ("/v1/models/ring:predict", "/v2/models/ring/infer"):
        reply = client.post(path, content=pickled, headers={"content-type": content_type})
        assert reply.status_code == 400
        assert "not valid JSON" in reply.json()["error"]


@pytest.mark.parametrize(
    "name",
    ["%252e%252e%252fring", "..%5c..%5cring", "ring%2f1", "%2e%2e%2fmodels%2fring", "ring%00", "C:%5cring", "%c0%ae"],
)
def test_model_name_is_decoded_once_and_never_a_path(client: httpx.Client, name: str) -> None:
    for reply in (client.get(f"/v2/models/{name}"), client.post(f"/v1/models/{name}:predict", json=SMALL)):
        assert reply.status_code == 404
        assert list(reply.json()) == ["error"]


def test_url_in_request_is_never_fetched() -> None:
    # fsspec reads the address in the settings; http.client asks the health check of this service.
    assert imports(SERVICE) & FETCHING == {"fsspec", "http.client"}
    assert imports(SERVICE, "health_check.py") & FETCHING == {"fsspec"}


@pytest.mark.parametrize("plane", ["data", "control"])
def test_unexpected_error_hides_its_text_and_paths(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, plane: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    with serving(SHIPPED) as client, caplog.at_level(logging.ERROR):
        if plane == "data":
            for run in ("run", "run_row"):
                monkeypatch.setattr(Session, run, fail)
            reply = client.post("/v1/models/ring:predict", json=SMALL)
        else:
            monkeypatch.setattr("enn_service.api.monitoring.render_prometheus", fail)
            reply = client.get("/metrics")
    assert reply.status_code == 500
    assert reply.headers["content-type"] == "application/json"
    assert SECRET not in reply.text
    assert reply.json()["error"].rsplit(" ", 1)[-1] in caplog.text
    assert SECRET in caplog.text


def test_concurrent_responses_equal_sequential_responses_bitwise(client: httpx.Client) -> None:
    batches = [[[0.01 * column, -0.02 * row] for row in range(1 + 7 * column)] for column in range(40)]

    async def together() -> list[list[dict]]:
        async with AsyncClient(str(client.base_url)) as service:
            return await asyncio.gather(*(service.predict("ring", rows) for rows in batches))

    alone = [client.post("/v1/models/ring:predict", json={"instances": rows}).json()["predictions"] for rows in batches]
    assert asyncio.run(together()) == alone
    assert [len(each) for each in alone] == [len(rows) for rows in batches]


def test_small_requests_are_answered_during_large_ones(client: httpx.Client) -> None:
    def large() -> int:
        return httpx.post(f"{client.base_url}/v1/models/ring:explain", json=LARGE, timeout=120).status_code

    with ThreadPoolExecutor(4) as pool:
        begun = [pool.submit(large) for _ in range(8)]
        small = 0
        while not all(one.done() for one in begun):
            assert client.post("/v1/models/ring:predict", json=SMALL).status_code == 200
            small += 1
        assert {one.result() for one in begun} == {200}
    assert small > len(begun)


def test_large_request_after_deadline_gets_504() -> None:
    with serving(SHIPPED, deadline_seconds=0.05) as client:
        reply = client.post("/v1/models/ring:explain", json=LARGE)
        assert reply.status_code == 504
        assert "ask for fewer rows" in reply.json()["error"]
        assert client.post("/v1/models/ring:predict", json=SMALL).status_code == 200
        # The late work still runs in its thread, so /metrics may miss the short deadline too; each miss is counted.
        missed = 0
        while (metrics := client.get("/metrics")).status_code == 504 and missed < MAX_MISSED:
            missed += 1
        assert f'enn_requests_refused_total{{reason="deadline"}} {1 + missed}.0' in metrics.text


@pytest.mark.parametrize(
    ("work", "path"),
    [
        ("enn_service.api.monitoring.render_prometheus", "/metrics"),
        ("enn_service.api.introspection.encode_arrays", "/v1/models/ring/activations"),
        ("enn_service.runtime.registry.ModelRegistry.load", "/v2/repository/models/ring/load"),
    ],
)
def test_slow_get_request_gets_504(monkeypatch: pytest.MonkeyPatch, work: str, path: str) -> None:
    over = threading.Event()
    monkeypatch.setattr(work, lambda *_, **__: over.wait() and b"")
    try:
        with serving(SHIPPED, deadline_seconds=0.3, token=TOKEN) as client:
            method = "POST" if path.endswith("load") else "GET"
            for _ in range(WORKER_THREADS + 1):
                reply = client.request(method, path, headers={"authorization": f"Bearer {TOKEN}"})
                assert reply.status_code == 504
                assert list(reply.json()) == ["error"]
                assert "0.3 s" in reply.json()["error"]
            assert client.get("/v2/models/ring").status_code == 200
            over.set()
    finally:
        over.set()


def test_memory_is_stable_across_batch_sizes(tmp_path: Path, eventually: Eventually) -> None:
    log = tmp_path / "log"
    with command(SHIPPED, log, workers=1) as process:
        address = address_of(process, log, 1, eventually)
        memory: list[int] = []
        with httpx.Client(base_url=address) as client:
            for _ in range(ROUNDS):
                for rows in SIZES:
                    raw = {"inference-header-content-length": "0"}
                    reply = client.post("/v2/models/ring/infer", content=bytes(8 * rows), headers=raw)
                    assert reply.status_code == 200
                (kib,) = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
                memory.append(1024 * int(kib))
    assert max(memory) - memory[0] < GROWTH_BYTES


@pytest.mark.parametrize("key", ["spring", "winter", "moon", ""])
def test_api_key_comparison_does_not_depend_on_keys(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    known = ("spring", "summer", "autumn", "winter")
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr("enn_service.http.auth.compare_digest", compare)
    keys = KeySet([hashlib.sha256(word.encode()).hexdigest() for word in known])
    assert (keys.name_of(key.encode()) is not None) == (key in known)
    assert [len(one) for pair in compared for one in pair] == [32, 32]


def test_secrets_appear_in_no_log_response_or_document(tmp_path: Path, eventually: Eventually) -> None:
    log = tmp_path / "log"
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    options = {"log_level": "debug", "workers": 1, "api_keys": f'["{digest}"]', "token": TOKEN + KEY}
    with command(SHIPPED, log, **options) as process:
        address = address_of(process, log, 1, eventually)
        said = ""
        for headers in ({}, {"x-api-key": KEY}, {"x-api-key": KEY + "!"}, {"authorization": f"Bearer {TOKEN}{KEY}"}):
            with httpx.Client(base_url=address, headers=headers) as client:
                replies = [client.get(path) for path in EVERYTHING]
                replies += [client.post(f"/v2/repository/models/ring/{verb}") for verb in ("unload", "load")]
                replies += [client.post("/v1/models/ring:predict", content=b"moon"), client.options("/docs")]
            said += "".join(f"{reply.headers}{reply.text}" for reply in replies)
    for secret in (KEY, digest):
        assert secret not in said
        assert secret not in log.read_text()


def test_service_writes_only_to_run_directory_without_telemetry(
    tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    for folder in (home, temporary):
        folder.mkdir()
    for name, folder in (("HOME", home), ("XDG_CACHE_HOME", home), ("TMPDIR", temporary)):
        monkeypatch.setenv(name, str(folder))
    for name in ("CI", "GITHUB_ACTIONS", "TF_BUILD", "ORT_DISABLE_TELEMETRY"):  # where ONNX Runtime tells nobody anyway
        monkeypatch.delenv(name, raising=False)
    log = tmp_path / "log"
    with command(SHIPPED, log, workers=1) as process:
        reply = httpx.post(f"{address_of(process, log, 1, eventually)}/v1/models/ring:predict", json=SMALL)
        assert reply.status_code == 200
    assert [*home.rglob("*"), *temporary.rglob("*")] == []


def test_cross_origin_pages_are_refused(client: httpx.Client) -> None:
    asking = {"origin": "https://moon.example", "access-control-request-method": "POST"}
    for path in (*EVERYTHING, "/v1/models/ring:predict", "/v2/repository/models/ring/unload"):
        for reply in (client.options(path, headers=asking), client.get(path, headers=asking)):
            assert not [name for name in reply.headers if name.startswith("access-control-")]
            assert reply.headers["x-content-type-options"] == "nosniff"
    page = client.get("/openapi.json").headers
    assert (page["content-security-policy"], page["referrer-policy"]) == ("frame-ancestors 'none'", "no-referrer")


def test_api_key_file_is_reloaded_at_runtime(tmp_path: Path, eventually: Eventually) -> None:
    file = tmp_path / "keys"

    def opens(key: str) -> bool:
        return client.get("/v2/models/ring", headers={"x-api-key": key}).status_code == 200

    write_key_digests(file, "spring")
    with serving(SHIPPED, api_keys_file=file) as client:
        assert opens("spring")
        write_key_digests(file, "spring", "autumn")
        eventually(lambda: opens("autumn"))
        assert opens("spring")
        write_key_digests(file, "autumn")
        eventually(lambda: not opens("spring"))
        replace_file(file, "autumn, in clear\n")
        assert opens("autumn")
        write_key_digests(file)
        eventually(lambda: not opens("autumn"))
        assert client.get("/v2/health/ready").status_code == 200


def test_invalid_key_file_prevents_start(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY}\n")
    with pytest.raises(ValueError, match="line 1 of") as error, serving(SHIPPED, api_keys_file=file):
        pass
    assert KEY not in str(error.value)

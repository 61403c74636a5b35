"""Tests with the unmodified tritonclient, sync and asyncio."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as sync
from tritonclient.http import aio
from tritonclient.utils import InferenceServerException

from support.serving import serving

ROWS = np.array([[0.1, 0.2], [0.5, -0.1], [-0.3, 0.7]], dtype=np.float32)


def address(client: httpx.Client) -> str:
    return f"127.0.0.1:{client.base_url.port}"


def tensor(library: ModuleType, array: np.ndarray = ROWS, *, binary: bool = True) -> Any:
    result = library.InferInput("input", list(array.shape), "FP32")
    result.set_data_from_numpy(array, binary_data=binary)
    return result


def values(answer: Any, name: str = "output") -> np.ndarray:
    found = answer.as_numpy(name)
    assert found is not None
    return found


@pytest.fixture
def triton(client: httpx.Client) -> Iterator[sync.InferenceServerClient]:
    with sync.InferenceServerClient(address(client)) as result:
        yield result


@pytest.fixture
def expected(client: httpx.Client) -> np.ndarray:
    body = {"inputs": [{"name": "input", "shape": [3, 2], "datatype": "FP32", "data": ROWS.ravel().tolist()}]}
    (output,) = client.post("/v2/models/ring/infer", json=body).json()["outputs"]
    return np.array(output["data"], dtype=np.float32).reshape(output["shape"])


def test_client_reads_health_metadata_configuration_and_statistics(triton: sync.InferenceServerClient) -> None:
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("ring")
    assert triton.is_model_ready("ring", "1")
    assert not triton.is_model_ready("moon")
    metadata = triton.get_server_metadata()
    assert metadata is not None
    assert "binary_tensor_data" in metadata["extensions"]
    assert triton.get_model_metadata("ring")["platform"] == "onnx_onnxv1"
    assert triton.get_model_config("ring")["name"] == "ring"
    assert triton.get_model_repository_index()
    for statistics in (triton.get_inference_statistics(), triton.get_inference_statistics("ring", "1")):
        assert statistics["model_stats"]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_infer_works_binary_json_and_compressed(
    triton: sync.InferenceServerClient, expected: np.ndarray, *, binary: bool, compression: str | None
) -> None:
    inputs = [tensor(sync, binary=binary)]
    default = triton.infer("ring", inputs, request_id="7", request_compression_algorithm=compression)
    np.testing.assert_array_equal(values(default), expected)
    assert default.get_response()["id"] == "7"
    names = ("output", "bumps", "pre_activation")
    outputs = [sync.InferRequestedOutput(name, binary_data=binary) for name in names]
    named = triton.infer("ring", inputs, "1", outputs=outputs, response_compression_algorithm=compression)
    np.testing.assert_allclose(values(named), expected, atol=1e-6)
    assert values(named, "bumps").shape == (3, 1, 6)


def test_classification_output_is_bytes(triton: sync.InferenceServerClient, expected: np.ndarray) -> None:
    for binary in (True, False):
        wanted = sync.InferRequestedOutput("output", binary_data=binary, class_count=1)
        texts = values(triton.infer("ring", [tensor(sync)], outputs=[wanted]))
        labels = [text.decode() if isinstance(text, bytes) else text for text in texts.ravel()]
        assert [label.split(":")[2] for label in labels] == ["1" if score > 0 else "-1" for score in expected.ravel()]


def test_client_error_has_text_of_the_service(triton: sync.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="model 'moon' is not known"):
        triton.infer("moon", [tensor(sync)])
    with pytest.raises(InferenceServerException, match=r"inputs\[0\].shape: \[3, 1\]; expected \[rows, 2\]"):
        triton.infer("ring", [tensor(sync, ROWS[:, :1].copy())])
    with pytest.raises(InferenceServerException, match="ENN_TOKEN"):
        triton.load_model("ring")


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_shared_memory_is_refused_where_it_is_named(triton: sync.InferenceServerClient, kind: str) -> None:
    given, wanted = tensor(sync), sync.InferRequestedOutput("output")
    (given if kind == "inputs" else wanted).set_shared_memory("region", 24)
    place = rf"{kind}\[0\].parameters.shared_memory_region: 'region'; expected none, .*not offer shared memory"
    with pytest.raises(InferenceServerException, match=place):
        triton.infer("ring", [given], outputs=[wanted])


def test_load_and_unload_work_with_token(own_repository: Path) -> None:
    headers = {"Authorization": "Bearer word"}
    with serving(own_repository, token="word") as client, sync.InferenceServerClient(address(client)) as triton:
        triton.unload_model("ring", headers=headers)
        assert not triton.is_model_ready("ring")
        triton.load_model("ring", headers=headers)
        assert triton.is_model_ready("ring")


def run_client(client: httpx.Client, ask: Callable[[aio.InferenceServerClient], Awaitable[Any]]) -> Any:
    """Return what a function gets from the asyncio client."""

    async def run() -> Any:
        async with aio.InferenceServerClient(address(client)) as triton:
            return await ask(triton)

    return asyncio.run(run())


def test_asyncio_client_reads_health_metadata_configuration_and_statistics(client: httpx.Client) -> None:
    async def ask(triton: aio.InferenceServerClient) -> None:
        assert await triton.is_server_live()
        assert await triton.is_server_ready()
        assert await triton.is_model_ready("ring", "1")
        assert not await triton.is_model_ready("moon")
        assert "explain" in (await triton.get_server_metadata())["extensions"]
        assert (await triton.get_model_metadata("ring"))["name"] == "ring"
        assert (await triton.get_model_config("ring"))["name"] == "ring"
        assert await triton.get_model_repository_index()
        assert (await triton.get_inference_statistics("ring"))["model_stats"]

    run_client(client, ask)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_asyncio_client_gets_equal_concurrent_responses(
    client: httpx.Client, expected: np.ndarray, *, binary: bool, compression: str | None
) -> None:
    outputs = [aio.InferRequestedOutput(name, binary_data=binary) for name in ("bumps", "output")]

    async def ask(triton: aio.InferenceServerClient) -> list[Any]:
        inputs = [tensor(aio, binary=binary)]
        more: dict[str, Any] = {
            "request_compression_algorithm": compression,
            "response_compression_algorithm": compression,
        }
        default = (triton.infer("ring", inputs, request_id=str(index), **more) for index in range(4))
        named = (triton.infer("ring", inputs, "1", outputs=outputs, **more) for _ in range(4))
        return await asyncio.gather(*default, *named)

    answers = run_client(client, ask)
    assert [answer.get_response()["id"] for answer in answers] == ["0", "1", "2", "3", "", "", "", ""]
    for answer in answers:
        np.testing.assert_allclose(values(answer), expected, atol=1e-6)
    assert all(values(answer, "bumps").shape == (3, 1, 6) for answer in answers[4:])


def test_asyncio_client_gets_error_texts_loads_and_unloads(own_repository: Path) -> None:
    headers = {"Authorization": "Bearer word"}

    async def ask(triton: aio.InferenceServerClient) -> None:
        with pytest.raises(InferenceServerException, match="model 'moon' is not known"):
            await triton.infer("moon", [tensor(aio)])
        with pytest.raises(InferenceServerException, match="ENN_TOKEN"):
            await triton.unload_model("ring")
        await triton.unload_model("ring", headers=headers)
        assert not await triton.is_model_ready("ring")
        await triton.load_model("ring", headers=headers)
        assert await triton.is_model_ready("ring")

    with serving(own_repository, token="word") as client:
        run_client(client, ask)

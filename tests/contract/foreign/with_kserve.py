"""The KServe SDK: `python with_kserve.py URL` prints as JSON what its REST clients get from a server."""

# pyright: reportMissingImports=false

import asyncio
import json
import sys
from collections.abc import Awaitable
from typing import Any

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, InferResponse, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

ROWS = np.array([[0.1, 0.2], [0.5, -0.1], [-0.3, 0.7]], dtype=np.float32)
INSTANCES = [{"x0": 0.1, "x1": 0.2}, [0.5, -0.1]]


def request(*, binary: bool, columns: int = 2, **more: Any) -> InferRequest:
    """Return a request of all rows, or of some of their columns."""
    rows = np.ascontiguousarray(ROWS[:, :columns])
    tensor = InferInput("input", list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows, binary_data=binary)
    return InferRequest("ring", [tensor], **more)


def outputs_of(response: InferResponse) -> dict[str, Any]:
    """Return a response as JSON."""
    outputs = {output.name: output.as_numpy().tolist() for output in response.outputs}
    return {"id": response.id, "model": [response.model_name, response.model_version], "outputs": outputs}


async def error(call: Awaitable[Any]) -> str:
    """Return what the SDK says of an error."""
    try:
        await call
    except httpx.HTTPStatusError as refused:
        return str(refused)
    return "none"


async def v1(url: str) -> dict[str, Any]:
    """Return what the client of V1 gets."""
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        return {
            "live": await client.is_server_live(url),
            "ready": await client.is_model_ready(url, "ring"),
            "predict": await client.infer(url, {"instances": INSTANCES}, model_name="ring"),
            "explain": await client.explain(url, "ring", {"instances": INSTANCES}),
            "unknown": await error(client.is_model_ready(url, "moon")),
            "wrong": await error(client.infer(url, {"instances": [[True, 0]]}, model_name="ring")),
        }


async def v2(url: str) -> dict[str, Any]:
    """Return what the client of V2 gets."""
    outputs = [RequestedOutput("bumps"), RequestedOutput("output", {"binary_data": False})]
    requests = {
        "json": request(binary=False, request_id="7"),
        "binary": request(binary=True, request_id="7"),
        "binary answer": request(binary=True, request_id="7", parameters={"binary_data_output": True}),
        "named": request(binary=True, parameters={"binary_data_output": True}, request_outputs=outputs),
    }
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        answers = {
            name: outputs_of(await client.infer(url, each, model_name="ring")) for name, each in requests.items()
        }
        return answers | {
            "live": await client.is_server_live(url),
            "ready": await client.is_server_ready(url),
            "model ready": [await client.is_model_ready(url, name) for name in ("ring", "moon")],
            "wrong": await error(client.infer(url, request(binary=False, columns=1), model_name="ring")),
        }


async def main(url: str) -> None:
    """Ask and print."""
    print(json.dumps({"v1": await v1(url), "v2": await v2(url)}))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

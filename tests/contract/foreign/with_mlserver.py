"""MLServer's types and codecs: `python with_mlserver.py URL` prints as JSON what they read from a server."""

# pyright: reportMissingImports=false

import json
import sys
from typing import Any

import httpx
import numpy as np
from mlserver import types
from mlserver.codecs import NumpyCodec
from pydantic import BaseModel

ROWS = np.array([[0.1, 0.2], [0.5, -0.1], [-0.3, 0.7]])
INFER = "/v2/models/ring/infer"


def request(rows: np.ndarray, *outputs: str, **more: Any) -> types.InferenceRequest:
    """Return a request for rows, as the codec of arrays writes them."""
    wanted = [types.RequestOutput(name=name) for name in outputs] or None
    return types.InferenceRequest(inputs=[NumpyCodec.encode_input("input", rows)], outputs=wanted, **more)


def answer(client: httpx.Client, body: BaseModel, *, whole: bool = False) -> dict[str, Any]:
    """Return what the codec reads from an answer; the body has the null of every field left out, where it is whole."""
    text = body.model_dump_json(exclude_unset=not whole, exclude_none=not whole)
    reply = client.post(INFER, content=text, headers={"content-type": "application/json", "x-request-id": "header"})
    response = types.InferenceResponse.model_validate_json(reply.content)
    arrays = {output.name: NumpyCodec.decode_output(output).tolist() for output in response.outputs}
    return {"id": response.id, "outputs": arrays}


def main(url: str) -> None:
    """Ask and print."""
    with httpx.Client(base_url=url, trust_env=False) as client:
        server = types.MetadataServerResponse.model_validate_json(client.get("/v2").content)
        model = types.MetadataModelResponse.model_validate_json(client.get("/v2/models/ring").content)
        index_request = types.RepositoryIndexRequest().model_dump_json(exclude_unset=False, exclude_none=False)
        index = types.RepositoryIndexResponse.model_validate_json(
            client.post("/v2/repository/index", content=index_request).content
        )
        wrong = client.post(INFER, content=request(ROWS[:, :1]).model_dump_json())
        found = {
            "server": server.model_dump(),
            "model": model.model_dump(),
            "index": [[entry.name, entry.version, entry.state] for entry in index],
            "float64": answer(client, request(ROWS, id="7")),
            "float32": answer(client, request(ROWS.astype(np.float32))),
            "integers": answer(client, request(np.eye(2, dtype=np.int64))),
            "named": answer(client, request(ROWS, "pre_activation", "bumps")),
            "whole": answer(client, request(ROWS), whole=True),
            "wrong": types.InferenceErrorResponse.model_validate_json(wrong.content).error,
        }
    print(json.dumps(found, default=str))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])

"""A request is decoded exactly once, whichever thread answers it."""

import json
from collections.abc import Iterator

import httpx
import pytest

from enn_service.http import routing
from enn_service.inference.types import InferenceCall, InferenceRequest
from enn_service.runtime.model import ServedModel
from support.serving import SHIPPED, serving

ROWS = [[0.25, -0.5]]
MANY = ROWS * 5000
PREDICT, EXPLAIN, INFER = "/v1/models/ring:predict", "/v1/models/ring:explain", "/v2/models/ring/infer"
TENSOR = {"name": "input", "shape": [1, 2], "datatype": "FP32", "data": ROWS}
LONG = [TENSOR | {"shape": [len(MANY), 2], "data": MANY}]
REQUESTS = {
    "single row": (PREDICT, {"instances": ROWS}, 200),
    "out of range": (PREDICT, {"instances": [[5.0, 0.5]]}, 200),
    "explain": (EXPLAIN, {"instances": ROWS}, 200),
    "explain in a thread": (EXPLAIN, {"instances": ROWS, "parameters": {"attributions": "shapley"}}, 200),
    "large body": (PREDICT, {"instances": MANY}, 200),
    "large response": (PREDICT, {"instances": ROWS * 2000}, 200),
    "large response to explain": (EXPLAIN, {"instances": ROWS * 100}, 200),
    "V2": (INFER, {"inputs": [TENSOR]}, 200),
    "V2 in a thread": (INFER, {"inputs": LONG}, 200),
    "V2 explain": ("/v2/models/ring/explain", {"inputs": [TENSOR]}, 200),
    "refused row": (PREDICT, {"instances": [["x", 1]]}, 400),
    "refused parameter": (EXPLAIN, {"instances": ROWS, "parameters": {"top": 0}}, 400),
    "refused JSON": (PREDICT, 5, 400),
}


@pytest.fixture(params=[True, False], ids=["inline", "ASGI"])
def counted(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[httpx.Client, list[bytes]]]:
    """A client of a service, with or without its inline stage, and the bodies that it has decoded."""
    decoded: list[bytes] = []
    patterns = []
    for pattern, row in routing._PATTERNS:

        def decode(model: ServedModel, request: InferenceRequest, endpoint=row.endpoint) -> InferenceCall:
            decoded.append(request.body)
            return endpoint.decode(model, request)

        patterns.append((pattern, row._replace(endpoint=row.endpoint._replace(decode=decode))))
    monkeypatch.setattr(routing, "_PATTERNS", patterns)
    routing._cached_match.cache_clear()
    with serving(SHIPPED, inline=request.param) as client:
        yield client, decoded
    routing._cached_match.cache_clear()


def test_each_request_is_decoded_once(counted: tuple[httpx.Client, list[bytes]]) -> None:
    client, decoded = counted
    for name, (path, body, status) in REQUESTS.items():
        content = json.dumps(body).encode()
        for _ in range(3):  # the second has the head of the first
            decoded.clear()
            response = client.post(path, content=content)
            assert (name, response.status_code, decoded) == (name, status, [content])

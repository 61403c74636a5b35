"""Benchmark cases: request bodies built by the client, and parsing of responses to check them."""

from dataclasses import dataclass
from typing import Any, Literal

import httpx
import numpy as np
from numpy.typing import NDArray

from enn_service.client import inference_calls
from enn_service.client.calls import ApiCall, ParsedResponse, RowsCall

MODEL = "ring"
SAME = 1e-4
"""Tolerance of a score near 1: float32 sums in another order round differently."""
Kind = Literal["vectors", "names", "explain", "binary"]


@dataclass(frozen=True)
class Request:
    """POST request of the load generator."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Case:
    """Request of one kind with a number of rows, sent over a number of connections."""

    name: str
    kind: Kind
    rows: int
    connections: int = 16


ONE = Case("1 row, JSON", "vectors", 1)
MANY = Case("128 rows, JSON", "vectors", 128)
LARGE = Case("1,024 rows, JSON", "vectors", 1024)
NAMED = Case("128 rows by name, JSON", "names", 128)
EXPLAIN = Case("explain 1 row, JSON", "explain", 1)
BINARY = Case("1,024 rows, binary", "binary", 1024)
BINARY_HUGE = Case("100,000 rows, binary", "binary", 100_000, connections=1)
SHARED = {"1": ONE, "128": MANY, "1024": LARGE, "binary-1024": BINARY, "binary-100000": BINARY_HUGE}
"""Cases that are also measured with the peers, by name in the options."""


def rows(case: Case) -> NDArray[np.float32]:
    """Return the rows of a case, within the training range and rounded to four decimals."""
    return np.random.default_rng(0).uniform(-1, 1, size=(case.rows, 2)).round(4).astype(np.float32)


def call(case: Case, protocol: str) -> ApiCall[Any]:
    """Return the call of the client for a case."""
    return in_one_request(_call_with_rows(case, protocol))


def in_one_request(call: RowsCall[Any]) -> ApiCall[Any]:
    """Return the request that carries all rows of a call."""
    return call.piece(0, call.rows, call.version)


def _call_with_rows(case: Case, protocol: str) -> RowsCall[Any]:
    inputs = rows(case)
    vectors = inputs.astype(np.float64).round(4).tolist()
    if case.kind == "explain":
        return inference_calls.explain(MODEL, vectors, None, output=None, harmonics=False)
    if case.kind == "names":
        return inference_calls.predict(MODEL, [{"x0": x0, "x1": x1} for x0, x1 in vectors], None)
    if case.kind == "binary" or protocol == "v2":
        return inference_calls.infer(MODEL, inputs, None, ["output"], binary=case.kind == "binary")
    return inference_calls.predict(MODEL, vectors, None)


def request(call: ApiCall[Any], path: str | None = None) -> Request:
    """Return the request of a call, to the path of the protocol unless another path is given."""
    return Request(path or call.path, tuple(call.headers.items()), call.body)


def answer(url: str, request: Request, call: ApiCall[Any]) -> Any:  # noqa: ANN401
    """Send a request to a server and return its response, parsed by the client.

    Raises:
        ClientError: The response is an error or does not conform to the protocol.
    """
    headers = dict(request.headers)
    response = httpx.post(url + request.path, content=request.body, headers=headers, timeout=30, trust_env=False)
    return call.result(ParsedResponse(response.status_code, response.headers, response.content))


def scores(answer: Any) -> NDArray[np.float64]:  # noqa: ANN401
    """Return the scores of a parsed response, one per row."""
    if isinstance(answer, dict):
        return answer["output"].astype(np.float64).ravel()
    predictions = getattr(answer, "predictions", answer)
    return np.array([value["score"] if isinstance(value, dict) else value for value in predictions], dtype=np.float64)

"""Cases: the bodies that are sent, made by the client, and the check that an answer is the network's."""

from dataclasses import dataclass
from typing import Any, Literal

import httpx
import numpy as np
from numpy.typing import NDArray

from enn_service.client import calls
from enn_service.client.calls import ApiCall, ParsedResponse

MODEL = "ring"
SAME = 1e-4
"""Of a score near 1: float32, summed in another order."""
Kind = Literal["vectors", "names", "explain", "binary"]


@dataclass(frozen=True)
class Request:
    """A POST as the load generator sends it."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Case:
    """So many rows of one kind, asked over so many connections."""

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
"""The cases that peers have too, by their names in the options."""


def rows(case: Case) -> NDArray[np.float32]:
    """Return the rows of a case: four decimals each, within the training range."""
    return np.random.default_rng(0).uniform(-1, 1, size=(case.rows, 2)).round(4).astype(np.float32)


def call(case: Case, protocol: str) -> ApiCall[Any]:
    """Return a case as a call of the client."""
    inputs = rows(case)
    vectors = inputs.astype(np.float64).round(4).tolist()
    if case.kind == "explain":
        return calls.explain(MODEL, vectors, None, output=None, harmonics=False)
    if case.kind == "names":
        return calls.predict(MODEL, [{"x0": x0, "x1": x1} for x0, x1 in vectors], None)
    if case.kind == "binary" or protocol == "v2":
        return calls.infer(MODEL, inputs, None, ["output"], binary=case.kind == "binary")
    return calls.predict(MODEL, vectors, None)


def request(call: ApiCall[Any], path: str | None = None) -> Request:
    """Return a call as the load generator sends it, on the protocol's path or another."""
    return Request(path or call.path, tuple(call.headers.items()), call.body)


def answer(url: str, request: Request, call: ApiCall[Any]) -> Any:  # noqa: ANN401
    """Return what a server answers, read by the client.

    Raises:
        ClientError: It answers an error, or something else than the protocol has.
    """
    headers = dict(request.headers)
    response = httpx.post(url + request.path, content=request.body, headers=headers, timeout=30, trust_env=False)
    return call.result(ParsedResponse(response.status_code, response.headers, response.content))


def scores(answer: Any) -> NDArray[np.float64]:  # noqa: ANN401
    """Return the scores in an answer, one a row."""
    if isinstance(answer, dict):
        return answer["output"].astype(np.float64).ravel()
    predictions = getattr(answer, "predictions", answer)
    return np.array([value["score"] if isinstance(value, dict) else value for value in predictions], dtype=np.float64)

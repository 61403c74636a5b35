"""Feedback on recorded predictions, from clients of a real server."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.serving import SHIPPED, TOKEN, serving

FEEDBACK = "/v1/models/ring:feedback"
BEARER = {"authorization": f"Bearer {TOKEN}"}
ANNA, BERT = ({"x-api-key": name} for name in ("anna", "bert"))


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("feedback") / "record.db"


@pytest.fixture(scope="module")
def service(record: Path) -> Iterator[httpx.Client]:
    keys = tuple(hashlib.sha256(key["x-api-key"].encode()).hexdigest() for key in (ANNA, BERT))
    with serving(SHIPPED, record=f"sqlite:///{record}", token=TOKEN, api_keys=keys) as client:
        yield client


def truths(record: Path) -> list[Any]:
    with closing(sqlite3.connect(record)) as connection:
        return [json.loads(truth) for (truth,) in connection.execute("SELECT truth FROM enn_feedback ORDER BY id")]


def test_feedback_counts_once_and_names_unknown_predictions(service: httpx.Client, record: Path) -> None:
    rows = {"instances": [[0.1, 0.2], [0.3, 0.4]]}
    identity = service.post("/v1/models/ring:predict", json=rows, headers=ANNA).headers["x-request-id"]
    hostile = "x' OR '1'='1"
    entries = [
        {"id": identity, "truth": -1},
        {"id": identity, "row": 1, "truth": 1},
        {"id": identity, "row": 2, "truth": 1},
        {"id": hostile, "truth": 1},
        {"instance": {"x1": 0.5, "x0": 0.25}, "truth": 1},
    ]
    unknown = [{"entry": 2, "id": identity, "row": 2}, {"entry": 3, "id": hostile, "row": 0}]
    for _ in range(2):
        answer = service.post(FEEDBACK, json={"feedback": entries}, headers=ANNA)
        assert answer.json() == {"accepted": 3, "unknown": unknown}
        assert truths(record) == [-1, 1, 1]
    changed = [{"id": identity, "truth": 1}]
    others = service.post(FEEDBACK, json={"feedback": changed}, headers=BERT)
    assert others.json() == {"accepted": 0, "unknown": [{"entry": 0, "id": identity, "row": 0}]}
    assert truths(record) == [-1, 1, 1]
    late = service.post(FEEDBACK, json={"feedback": changed}, headers=ANNA | BEARER)
    assert late.json() == {"accepted": 1, "unknown": []}
    assert truths(record) == [1, 1, 1]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, "feedback: null; expected a list of 1 to 1000 entries"),
        ([{"id": "a", "truth": 1}] * 1001, "feedback: 1001 entries; expected a list of 1 to 1000 entries"),
        ([{"id": "a", "truth": 1}, {"id": "a", "truth": True}], "feedback[1].truth: true; expected one of the labels"),
        ([{"id": "a", "truth": 7}], "feedback[0].truth: 7; expected one of the labels [-1, 1]"),
        ([{"id": 5, "truth": 1}], "feedback[0].id: 5; expected the x-request-id of a response"),
        ([{"id": "a", "row": -1, "truth": 1}], "feedback[0].row: -1; expected the index of a row"),
        ([{"id": "a", "row": 0}], "feedback[0]: "),
        ([{"instance": {"x0": 1.0}, "truth": 1}], "feature 'x1' is missing"),
    ],
)
def test_wrong_feedback_is_refused_with_its_place(service: httpx.Client, given: object, text: str) -> None:
    answer = service.post(FEEDBACK, json={"feedback": given}, headers=ANNA)
    assert (answer.status_code, text in answer.json()["error"]) == (400, True), answer.text


def test_feedback_needs_a_record_and_a_key(tmp_path: Path, client: httpx.Client, service: httpx.Client) -> None:
    entries = {"feedback": [{"id": "a", "truth": 1}]}
    assert "ENN_RECORD" in client.post(FEEDBACK, json=entries).json()["error"]
    assert service.post(FEEDBACK, json=entries).status_code == 401
    with serving(SHIPPED, record=f"sqlite:///{tmp_path}/record.db") as open_service:
        answer = open_service.post(FEEDBACK, json=entries)
        assert (answer.status_code, "ENN_TOKEN or an API key" in answer.json()["error"]) == (403, True)
    with serving(SHIPPED, record=f"sqlite:///{tmp_path}/record.db", token=TOKEN) as with_token:
        assert with_token.post(FEEDBACK, json=entries).status_code == 401

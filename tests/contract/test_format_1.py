"""Tests of models of card format 1: every later release opens them and gives the answers of their time."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.documents import json_equal
from support.serving import serving

MODELS = Path(__file__).parents[1] / "support" / "format_1"
"""Models that were shipped before format 2, with recorded requests and answers. Never learn or record them again."""
RECORDED = json.loads((MODELS / "answers.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def service() -> Iterator[httpx.Client]:
    with serving(MODELS) as client:
        yield client


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded["path"])
def test_a_model_of_format_1_gives_its_recorded_answer(service: httpx.Client, recorded: dict) -> None:
    answer = service.post(recorded["path"], json=recorded["body"])
    assert json_equal(answer.json(), json.loads(recorded["answer"]))

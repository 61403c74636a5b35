"""Errors become statuses by one table, and nothing leaks."""

import logging

import orjson
import pytest

from enn_service import errors
from enn_service.http.responses import STATUSES, response_for_exception


@pytest.mark.parametrize(("error", "status"), STATUSES.items(), ids=lambda value: getattr(value, "__name__", value))
def test_each_known_error_has_its_status_and_keeps_its_text(error: type[Exception], status: int) -> None:
    reply = response_for_exception(error("the thing, its value"))
    assert reply.status == status
    assert orjson.loads(reply.body) == {"error": "the thing, its value"}


def test_every_request_error_is_in_the_table() -> None:
    assert set(errors.RequestError.__subclasses__()) <= set(STATUSES)


def test_an_unexpected_error_answers_a_reference_to_the_log_and_no_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        reply = response_for_exception(RuntimeError("/secret/path"))
    assert reply.status == 500
    text = orjson.loads(reply.body)["error"]
    assert "secret" not in text
    assert text.rsplit(" ", 1)[-1] in caplog.text
    assert "/secret/path" in caplog.text

"""Promises of the HTTP responses: each exception gives its status, and internal errors leak nothing."""

import logging

import orjson
import pytest

from enn_service import errors
from enn_service.http.responses import response_for_exception

REQUEST_ERRORS = errors.RequestError.__subclasses__()


@pytest.mark.parametrize("error", REQUEST_ERRORS, ids=lambda error: error.__name__)
def test_request_error_gives_its_status_headers_and_text(error: type[errors.RequestError]) -> None:
    response = response_for_exception(error("the thing, its value"))
    assert response.status == error.status
    assert dict(response.headers) == error.headers
    assert orjson.loads(response.body) == {"error": "the thing, its value"}


def test_unexpected_error_gives_log_reference_only(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        response = response_for_exception(RuntimeError("/secret/path"))
    assert response.status == 500
    text = orjson.loads(response.body)["error"]
    assert "secret" not in text
    assert text.rsplit(" ", 1)[-1] in caplog.text
    assert "/secret/path" in caplog.text

"""Promises of the exceptions of requests: each class says all that a response, the metrics and the documents need."""

import ast
import subprocess
import sys
from http import HTTPStatus

import pytest

from enn_service import errors

REQUEST_ERRORS = errors.RequestError.__subclasses__()
ONE_OF_EACH = pytest.mark.parametrize("error", REQUEST_ERRORS, ids=lambda error: error.__name__)
RETRIED = (errors.TooManyRequestsInFlightError, errors.MemoryBudgetError)


@ONE_OF_EACH
def test_each_error_has_a_client_or_server_error_status(error: type[errors.RequestError]) -> None:
    assert 400 <= HTTPStatus(error.status) < 600
    assert error.description.endswith(".")


def test_reasons_of_errors_are_unique() -> None:
    reasons = [error.reason for error in REQUEST_ERRORS]
    assert len(set(reasons)) == len(reasons)


@ONE_OF_EACH
def test_tree_in_module_docstring_lists_each_error(error: type[errors.RequestError]) -> None:
    lines = [line.split() for line in (errors.__doc__ or "").splitlines()]
    assert ["|-", error.__name__, str(error.status), error.reason] in [words[:4] for words in lines]


@pytest.mark.parametrize("error", RETRIED)
def test_overload_asks_client_to_retry_in_a_second(error: type[errors.RequestError]) -> None:
    assert error.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert error.headers == {"Retry-After": "1"}


def test_unauthorized_names_the_bearer_scheme() -> None:
    assert errors.UnauthorizedError.headers == {"WWW-Authenticate": "Bearer"}


def test_errors_module_loads_no_third_party_package() -> None:
    code = "import sys, enn_service.errors; print({name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"pydantic", "numpy", "starlette", "fastapi", "orjson", "httpx"} & ast.literal_eval(loaded)

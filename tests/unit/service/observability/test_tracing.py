"""Tracing is enabled by OpenTelemetry's environment variables alone."""

import sys

import pytest

from enn_service.observability.tracing import ENDPOINTS, create_tracer, is_configured


@pytest.fixture(autouse=True)
def without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ENDPOINTS, "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_endpoint_variable_enables_tracing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert not is_configured()
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert is_configured()


@pytest.mark.parametrize(("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")])
def test_opentelemetry_variable_disables_tracing(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(ENDPOINTS[0], "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)
    assert not is_configured()


def test_missing_opentelemetry_is_logged_and_not_fatal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(ENDPOINTS[0], "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    assert create_tracer() is None
    assert "extra telemetry" in caplog.text

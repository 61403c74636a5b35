"""Settings come from the environment or the command line, are checked, and are safe by default."""

import os
import subprocess
import sys
from hashlib import sha256

import pytest
from pydantic import ValidationError

from enn_service.settings import Settings

ONE, OTHER = (sha256(key).hexdigest() for key in (b"one", b"other"))


def test_service_listens_on_loopback_by_default() -> None:
    assert (Settings().host, Settings().port) == ("127.0.0.1", 8080)


def test_environment_variable_sets_its_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENN_PORT", "9000")
    assert Settings().port == 9000


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "70000"), ("WORKERS", "0"), ("LOG_LEVEL", "moon"), ("POLL_SECONDS", "0")]
)
def test_invalid_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ENN_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


@pytest.mark.parametrize("text", [f"{ONE},{OTHER}", f" {ONE} , {OTHER} ", f'["{ONE}", "{OTHER}"]'])
def test_key_digests_are_separated_by_commas_or_a_json_list(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ENN_API_KEYS", text)
    assert Settings().api_keys == (ONE, OTHER)
    monkeypatch.setenv("ENN_API_KEYS", Settings().environment()["ENN_API_KEYS"])
    assert Settings().api_keys == (ONE, OTHER)


@pytest.mark.parametrize("text", ["secret", f"{ONE};{OTHER}", '["secret"]', "[secret]", "", " ", ",", "[" * 100_000])
def test_invalid_key_digests_are_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ENN_API_KEYS", text)
    with pytest.raises(ValidationError, match="api_keys") as error:
        Settings()
    assert "secret" not in str(error.value)


def test_help_lists_every_setting() -> None:
    environment = os.environ | {"COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "enn_service", "--help"], env=environment, capture_output=True, text=True, check=True
    )
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in done.stdout

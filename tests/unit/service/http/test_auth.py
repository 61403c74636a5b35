"""Promises of authentication: only known keys open, files replace keys, and public paths need none."""

from hashlib import sha256
from pathlib import Path

import pytest

from enn_service.errors import UnauthorizedError
from enn_service.http.auth import PUBLIC_PATHS, ApiKeyAuth, KeySet, needs_no_slot
from enn_service.settings import Settings

PATH = "/v1/models/ring:predict"


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def test_empty_key_set_is_false_and_accepts_every_request() -> None:
    keys = KeySet([])
    assert not keys
    ApiKeyAuth(keys).authenticate("POST", PATH, {})


@pytest.mark.parametrize(
    "headers",
    [{b"x-api-key": b"one"}, {b"authorization": b"Bearer one"}, {b"authorization": b"bearer  one "}],
)
def test_known_key_is_accepted_in_either_header(headers: dict[bytes, bytes]) -> None:
    ApiKeyAuth(KeySet([digest("other"), digest("one").upper()])).authenticate("POST", PATH, headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"x-api-key": b"two"},
        {b"authorization": b"Basic one"},
        {b"x-api-key": b"two", b"authorization": b"Bearer one"},
    ],
)
def test_other_requests_are_unauthorized(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(UnauthorizedError, match="expected a key"):
        ApiKeyAuth(KeySet([digest("one")])).authenticate("POST", PATH, headers)


@pytest.mark.parametrize("path", [*sorted(PUBLIC_PATHS), "/explorer/app.js"])
def test_public_paths_need_no_key(path: str) -> None:
    ApiKeyAuth(KeySet([digest("one")])).authenticate("GET", path, {})


def test_refresh_reads_changed_file_and_keeps_keys_on_errors(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# keys\n\n{digest('one')}  of the first client\n")
    keys = KeySet([], file)
    assert keys.name_of(b"one") == "of the first client"
    file.write_text(digest("two"))
    keys.refresh()
    assert (keys.name_of(b"one"), keys.name_of(b"two")) == (None, digest("two")[:8])
    file.write_text("two")
    keys.refresh()
    assert keys.name_of(b"two") is not None
    assert f"line 1 of {file} is no SHA-256" in caplog.text


def test_first_read_of_a_wrong_file_fails(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        KeySet([], tmp_path / "none")


def test_tokens_come_from_settings_and_their_file(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(digest("two"))
    tokens = KeySet.for_tokens(Settings.model_validate({"token": "one", "token_file": file}))
    assert [tokens.name_of(key) is not None for key in (b"one", b"two", b"three")] == [True, True, False]
    assert not KeySet.for_tokens(Settings())


@pytest.mark.parametrize("path", [*sorted(PUBLIC_PATHS), "/explorer/app.js"])
def test_public_path_needs_key_for_requests_with_body(path: str) -> None:
    with pytest.raises(UnauthorizedError):
        ApiKeyAuth(KeySet([digest("one")])).authenticate("POST", path, {})
    assert not needs_no_slot("POST", path)

"""Authentication: API keys and admin tokens, stored as SHA-256 hashes, and the check of a request's key."""

import hashlib
import logging
import re
from collections.abc import Sequence
from hmac import compare_digest
from pathlib import Path
from typing import Self

from enn_service.errors import UnauthorizedError
from enn_service.http import paths
from enn_service.http.request_body import Headers
from enn_service.setting_checks import SettingError
from enn_service.settings import Settings

PUBLIC_PATHS = frozenset({"/", paths.LIVE, paths.READY, paths.EXPLORER, paths.DOCS})
"""Paths that need no key: health for probes, and the pages for a browser, where a user types the key."""
PUBLIC_PREFIXES = (f"{paths.EXPLORER}/", f"{paths.DOCS_FILES}/")
"""Prefixes of the static files of these pages, which need no key: they contain no data of a model."""
DIGEST = re.compile(r"([0-9a-fA-F]{64})(?:\s.*)?")
"""Line of a key file: a SHA-256, then an optional comment."""
SAFE_METHODS = ("GET", "HEAD")
"""Methods by which public paths need no key: a request with a body may hold memory before it is refused."""

logger = logging.getLogger(__name__)


class KeySet:
    """Keys known by their SHA-256. False if it has neither digests nor a file: then no key is required.

    Args:
        digests: SHA-256 of each key, hexadecimal. Several allow to replace a key without a gap.
        file: File with more digests, one per line; empty lines and lines that begin with # are skipped.

    Raises:
        SettingError: The file cannot be read, or has a line that does not begin with a SHA-256.
    """

    def __init__(self, digests: Sequence[str], file: Path | None = None) -> None:
        self._settings_digests = [digest.lower().encode() for digest in digests]
        self._file = file
        self._digests = [*self._settings_digests, *self._read_file()]

    @classmethod
    def for_tokens(cls, settings: Settings) -> Self:
        """Return the tokens that load and unload require.

        Raises:
            SettingError: The token file cannot be read, or has a line that does not begin with a SHA-256.
        """
        token = settings.token
        digests = [] if token is None else [hashlib.sha256(token.get_secret_value().encode()).hexdigest()]
        return cls(digests, settings.token_file)

    def __bool__(self) -> bool:
        """Return True if a key is required."""
        return bool(self._settings_digests) or self._file is not None

    def matches(self, key: bytes) -> bool:
        """Return True if a key is in the set."""
        found = hashlib.sha256(key).hexdigest().encode()
        # Compare with every digest: the time must not tell which one is similar.
        return sum(compare_digest(found, digest) for digest in self._digests) > 0

    def refresh(self) -> None:
        """Read the file again; keep the previous keys if it cannot be read or has a wrong line."""
        try:
            self._digests = [*self._settings_digests, *self._read_file()]
        except SettingError as error:
            logger.warning("%s; the previous keys stay in force", error)

    def _read_file(self) -> list[bytes]:
        if self._file is None:
            return []
        try:
            lines = self._file.read_text().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise SettingError(f"the file of keys {self._file} cannot be read: {reason}") from None
        digests: list[bytes] = []
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            if (match := DIGEST.fullmatch(line.strip())) is None:
                raise SettingError(f"line {number} of {self._file} is no SHA-256; expected 64 hexadecimal digits first")
            digests.append(match[1].lower().encode())
        return digests


def is_public(method: str, path: str) -> bool:
    """Return True for a request that needs no key: reading health, or the files of the explorer and the docs page."""
    return method in SAFE_METHODS and (path in PUBLIC_PATHS or path.startswith(PUBLIC_PREFIXES))


def needs_no_slot(method: str, path: str) -> bool:
    """Return True for a request that is answered beyond the limit of requests in flight, such as a health check."""
    return method in SAFE_METHODS and path in PUBLIC_PATHS


class ApiKeyAuth:
    """Check of the API key of each request.

    Args:
        keys: Accepted keys; an empty set accepts every request.
    """

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    def authenticate(self, method: str, path: str, headers: Headers) -> None:
        """Check that a request has a key, as X-API-Key or as Authorization: Bearer.

        Args:
            method: HTTP method.
            path: Decoded path of the request; public paths need no key to be read.
            headers: Headers of the request, names in lower case.

        Raises:
            UnauthorizedError: The key is missing or not in the set.
        """
        if not self._keys or is_public(method, path):
            return
        scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
        token = bearer.strip() if scheme.lower() == b"bearer" else b""
        if not self._keys.matches(headers.get(b"x-api-key") or token):
            raise UnauthorizedError("expected a key, in the header X-API-Key or as Authorization: Bearer")

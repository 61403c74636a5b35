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
from enn_service.settings import Settings
from enn_service.settings.checks import SettingError

SCOPE_KEY = "enn.key"
"""Key of the ASGI scope that holds the name of the request's API key."""
PUBLIC_PATHS = frozenset({"/", paths.LIVE, paths.READY, paths.EXPLORER, paths.DOCS})
"""Paths that need no key: health for probes, and the pages for a browser, where a user types the key."""
PUBLIC_PREFIXES = (f"{paths.EXPLORER}/", f"{paths.DOCS_FILES}/")
"""Prefixes of the static files of these pages, which need no key: they contain no data of a model."""
DIGEST = re.compile(r"([0-9a-fA-F]{64})(?:\s+(.*))?")
"""Line of a key file: a SHA-256, then an optional name of the key."""
MAX_NAME = 64
"""Maximum number of characters kept of the name of a key."""
SAFE_METHODS = ("GET", "HEAD")
"""Methods by which public paths need no key: a request with a body may hold memory before it is refused."""
UNKNOWN: tuple[bytes, None] = (bytes(hashlib.sha256().digest_size), None)
"""Digest and name that stand for a key that is not in a set."""

logger = logging.getLogger(__name__)


class KeySet:
    """Keys known by their SHA-256. False if it has neither digests nor a file: then no key is required.

    Each key has a name for the logs: the text after its digest in the file, else the first digits of the digest.

    Args:
        digests: SHA-256 of each key, hexadecimal. Several allow to replace a key without a gap.
        file: File with more digests, one per line; empty lines and lines that begin with # are skipped.

    Raises:
        SettingError: The file cannot be read, or has a line that does not begin with a SHA-256.
    """

    def __init__(self, digests: Sequence[str], file: Path | None = None) -> None:
        self._file = file
        self._from_settings = dict(_named_key(digest, None) for digest in digests)
        self._keys = self._from_settings | self._read_file()

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
        return bool(self._from_settings) or self._file is not None

    def name_of(self, key: bytes) -> str | None:
        """Return the name of a key; None if it is not in the set.

        The time of the look-up depends on the SHA-256 of the given key, of which a client can choose no part, and on
        nothing of the keys in the set; the last comparison takes constant time.
        """
        found = hashlib.sha256(key).digest()
        digest, name = self._keys.get(found, UNKNOWN)
        return name if compare_digest(found, digest) else None

    def refresh(self) -> None:
        """Read the file again; keep the previous keys if it cannot be read or has a wrong line."""
        try:
            self._keys = self._from_settings | self._read_file()
        except SettingError as error:
            logger.warning("%s; the previous keys stay in force", error)

    def _read_file(self) -> dict[bytes, tuple[bytes, str]]:
        if self._file is None:
            return {}
        try:
            lines = self._file.read_text().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise SettingError(f"the file of keys {self._file} cannot be read: {reason}") from None
        keys: dict[bytes, tuple[bytes, str]] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            if (match := DIGEST.fullmatch(line.strip())) is None:
                raise SettingError(f"line {number} of {self._file} is no SHA-256; expected 64 hexadecimal digits first")
            digest, named = _named_key(match[1], match[2])
            keys[digest] = named
        return keys


def _named_key(hexadecimal: str, name: str | None) -> tuple[bytes, tuple[bytes, str]]:
    """Return the digest of a key, and the digest with the name of the key.

    Args:
        hexadecimal: SHA-256 of the key.
        name: Text after the digest in a file; "-", as sha256sum writes it, and None are no names.
    """
    digest = bytes.fromhex(hexadecimal)
    return digest, (digest, name[:MAX_NAME] if name and name != "-" else hexadecimal[:8].lower())


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

    def authenticate(self, method: str, path: str, headers: Headers) -> str:
        """Check that a request has a key, as X-API-Key or as Authorization: Bearer.

        Args:
            method: HTTP method.
            path: Decoded path of the request; public paths need no key to be read.
            headers: Headers of the request, names in lower case.

        Returns:
            Name of the key; empty if the request needs none.

        Raises:
            UnauthorizedError: The key is missing or not in the set.
        """
        if not self._keys or is_public(method, path):
            return ""
        scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
        token = bearer.strip() if scheme.lower() == b"bearer" else b""
        if (name := self._keys.name_of(headers.get(b"x-api-key") or token)) is None:
            raise UnauthorizedError("expected a key, in the header X-API-Key or as Authorization: Bearer")
        return name

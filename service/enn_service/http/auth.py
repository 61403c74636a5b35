"""Access: keys known by their hashes, and which requests need one, where the operator asks for keys."""

import hashlib
import logging
import re
from collections.abc import Sequence
from hmac import compare_digest
from pathlib import Path

from enn_service.errors import UnauthorizedError
from enn_service.http.request_body import Headers

PUBLIC_PATHS = frozenset({"/", "/v2/health/live", "/v2/health/ready", "/explorer"})
"""What is answered without a key: who watches the process needs none, and the explorer's page is where one is typed."""
PUBLIC_PREFIX = "/explorer/"
"""The files of that page, which say nothing of any model."""
DIGEST = re.compile(r"([0-9a-fA-F]{64})(?:\s.*)?")
"""A line of a file of keys: a SHA-256, then what the operator likes to say of it."""

logger = logging.getLogger(__name__)


class KeySet:
    """Keys that open something; where neither digests nor a file are given, none is asked for, and this is false.

    Args:
        digests: SHA-256 of each key, hexadecimal. Several make room to replace one.
        file: More of them, one a line; empty lines and those that begin with # say nothing.

    Raises:
        ValueError: The file cannot be read, or has a line that is no SHA-256.
    """

    def __init__(self, digests: Sequence[str], file: Path | None = None) -> None:
        self._given = [digest.lower().encode() for digest in digests]
        self._file = file
        self._digests = [*self._given, *self._read()]

    def __bool__(self) -> bool:
        """Return whether a key is to be asked for."""
        return bool(self._given) or self._file is not None

    def have(self, key: bytes) -> bool:
        """Return whether a key is one of them."""
        found = hashlib.sha256(key).hexdigest().encode()
        # All of them are compared: how long it takes says nothing of which one is near.
        return sum(compare_digest(found, digest) for digest in self._digests) > 0

    def refresh(self) -> None:
        """Look at the file again; where it cannot be read or has a wrong line, the keys stay those of the last look."""
        try:
            self._digests = [*self._given, *self._read()]
        except ValueError as error:
            logger.warning("%s; the keys stay as they were", error)

    def _read(self) -> list[bytes]:
        if self._file is None:
            return []
        try:
            lines = self._file.read_text().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the file of keys {self._file} cannot be read: {error}") from None
        digests: list[bytes] = []
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            if (match := DIGEST.fullmatch(line.strip())) is None:
                raise ValueError(f"line {number} of {self._file} is no SHA-256; expected 64 hexadecimal digits first")
            digests.append(match[1].lower().encode())
        return digests


class ApiKeyAuth:
    """Who may ask.

    Args:
        keys: What opens; where none is asked for, everybody may.
    """

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    def check(self, path: str, headers: Headers) -> None:
        """Check that a request has a key, in X-API-Key or as Authorization: Bearer.

        Raises:
            UnauthorizedError: It has none, or another.
        """
        if not self._keys or path in PUBLIC_PATHS or path.startswith(PUBLIC_PREFIX):
            return
        scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
        if not self._keys.have(headers.get(b"x-api-key") or (bearer.strip() if scheme.lower() == b"bearer" else b"")):
            raise UnauthorizedError("expected a key, in the header X-API-Key or as Authorization: Bearer")

"""Access: the keys of which every request but those for health has one, where the operator asks for keys."""

import hashlib
import hmac
import logging
import re
from collections.abc import Sequence
from pathlib import Path

from enn_service.body import Headers
from enn_service.errors import UnauthorizedError

OPEN = frozenset({"/", "/v2/health/live", "/v2/health/ready", "/explorer"})
"""What is answered without a key: who watches the process needs none, and the explorer's page is where one is typed."""
OPEN_FOLDER = "/explorer/"
"""The files of that page, which say nothing of any model."""
DIGEST = re.compile(r"([0-9a-fA-F]{64})(?:\s.*)?")
"""A line of a file of keys: a SHA-256, then what the operator likes to say of it."""

logger = logging.getLogger(__name__)


class Access:
    """Who may ask.

    Args:
        digests: SHA-256 of each key, hexadecimal; none, and no file: everybody may. Several make room to replace one.
        file: More of them, one a line; empty lines and those that begin with # say nothing.

    Raises:
        ValueError: The file cannot be read, or has a line that is no SHA-256.
    """

    def __init__(self, digests: Sequence[str], file: Path | None = None) -> None:
        self._given = [digest.lower().encode() for digest in digests]
        self._file = file
        self._asked = bool(digests) or file is not None
        self._digests = [*self._given, *self._read()]

    def refresh(self) -> None:
        """Look at the file again; where it cannot be read or has a wrong line, the keys stay those of the last look."""
        try:
            self._digests = [*self._given, *self._read()]
        except ValueError as error:
            logger.warning("%s; the keys stay as they were", error)

    def check(self, path: str, headers: Headers) -> None:
        """Check that a request has a key, in X-API-Key or as Authorization: Bearer.

        Raises:
            UnauthorizedError: It has none, or another.
        """
        if not self._asked or path in OPEN or path.startswith(OPEN_FOLDER):
            return
        scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
        key = headers.get(b"x-api-key") or (bearer.strip() if scheme.lower() == b"bearer" else b"")
        found = hashlib.sha256(key).hexdigest().encode()
        # All of them are compared: how long it takes says nothing of which one is near.
        if not sum(hmac.compare_digest(found, digest) for digest in self._digests):
            raise UnauthorizedError("expected a key, in the header X-API-Key or as Authorization: Bearer")

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

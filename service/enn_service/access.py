"""Access: the keys of which every request but those for health has one, where the operator asks for keys."""

import hashlib
import hmac
from collections.abc import Sequence

from enn_service.body import Headers
from enn_service.errors import UnauthorizedError

OPEN = frozenset({"/", "/v2/health/live", "/v2/health/ready", "/explorer"})
"""What is answered without a key: who watches the process needs none, and the explorer's page is where one is typed."""
OPEN_FOLDER = "/explorer/"
"""The files of that page, which say nothing of any model."""


class Access:
    """Who may ask.

    Args:
        digests: SHA-256 of each key, hexadecimal; none: everybody may. Several make room to replace one.
    """

    def __init__(self, digests: Sequence[str]) -> None:
        self._digests = [digest.lower().encode() for digest in digests]

    def check(self, path: str, headers: Headers) -> None:
        """Check that a request has a key, in X-API-Key or as Authorization: Bearer.

        Raises:
            UnauthorizedError: It has none, or another.
        """
        if not self._digests or path in OPEN or path.startswith(OPEN_FOLDER):
            return
        scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
        key = headers.get(b"x-api-key") or (bearer.strip() if scheme.lower() == b"bearer" else b"")
        found = hashlib.sha256(key).hexdigest().encode()
        # All of them are compared: how long it takes says nothing of which one is near.
        if not sum(hmac.compare_digest(found, digest) for digest in self._digests):
            raise UnauthorizedError("expected a key, in the header X-API-Key or as Authorization: Bearer")

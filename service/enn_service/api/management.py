"""Management: who may load and unload models, and the audit log of each attempt."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from enn_service.api.schemas.repository import ManagementResult
from enn_service.errors import ForbiddenError, RequestError, UnauthorizedError
from enn_service.http.auth import SCOPE_KEY, KeySet
from enn_service.observability.log_config import AUDIT
from enn_service.runtime.registry import ModelRegistry

Bearer = Annotated[
    HTTPAuthorizationCredentials | None, Security(HTTPBearer(scheme_name="ManagementToken", auto_error=False))
]

MAX_AUDITED = 140
"""Maximum number of characters of a model name in the audit log."""

audit = logging.getLogger(AUDIT)


class Management:
    """Operations that need a token.

    Args:
        registry: Models of the service.
        tokens: Tokens that load and unload require; without any, both are refused.
        reaches_replicas: True if other replicas share the unloaded models.

    Attributes:
        registry: Models of the service.
        tokens: Tokens that load and unload require.
    """

    def __init__(self, registry: ModelRegistry, tokens: KeySet, *, reaches_replicas: bool) -> None:
        self.registry, self.tokens, self._reaches_replicas = registry, tokens, reaches_replicas

    def result(self) -> ManagementResult:
        """Return the answer to a successful operation."""
        reach = "all replicas" if self._reaches_replicas else "this replica"
        return ManagementResult(replica=socket.gethostname(), reach=reach)

    @contextmanager
    def authorized(
        self, action: str, model: str, request: Request, credentials: HTTPAuthorizationCredentials | None
    ) -> Iterator[None]:
        """Check the token of a request, let it act, and log its result, also if it is refused.

        Args:
            action: "load" or "unload".
            model: Name of the model.
            request: The request.
            credentials: Token of the request.

        Raises:
            ForbiddenError: The service has no tokens, or the request has the origin of another host.
            UnauthorizedError: The request has no token, or a wrong one.
        """
        token = None if credentials is None else self.tokens.name_of(credentials.credentials.encode())
        result = "500 internal"
        try:
            self._authorize(request, token)
            yield
            result = "200 done"
        except RequestError as error:
            result = f"{error.status} {error.reason}"
            raise
        finally:
            fields = {
                "action": action,
                "model": model[:MAX_AUDITED],
                "client": request.client.host if request.client else "",
                "key": request.scope.get(SCOPE_KEY, ""),
                "token": token or "",
                "result": result,
            }
            text = " ".join(f"{name}={value!r}" for name, value in fields.items())
            audit.info("%s", text, extra={"fields": fields})

    def _authorize(self, request: Request, token: str | None) -> None:
        """Check that a token is known, and that no page of another origin sends it."""
        if not self.tokens:
            raise ForbiddenError("load and unload are off; the service offers them with ENN_TOKEN or ENN_TOKEN_FILE")
        if token is None:
            raise UnauthorizedError(
                "expected the header Authorization: Bearer with a token of ENN_TOKEN or ENN_TOKEN_FILE"
            )
        origin = request.headers.get("origin")
        if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
            raise ForbiddenError(f"a page of {origin[:100]!r} may not load and unload models")

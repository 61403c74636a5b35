"""Table of the inference endpoints, and the match of a request path against it.

The data plane dispatches by this table; the control plane registers the same paths for the OpenAPI document and for the
`Allow` header of other methods.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from starlette.types import Scope

from enn_service.errors import MethodNotAllowedError
from enn_service.http import paths
from enn_service.inference.types import Endpoint
from enn_service.protocols import kserve_v1 as v1
from enn_service.protocols import open_inference_v2 as v2


class InferenceRoute(NamedTuple):
    """One row of the table of endpoints.

    Attributes:
        name: Unique name of the operation in the OpenAPI document.
        method: HTTP method.
        path: Path template; with `/versions/{version}` after the model it names one version.
        verb: Name of the operation in metrics and statistics.
        endpoint: Decoder and encoder of the protocol.
        description: Sentence for the OpenAPI document; it contains "a model".
    """

    name: str
    method: str
    path: str
    verb: str
    endpoint: Endpoint[Any]
    description: str


ENDPOINTS = (
    InferenceRoute(
        "predict",
        "POST",
        paths.PREDICT,
        "predict",
        v1.PREDICT,
        "Predict rows with a model (KServe V1).",
    ),
    InferenceRoute(
        "explain",
        "POST",
        paths.EXPLAIN,
        "explain",
        v1.EXPLAIN,
        "Predict rows with a model and explain each row exactly by its bumps (KServe V1).",
    ),
    InferenceRoute(
        "infer",
        "POST",
        paths.INFER,
        "infer",
        v2.INFER,
        "Compute the output tensors of a model (Open Inference Protocol V2); request `bumps` and `pre_activation` to "
        "get them too.",
    ),
    InferenceRoute(
        "explain_tensors",
        "POST",
        paths.EXPLAIN_TENSORS,
        "explain",
        v2.EXPLAIN_TENSORS,
        "Compute the output tensors of a model and explain each row by its bumps (extension of V2 by this service).",
    ),
)
CACHE_SIZE = 1024
"""Number of paths whose match is cached."""
MAX_CACHED_PATH = 512
"""Maximum length of a cached path: a longer path names no model that exists."""
MODEL_PATTERN = "(?P<model>[^/]+?)(?:/versions/(?P<version>[^/]+?))?"


class Route(NamedTuple):
    """An endpoint and the model that a path names.

    Attributes:
        endpoint: Decoder and encoder of the protocol.
        verb: Name of the operation in metrics and statistics.
        model: Name of the model.
        version: Name of the version; None if the path names none.
    """

    endpoint: Endpoint[Any]
    verb: str
    model: str
    version: str | None


class RootPath:
    """Path prefix under which a proxy offers the service.

    Args:
        prefix: The prefix, as `/ai/enn`; empty for none.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix, self._inside, self._inside_bytes = prefix, f"{prefix}/", f"{prefix}/".encode()

    def strip_target(self, target: bytes) -> bytes:
        """Return a request target without the prefix."""
        return target[len(self._prefix) :] if self._prefix and target.startswith(self._inside_bytes) else target

    def strip(self, scope: Scope) -> Scope:
        """Return an ASGI scope whose path does not have the prefix, whether the proxy has removed it or not."""
        path: str = scope["path"]
        if not self._prefix or not (path == self._prefix or path.startswith(self._inside)):
            return scope
        return {**scope, "path": path[len(self._prefix) :] or "/"}

    def add(self, scope: Scope) -> Scope:
        """Return an ASGI scope with the prefix as `root_path`, and therefore in its path too."""
        prefix = self._prefix
        return {**scope, "path": prefix + scope["path"], "root_path": prefix} if prefix else scope


_PATTERNS = [(re.compile(route.path.replace("{model}", MODEL_PATTERN)), route) for route in ENDPOINTS]


def match_path(path: str) -> Route | None:
    """Return the route of a path; None if the data plane has no such endpoint."""
    return _cached_match(path) if len(path) <= MAX_CACHED_PATH else _match(path)


def _match(path: str) -> Route | None:
    for pattern, route in _PATTERNS:
        if match := pattern.fullmatch(path):
            return Route(route.endpoint, route.verb, match["model"], match["version"])
    return None


def check_method(method: str, path: str) -> None:
    """Check that a request may have a method other than POST.

    Raises:
        MethodNotAllowedError: The path is that of an inference endpoint.
    """
    if match_path(path) is not None:
        raise MethodNotAllowedError(f"{method} is not allowed here; expected POST")


_cached_match = lru_cache(CACHE_SIZE)(_match)

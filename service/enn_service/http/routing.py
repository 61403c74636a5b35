"""Table of the inference endpoints, and the match of a request path against it.

The data plane dispatches by this table; the control plane registers the same paths for the OpenAPI document and for the
`Allow` header of other methods.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

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


_PATTERNS = [(re.compile(route.path.replace("{model}", MODEL_PATTERN)), route) for route in ENDPOINTS]


def match_path(path: str) -> Route | None:
    """Return the route of a path; None if the data plane has no such endpoint."""
    return _cached_match(path) if len(path) <= MAX_CACHED_PATH else _match(path)


def _match(path: str) -> Route | None:
    for pattern, route in _PATTERNS:
        if match := pattern.fullmatch(path):
            return Route(route.endpoint, route.verb, match["model"], match["version"])
    return None


_cached_match = lru_cache(CACHE_SIZE)(_match)

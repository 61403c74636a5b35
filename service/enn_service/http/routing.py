"""Paths: which operation on which model a path of the data plane asks for."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from enn_service.inference.types import Endpoint
from enn_service.protocols import kserve_v1 as v1
from enn_service.protocols import open_inference_v2 as v2

PATH = re.compile(
    r"/(v1)/models/([^/]+?)(?:/versions/([^/]+?))?:(predict|explain)|"
    r"/(v2)/models/([^/]+)(?:/versions/([^/]+))?/(infer|explain)"
)
ENDPOINTS: dict[tuple[str, str], Endpoint[Any]] = {
    ("v1", "predict"): v1.PREDICT,
    ("v1", "explain"): v1.EXPLAIN,
    ("v2", "infer"): v2.INFER,
    ("v2", "explain"): v2.EXPLAIN_TENSORS,
}
CACHE_SIZE = 1024
"""How many paths are known without reading them again."""
MAX_CACHED_PATH = 512
"""A longer path names no model, and is not kept."""


class Route(NamedTuple):
    """What a path of the data plane asks for.

    Attributes:
        endpoint: Decoder and encoder of the protocol verb.
        verb: Name of the verb.
        model: The name of the model.
        version: The name of the version; None where the path names none.
    """

    endpoint: Endpoint[Any]
    verb: str
    model: str
    version: str | None


def match_path(path: str) -> Route | None:
    """Return what a path asks for; None where it is not one of the data plane's."""
    return _cached_match(path) if len(path) <= MAX_CACHED_PATH else _parse(path)


def _parse(path: str) -> Route | None:
    match = PATH.fullmatch(path)
    if match is None:
        return None
    protocol, model, version, verb = match.groups()[:4] if match[1] else match.groups()[4:]
    return Route(ENDPOINTS[protocol, verb], verb, model, version)


_cached_match = lru_cache(CACHE_SIZE)(_parse)

"""Paths: which operation on which model a path of the data plane asks for."""

import re
from functools import lru_cache
from typing import NamedTuple

from enn_service.inference.types import Operation, UsualOperation
from enn_service.protocols import kserve_v1 as v1
from enn_service.protocols import open_inference_v2 as v2

PATH = re.compile(
    r"/(v1)/models/([^/]+?)(?:/versions/([^/]+?))?:(predict|explain)|"
    r"/(v2)/models/([^/]+)(?:/versions/([^/]+))?/(infer|explain)"
)
OPERATIONS: dict[tuple[str, str], tuple[Operation, UsualOperation | None]] = {
    ("v1", "predict"): (v1.predict, v1.USUAL_PREDICT),
    ("v1", "explain"): (v1.explain, v1.USUAL_EXPLAIN),
    ("v2", "infer"): (v2.infer, v2.USUAL_INFER),
    ("v2", "explain"): (v2.explain, None),
}
KEPT = 1024
"""How many paths are known without reading them again."""
KEPT_LENGTH = 512
"""A longer path names no model, and is not kept."""


class Call(NamedTuple):
    """What a path of the data plane asks for.

    Attributes:
        operation: What is to be done.
        usual: The same for usual rows; None where these have no way of their own.
        verb: Its name.
        model: The name of the model.
        version: The name of the version; None where the path names none.
    """

    operation: Operation
    usual: UsualOperation | None
    verb: str
    model: str
    version: str | None


def parse_path(path: str) -> Call | None:
    """Return what a path asks for; None where it is not one of the data plane's."""
    return known(path) if len(path) <= KEPT_LENGTH else _parse(path)


def _parse(path: str) -> Call | None:
    match = PATH.fullmatch(path)
    if match is None:
        return None
    protocol, model, version, verb = match.groups()[:4] if match[1] else match.groups()[4:]
    return Call(*OPERATIONS[protocol, verb], verb, model, version)


known = lru_cache(KEPT)(_parse)

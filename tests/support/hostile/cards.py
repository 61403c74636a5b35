"""Model files with a card that contradicts the graph, is malformed or is missing."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx

from enn_models.card import METADATA_KEY
from support.tiny import package

WRONG_FIELDS: list[tuple[str, dict[str, Any], str]] = [
    ("format", {"format": 3}, "format"),
    ("task", {"task": "regression"}, "classes"),
    ("layers", {"layers": [2, 3, 1]}, "parameters"),
    ("layers_without_end", {"layers": [2, 65_536, 65_536, 1]}, "parameters"),
    ("harmonics", {"harmonics": 1024}, "parameters"),
    ("parameters", {"parameters": "AAAA" * 4}, "parameters"),
    ("parameters_that_are_no_base64", {"parameters": "!"}, "parameters"),
    ("bias", {"bias": [7.0]}, "bias"),
    ("classes", {"classes": ["a", "a"]}, "classes"),
    ("features", {"features": []}, "features"),
    ("golden_outputs", {"golden.outputs": 5.0}, "golden vector"),
    ("golden_bumps", {"golden.bumps": 5.0}, "golden vector"),
    ("golden_without_rows", {"golden.inputs": []}, "golden"),
    ("few", {"unrolling.few": {"unrolling": "x", "rows": 1, "input": "moon", "output": "sun"}}, "does not load"),
    (
        "few_bumps",
        {"unrolling.few": {"unrolling": "x", "rows": 1, "input": "v0", "output": "output", "bumps": "sun"}},
        "does not load",
    ),
    (
        "few_of_another_network",
        {"unrolling.few": {"unrolling": "x", "rows": 1, "input": "v0", "output": "v0"}},
        "graph",
    ),
    ("fingerprint", {"fingerprint": "../../etc/passwd"}, "fingerprint"),
    ("a_field_of_its_own", {"exec": "rm"}, "exec"),
]
"""Name, changed fields and pattern of the expected error of each wrong card.

Fields are given by path; a float is added to every number of the field, another value replaces it.
"""


def _with_fields(card: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Change the fields of a card in place and return it; see WRONG_FIELDS."""
    for path, value in changes.items():
        *above, name = path.split(".")
        part = card
        for step in above:
            part = part[step]
        part[name] = (np.array(part[name]) + value).tolist() if isinstance(value, float) else value
    return card


def with_card(data: bytes, text: str) -> bytes:
    """Return a model file with another text as its card."""
    model = onnx.ModelProto.FromString(data)
    del model.metadata_props[:]
    model.metadata_props.add(key=METADATA_KEY, value=text)
    return model.SerializeToString()


def with_wrong_fields(changes: dict[str, Any]) -> bytes:
    """Return a valid package with changed fields of its card."""
    data = package()
    (entry,) = onnx.ModelProto.FromString(data).metadata_props
    return with_card(data, json.dumps(_with_fields(json.loads(entry.value), changes)))


def files() -> Iterator[tuple[str, bytes, str]]:
    """Yield name, bytes and pattern of the expected error of every file with a wrong card."""
    for name, changes, reason in WRONG_FIELDS:
        yield f"wrong_{name}", with_wrong_fields(changes), reason
    valid = package()
    model = onnx.ModelProto.FromString(valid)
    del model.metadata_props[:]
    yield "no_card", model.SerializeToString(), "no card"
    yield "card_that_is_no_json", with_card(valid, "{"), "card is not valid"
    yield "card_nested_without_end", with_card(valid, "[" * 10_000), "card is not valid"

"""Cards that lie about their graph, or are none."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx

from enn_models.card import METADATA_KEY
from support.tiny import package

LIES: list[tuple[str, dict[str, Any], str]] = [
    ("format", {"format": 2}, "format"),
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
"""What a card is made to say that is not so: fields by their path, a number being added to every number there."""


def _told(card: dict[str, Any], lie: dict[str, Any]) -> dict[str, Any]:
    for path, value in lie.items():
        *above, name = path.split(".")
        part = card
        for step in above:
            part = part[step]
        part[name] = (np.array(part[name]) + value).tolist() if isinstance(value, float) else value
    return card


def with_card(data: bytes, text: str) -> bytes:
    model = onnx.ModelProto.FromString(data)
    del model.metadata_props[:]
    model.metadata_props.add(key=METADATA_KEY, value=text)
    return model.SerializeToString()


def lying(lie: dict[str, Any]) -> bytes:
    data = package()
    (entry,) = onnx.ModelProto.FromString(data).metadata_props
    return with_card(data, json.dumps(_told(json.loads(entry.value), lie)))


def files() -> Iterator[tuple[str, bytes, str]]:
    """Yield name, bytes and reason of every file whose card is wrong."""
    for name, lie, reason in LIES:
        yield f"lie_about_{name}", lying(lie), reason
    whole = package()
    model = onnx.ModelProto.FromString(whole)
    del model.metadata_props[:]
    yield "no_card", model.SerializeToString(), "no card"
    yield "card_that_is_no_json", with_card(whole, "{"), "card is not valid"
    yield "card_nested_without_end", with_card(whole, "[" * 10_000), "card is not valid"

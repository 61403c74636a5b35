"""A corpus of hostile model files, made by code: each with the reason for which it is refused.

A module for each kind of hostility: external data, operators, sizes, types, cards, encoding, and the places of files.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from enn_models import repository
from support.hostile import cards, encoding, external, operators, sizes, types
from support.hostile.cards import LIES
from support.hostile.graphs import changed
from support.hostile.places import PLACES, version

__all__ = ["CHANGES", "LIES", "PLACES", "files", "lay"]

CHANGES = [*external.CHANGES, *operators.CHANGES, *sizes.CHANGES, *types.CHANGES]
"""What is done to the graph of a good package."""


def files() -> Iterator[tuple[str, bytes, str]]:
    """Yield name, bytes and reason of every hostile file."""
    for change, reason in CHANGES:
        yield change.__name__, changed(change), reason
    yield from cards.files()
    yield from encoding.files()


def lay(root: Path) -> dict[str, str]:
    """Lay everything hostile into a repository; return by the name of each model the reason that it is refused for."""
    reasons: dict[str, str] = {}
    for name, data, reason in files():
        repository.publish_version(root, name, data)
        reasons[name] = reason
    for make, reason in PLACES:
        make(root, make.__name__)
        reasons[make.__name__] = reason
    for index, name in enumerate((b"a b", b"-rf", b"%2e%2e", b"a\nb", b"\xff\xfe", "ř".encode(), b"x" * 200, b"a:b")):
        version(root, f"odd_{index}").parent.rename(root / os.fsdecode(name))
        reasons[name.decode("utf-8", "surrogateescape").encode("utf-8", "backslashreplace").decode()] = (
            "expected 1 to 128"
        )
    return reasons

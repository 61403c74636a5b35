"""Generated corpus of malformed and malicious model files, each with a pattern of the error that rejects it.

Each module contains one kind: external data, operators, sizes, types, cards, encoding, and files of another kind.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from enn_models import repository
from support.hostile import cards, encoding, external, operators, sizes, types
from support.hostile.cards import WRONG_FIELDS
from support.hostile.graphs import changed_package
from support.hostile.places import PLACES, version

__all__ = ["CHANGES", "PLACES", "WRONG_FIELDS", "files", "write_hostile_models"]

CHANGES = [*external.CHANGES, *operators.CHANGES, *sizes.CHANGES, *types.CHANGES]
"""Changes of the graph of a valid package, each with a pattern of the expected error."""


def files() -> Iterator[tuple[str, bytes, str]]:
    """Yield name, bytes and pattern of the expected error of every hostile model file."""
    for change, reason in CHANGES:
        yield change.__name__, changed_package(change), reason
    yield from cards.files()
    yield from encoding.files()


def write_hostile_models(root: Path) -> dict[str, str]:
    """Write all hostile models to a repository; return model name -> pattern of the expected error."""
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

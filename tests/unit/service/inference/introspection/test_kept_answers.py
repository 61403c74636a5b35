"""Tests of kept answers: their total size is bounded, and the one unused for longest goes first."""

from enn_service.inference.introspection.kept_answers import KeptAnswers


def test_answers_beyond_the_size_replace_the_least_recent() -> None:
    kept = KeptAnswers(10)
    for tag, size in (("a", 4), ("b", 4), ("large", 11)):
        kept.add(tag, bytes(size))
    assert kept.get("large") is None
    assert kept.get("a") == bytes(4)  # used after b
    kept.add("c", bytes(6))
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (bytes(4), None, bytes(6))

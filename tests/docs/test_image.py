"""The pictures' document says what its results say, and its pictures are there."""

import re
from pathlib import Path

from enn_training.experiments.images import document, results

DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"
TEXT = (DOCS / "image.md").read_text()


def test_the_document_is_byte_for_byte_what_the_results_give():
    assert document.text(results.read(DOCS / "image")) == TEXT


def test_every_picture_named_exists():
    targets = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert targets
    assert [target for target in targets if not (DOCS / target).exists()] == []

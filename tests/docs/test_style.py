"""Documents are written plainly: short lines, a purpose at the start of each page, and no metaphors."""

import re
from pathlib import Path

import pytest

from support.documents import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *(page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "benchmarks" or page.stem == "index"),
]
MAX_COLUMNS = 140
METAPHORS = re.compile(
    r"\b(asks?|asked|tells?|told|house|rooms?|seats?|wish(es)?|whoever|come along|comes along|riddles?)\b",
    re.IGNORECASE,
)


def prose(page: Path) -> list[str]:
    """Return the lines of a page outside of code blocks and tables."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return [line for line in text.splitlines() if not line.startswith(("|", "!["))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_of_prose_are_short(page: Path):
    assert [line for line in prose(page) if len(line) > MAX_COLUMNS] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_begins_with_a_title_and_its_purpose(page: Path):
    title, blank, purpose, *_ = page.read_text().splitlines()
    assert title.startswith("# ")
    assert blank == ""
    assert re.match(r"[A-Z]", purpose)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_prose_has_no_metaphor(page: Path):
    text = re.sub(r"`[^`]*`", "", "\n".join(prose(page)))
    assert [found[0] for found in METAPHORS.finditer(text)] == []

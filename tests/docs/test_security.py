"""Every promise in SECURITY.md names a test that exists; every dependency is listed with its licence."""

import re
from pathlib import Path

import pytest

from support.licences import PAGE, licence, required_packages

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "SECURITY.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", SECURITY)))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_named_tests_exist(file: str, name: str) -> None:
    text = (ROOT / file).read_text()
    assert re.search(rf"^(async )?def {name or 'test_'}", text, flags=re.MULTILINE)


def test_every_promise_names_a_test() -> None:
    heads = ("| what", "| weakness", "| promise")
    rows = [line for line in SECURITY.splitlines() if line.startswith("| ") and not line.startswith(heads)]
    assert len(rows) > 20
    assert [row for row in rows if "`tests/" not in row] == []


def test_every_dependency_is_listed_with_its_licence() -> None:
    listed = dict(re.findall(r"^\| ([\w-]+) \| ([^|]+) \|", PAGE.read_text(), flags=re.MULTILINE))
    assert len(listed) > 40
    assert {name: licence(name) for name in required_packages()}.items() <= listed.items()
    assert all(listed.values())


def test_no_dependency_has_a_copyleft_licence() -> None:
    assert [name for name in required_packages() if re.search(r"\bA?GPL|\bSSPL", licence(name))] == []

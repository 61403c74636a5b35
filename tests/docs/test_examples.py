"""Tests of the `Example:` block in the docstring of each public entry point."""

import asyncio
import doctest
import inspect
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

import enn_training
from enn_service.app import create_app
from enn_service.client import AsyncClient, Client
from support.serving import SHIPPED

ENTRY_POINTS = [
    *(getattr(enn_training, name) for name in enn_training.__all__),
    Client,
    AsyncClient,
    create_app,
]
ADDRESS = "http://127.0.0.1:8080"
"""Address that examples name; the test replaces it with the address of its own server."""


@pytest.mark.parametrize("entry_point", ENTRY_POINTS, ids=lambda each: each.__name__)
def test_example_in_docstring_runs(
    entry_point: Callable[..., object], client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = inspect.getdoc(entry_point) or ""
    assert "\nExample:\n" in text or "\nExamples:\n" in text, f"{entry_point.__name__} has no Example: section"
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "repository").symlink_to(SHIPPED)
    monkeypatch.chdir(tmp_path)
    text = text.replace(ADDRESS, str(client.base_url).rstrip("/"))
    names = {"asyncio": asyncio}
    example = doctest.DocTestParser().get_doctest(text, names, entry_point.__name__, None, 0)
    assert example.examples, f"the example of {entry_point.__name__} has no >>> line"
    report: list[str] = []
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    doctest.DocTestRunner(optionflags=options).run(example, out=report.append)
    assert not report, "".join(report)

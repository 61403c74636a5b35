"""The documentation site builds without a warning and without the internet, and its reference pages are complete."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

import enn_service.client
import enn_training
from enn_service.settings import Settings
from generator import command_line, errors, http_api, metrics, settings
from generator.links import adapt_links
from support.documents import ROOT

LOADED = re.compile(r'<(?:script|img|iframe|source)[^>]* src="(https?:|//)|<link[^>]* href="(https?:|//)')
"""Addresses from which a browser loads something to show a page."""
UNREACHABLE_PROXY = "http://127.0.0.1:9"
"""Nothing listens there, so that a build that needs the internet fails."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "docs"),
        "http_proxy": UNREACHABLE_PROXY,
        "https_proxy": UNREACHABLE_PROXY,
    }
    subprocess.run([sys.executable, "-m", "generator", str(folder)], env=environment, check=True)
    build = [str(Path(sys.executable).parent / "zensical"), "build", "--strict", "--clean", "--config-file"]
    done = subprocess.run(
        [*build, str(folder / "mkdocs.yml")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def text_of(page: Path) -> str:
    """Return the text of a page without its tags."""
    return unescape(re.sub(r"<[^>]+>", "", page.read_text()))


def test_every_page_of_the_navigation_is_built(site: Path):
    pages = re.findall(r"([\w/-]+)\.md$", (ROOT / "mkdocs.yml").read_text(), flags=re.MULTILINE)
    assert len(pages) > 30
    assert [page for page in pages if not (site / f"{page}.html").exists()] == []


def test_every_document_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text()
    documents = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]
    assert [name for name in documents if f" {name}\n" not in navigation] == []


def test_pages_load_nothing_from_the_internet(site: Path):
    pages = list(site.rglob("*.html"))
    assert [page.name for page in pages if LOADED.search(page.read_text())] == []


def test_link_to_nothing_fails_the_build(tmp_path: Path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Page\n\n[nothing](nothing.md)\n")
    (tmp_path / "mkdocs.yml").write_text("site_name: Site\n")
    build = [str(Path(sys.executable).parent / "zensical"), "build", "--strict", "--clean", "--config-file"]
    done = subprocess.run([*build, str(tmp_path / "mkdocs.yml")], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "page does not exist" in done.stdout + done.stderr


def test_settings_page_has_every_setting(site: Path):
    text = text_of(site / "reference" / "settings.html")
    for name, field in Settings.model_fields.items():
        assert settings.variable(name) in text
        assert settings.option(name) in text
        assert " ".join((field.description or "").replace("`", "").split()) in " ".join(text.split())


def test_http_page_has_every_path_and_body(site: Path, client: httpx.Client):
    document = client.get("/openapi.json").json()
    text = (site / "reference" / "http-api.html").read_text()
    found = list(http_api.operations(document))
    assert len(found) > 30
    assert [path for method, path, _ in found if f'id="{http_api.anchor(method, path)}"' not in text] == []
    assert [name for name in document["components"]["schemas"] if f'id="{name.lower()}"' not in text] == []


def test_command_page_has_every_command_and_option(site: Path):
    text = text_of(site / "reference" / "command-line.html")
    names = list(command_line.commands())
    assert {"enn-train table", "enn-train benchmark paper"} <= set(names)
    for name in names:
        assert f"usage: {name} " in text.lower()
        assert [option for option in command_line.options(name) if option not in text] == []


def test_python_page_has_every_public_name(site: Path):
    text = (site / "reference" / "python-api.html").read_text()
    names = [f"enn_training.{name}" for name in enn_training.__all__]
    names += [f"enn_service.client.{name}" for name in enn_service.client.__all__]
    assert [name for name in [*names, "enn_service.app.create_app"] if f'id="{name}"' not in text] == []


def test_error_page_has_every_status_and_reason(site: Path):
    text = text_of(site / "reference" / "errors.html")
    for kind in errors.refusals():
        assert f"{kind.status}\n{kind.reason}\n{kind.description}" in text


def test_metric_page_has_every_metric(site: Path, client: httpx.Client):
    text = text_of(site / "reference" / "metrics.html")
    names = [name for name, _ in metrics.families(client.get("/metrics").text)]
    assert len(names) > 5
    assert [name for name in names if name not in text] == []


def links() -> Iterator[tuple[Path, str]]:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", page.read_text()):
            if not re.match(r"[a-z]+:", target):
                yield page, target


def test_relative_links_lead_to_files_of_the_repository():
    generated = {f"{name}.md" for name in ("settings", "http-api", "command-line", "errors", "metrics")}
    reference = ROOT / "docs" / "reference"
    lost = [(page, target) for page, target in links() if not (page.parent / target).exists()]
    left = [(page.name, target) for page, target in lost if (page.parent / target).resolve().parent != reference]
    assert left == []
    assert {Path(target).name for _, target in lost} <= generated


def test_links_are_adapted_to_places_of_the_site(tmp_path: Path):
    (tmp_path / "code.py").touch()
    places = {Path("docs/a.md"): Path("a.md"), Path("SECURITY.md"): Path("project/security.md")}
    text = "[s](../SECURITY.md#x) [code](../code.py) [none](none.md) [web](https://a.org)"
    adapted = adapt_links(text, Path("docs/a.md"), places, tmp_path)
    assert adapted == "[s](project/security.md#x) code [none](none.md) [web](https://a.org)"

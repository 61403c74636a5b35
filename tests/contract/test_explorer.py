"""Tests of the files of the explorer: headers, caching, preloads, licences and the wheel."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from enn_service.api.explorer import STATIC

ROOT = Path(__file__).parents[2]
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FILES = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.*") if path.suffix != ".html")


def test_root_redirects_browsers_and_answers_alive_to_programs(client: httpx.Client) -> None:
    led = client.get("/", headers=BROWSER)
    assert (led.status_code, led.headers["location"]) == (303, "explorer")
    for headers in ({}, {"accept": "application/json"}):
        reply = client.get("/", headers=headers)
        assert reply.json() == {"status": "alive"}
        assert reply.headers["vary"] == led.headers["vary"] == "accept"
    assert client.get("/explorer/").headers["location"] == "../explorer"


@pytest.mark.parametrize("path", ["/explorer", "/docs", *(f"/explorer/{name}" for name in FILES)])
def test_file_has_strict_policy_and_is_cached_by_etag(client: httpx.Client, path: str) -> None:
    reply = client.get(path)
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:|\*", policy)
    assert reply.headers["x-content-type-options"] == "nosniff"
    for known in (reply.headers["etag"], "*"):
        again = client.get(path, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
    plain = client.get(path, headers={"accept-encoding": "identity"})
    assert reply.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.content == reply.content


def test_unknown_file_and_path_traversal_get_404(client: httpx.Client) -> None:
    for name in ("moon.js", "..%2f__init__.py", "%2e%2e/%2e%2e/app.py", "vendor"):
        reply = client.get(f"/explorer/{name}")
        assert reply.status_code == 404
        assert list(reply.json()) == ["error"]


def test_page_preloads_every_module_and_has_no_inline_code() -> None:
    page, docs = ((STATIC / name).read_text() for name in ("index.html", "docs.html"))
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son\w+=", page + docs)
    linked, of_docs = (set(re.findall(r'(?:href|src)="explorer/([\w/.-]+)"', text)) for text in (page, docs))
    assert of_docs == {"docs.css", "docs.js", "icon.svg"}
    assert linked == {name for name in FILES if not name.endswith(".txt")} - {"docs.css", "docs.js"}


def test_plotting_library_is_pinned_and_licensed() -> None:
    folder = ROOT / "service" / "plotting"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    licences = (STATIC / "vendor" / "LICENSES.txt").read_text()
    for name, version in wanted.items():
        assert locked[f"node_modules/{name}"]["version"] == version
        assert f"{name} {version} (ISC)" in licences
    assert [name for name, each in locked.items() if "resolved" in each] == []


def test_wheel_contains_page_and_licences(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name.removeprefix("enn_service/api/explorer/static/") for name in archive.namelist()}
    assert {"index.html", *FILES} <= shipped
    assert "vendor/LICENSES.txt" in FILES

"""The explorer's files: confined, kept by browsers, shipped with the service, and nothing of them from elsewhere."""

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
FILES = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.*") if path.name != "index.html")


def test_a_browser_is_led_to_the_page_and_a_program_reads_that_the_service_is_alive(client: httpx.Client) -> None:
    led = client.get("/", headers=BROWSER)
    assert (led.status_code, led.headers["location"]) == (303, "explorer")
    for headers in ({}, {"accept": "application/json"}):
        reply = client.get("/", headers=headers)
        assert reply.json() == {"status": "alive"}
        assert reply.headers["vary"] == led.headers["vary"] == "accept"
    assert client.get("/explorer/").headers["location"] == "../explorer"


@pytest.mark.parametrize("path", ["/explorer", *(f"/explorer/{name}" for name in FILES)])
def test_a_file_is_confined_and_kept_until_it_changes(client: httpx.Client, path: str) -> None:
    reply = client.get(path)
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:|\*", policy)
    assert reply.headers["x-content-type-options"] == "nosniff"
    again = client.get(path, headers={"if-none-match": reply.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = client.get(path, headers={"accept-encoding": "identity"})
    assert reply.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.content == reply.content


def test_a_file_that_is_not_there_is_named_and_none_outside_the_folder_is_given(client: httpx.Client) -> None:
    for name in ("moon.js", "..%2f__init__.py", "%2e%2e/%2e%2e/app.py", "vendor"):
        reply = client.get(f"/explorer/{name}")
        assert reply.status_code == 404
        assert list(reply.json()) == ["error"]


def test_the_page_has_no_code_or_style_of_its_own_and_fetches_every_module_at_once() -> None:
    page = (STATIC / "index.html").read_text()
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son\w+=", page)
    asked = set(re.findall(r'(?:href|src)="explorer/([\w/.-]+)"', page))
    assert asked == {name for name in FILES if not name.endswith(".txt")}


def test_what_it_draws_with_is_pinned_with_its_licence_and_names_no_registry() -> None:
    folder = ROOT / "service" / "plotting"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    licences = (STATIC / "vendor" / "LICENSES.txt").read_text()
    for name, version in wanted.items():
        assert locked[f"node_modules/{name}"]["version"] == version
        assert f"{name} {version} (ISC)" in licences
    assert [name for name, each in locked.items() if "resolved" in each] == []


def test_the_wheel_carries_the_page_and_the_licences_of_what_it_draws_with(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name.removeprefix("enn_service/api/explorer/static/") for name in archive.namelist()}
    assert {"index.html", *FILES} <= shipped
    assert "vendor/LICENSES.txt" in FILES

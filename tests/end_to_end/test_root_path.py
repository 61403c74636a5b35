"""Tests of a service under a path prefix, with and without a proxy that removes it, by HTTP and in a real browser."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from enn_service.http import paths
from enn_service.settings.checks import OWN_SEGMENTS
from support.browsing import needs_browser, wait_until_settled
from support.connections import ROW
from support.serving import SHIPPED, free_port, serving

pytestmark = pytest.mark.slow

PREFIX = "/ai/enn"
KEY = "spring"
HTML = {"accept": "text/html"}
PROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend prefix
    bind 127.0.0.1:{port}
    {rule}
    default_backend enn
backend enn
    server enn {address}
"""
REMOVE = f"http-request replace-path {PREFIX}(/)?(.*) /\\2"
Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture(scope="module")
def prefixed() -> Iterator[httpx.Client]:
    """A client, with its key, of a service under the prefix."""
    with serving(SHIPPED, root_path=PREFIX, api_keys=(hashlib.sha256(KEY.encode()).hexdigest(),)) as client:
        client.headers["x-api-key"] = KEY
        yield client


@contextmanager
def proxy(client: httpx.Client, rule: str, folder: Path, eventually: Eventually) -> Iterator[str]:
    """Run HAProxy in front of a service, and yield its address."""
    port, configuration = free_port(), folder / "haproxy.cfg"
    configuration.write_text(PROXY.format(port=port, rule=rule, address=client.base_url.netloc.decode()))
    with (folder / "proxy.log").open("wb") as output:
        process = subprocess.Popen(["haproxy", "-f", str(configuration)], stdout=output, stderr=output)
    try:
        eventually(lambda: _answers(f"http://127.0.0.1:{port}{PREFIX}/v2/health/live"))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(30)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("sent", [PREFIX, ""], ids=["left", "removed"])
def test_every_path_is_served_whether_proxy_removes_prefix(prefixed: httpx.Client, sent: str) -> None:
    for _ in range(2):  # the second request repeats the head of the first
        assert prefixed.post(f"{sent}/v1/models/ring:predict", json=ROW).status_code == 200
    large = {"instances": ROW["instances"] * 5000}
    assert len(prefixed.post(f"{sent}/v1/models/ring%3Apredict", json=large).json()["predictions"]) == 5000
    assert prefixed.get(f"{sent}/v1/models/ring:predict").headers["allow"] == "POST"
    for path in ("/v2/models/ring", "/metrics", "/docs", "/explorer/app.js", "/static-offline-docs/swagger-ui.css"):
        assert prefixed.get(f"{sent}{path}").status_code == 200
    assert prefixed.get(f"{sent}/openapi.json").json()["servers"] == [{"url": PREFIX}]
    for root in {sent, f"{sent}/"} - {""}:
        assert prefixed.get(root, headers=HTML).headers["location"] == f"{PREFIX}/explorer"


@pytest.mark.parametrize("sent", [PREFIX, ""], ids=["left", "removed"])
def test_prefix_does_not_open_what_needs_a_key(prefixed: httpx.Client, sent: str) -> None:
    for path, status in (("/v2/health/ready", 200), ("/docs", 200), ("/v2/models/ring", 401), ("/openapi.json", 401)):
        assert prefixed.get(f"{sent}{path}", headers={"x-api-key": ""}).status_code == status
    for outside in (f"{PREFIX}x/v1/models", f"{PREFIX}{PREFIX}/v1/models", f"/ai{PREFIX}/v1/models"):
        assert prefixed.get(outside).status_code == 404


def test_setting_knows_first_segment_of_every_path() -> None:
    templates = [value for name, value in vars(paths).items() if name.isupper()]
    assert {path.split("/")[1] for path in (*templates, "/openapi.json")} == OWN_SEGMENTS


@pytest.mark.parametrize("prefix", ["ai", "/", "/ai/", "/v1", "/docs/enn", "/a b", "/ai//enn", "/../x"])
def test_setting_refuses_what_is_no_prefix(prefix: str) -> None:
    with pytest.raises(ValueError, match="root_path"), serving(SHIPPED, root_path=prefix):
        pass


def enter_key(page: Page) -> None:
    page.get_by_label("This service requires an API key").fill(KEY)
    page.get_by_role("button", name="Use key").click()


def execute(page: Page, path: str) -> None:
    """Send the example of an operation from the documentation, and expect status 200."""
    operation = page.locator(".opblock").filter(has=page.locator(f'[data-path="{path}"]'))
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Execute").click()
    live = operation.locator(".live-responses-table .response").first
    expect(live.locator(".response-col_status")).to_contain_text("200")


@needs_browser
@pytest.mark.skipif(shutil.which("haproxy") is None, reason="HAProxy is not installed")
@pytest.mark.parametrize(
    ("root_path", "rule"), [(PREFIX, ""), (PREFIX, REMOVE), ("", REMOVE)], ids=["left", "removed", "removed, unknown"]
)
def test_pages_ask_for_key_and_keep_it_behind_prefix(
    browser: Browser, tmp_path: Path, eventually: Eventually, root_path: str, rule: str
) -> None:
    keys = (hashlib.sha256(KEY.encode()).hexdigest(),)
    with (
        serving(SHIPPED, root_path=root_path, api_keys=keys) as client,
        proxy(client, rule, tmp_path, eventually) as address,
        browser.new_context(base_url=address) as context,
    ):
        page = context.new_page()
        page.goto(f"{PREFIX}/docs")
        expect(page.get_by_role("alert")).to_contain_text("expected a key")
        enter_key(page)
        execute(page, "/v1/models/{model}:predict")
        page.goto(f"{PREFIX}/")
        wait_until_settled(page)
        expect(page.locator("#prediction strong")).to_be_visible()
        assert page.url.startswith(f"{address}{PREFIX}/explorer")

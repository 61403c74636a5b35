"""The documentation page works in a real browser, without the internet: its examples are sent and answered."""

import shutil
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
SLOW_MACHINE_MS = 30_000

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install the package chromium to run this")


@pytest.fixture
def page(client: httpx.Client) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(base_url=str(client.base_url))
        page.set_default_timeout(SLOW_MACHINE_MS)
        yield page
        browser.close()


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v1/models/{model}:predict", '"predictions"'),
        ("/v1/models/{model}:explain", '"pre_activation"'),
        ("/v2/models/{model}/infer", '"bumps"'),
        ("/v2/repository/index", '"READY"'),
        ("/v2/models/{model}", '"onnx_onnxv1"'),
    ],
)
def test_an_example_pressed_is_answered(page: Page, client: httpx.Client, path: str, answer: str) -> None:
    foreign: list[str] = []
    page.on(
        "request", lambda request: None if request.url.startswith(str(client.base_url)) else foreign.append(request.url)
    )
    page.goto("/docs")
    operation = page.locator(".opblock").filter(has=page.locator(f'[data-path="{path}"]'))
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Execute").click()
    live = operation.locator(".live-responses-table .response").first
    expect(live.locator(".response-col_status")).to_contain_text("200", timeout=SLOW_MACHINE_MS)
    expect(live.locator("pre.microlight, pre.example, .highlight-code").first).to_contain_text(answer)
    assert [url for url in foreign if not url.startswith("data:")] == []

"""Tests of the interactive API documentation in a real browser without internet."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from support.browsing import SLOW_MACHINE_MS, checked_page, launch_browser, needs_browser

pytestmark = [pytest.mark.slow, needs_browser]


@pytest.fixture
def page(client: httpx.Client) -> Iterator[Page]:
    with launch_browser() as browser, checked_page(browser, client) as page:
        yield page


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
def test_documentation_example_runs_in_browser(page: Page, path: str, answer: str) -> None:
    page.goto("/docs")
    operation = page.locator(".opblock").filter(has=page.locator(f'[data-path="{path}"]'))
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Execute").click()
    live = operation.locator(".live-responses-table .response").first
    expect(live.locator(".response-col_status")).to_contain_text("200", timeout=SLOW_MACHINE_MS)
    expect(live.locator("pre.microlight, pre.example, .highlight-code").first).to_contain_text(answer)

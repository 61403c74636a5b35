"""Open pages of the service in a real Chromium browser."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
SLOW_MACHINE_MS = 30_000

needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed: install the package chromium to run this test"
)


@contextmanager
def launch_browser() -> Iterator[Browser]:
    """Start Chromium, yield it, and close it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@contextmanager
def checked_page(browser: Browser, client: httpx.Client, **context: Any) -> Iterator[Page]:
    """Yield an empty page, and fail at the end if it logged errors or warnings or requested another server.

    Args:
        browser: Running browser.
        client: Client of the service; its base URL is that of the page.
        context: Options of the browser context.
    """
    faults: list[str] = []
    base = str(client.base_url)
    with browser.new_context(base_url=base, **context) as own_context:
        own_context.set_default_timeout(SLOW_MACHINE_MS)
        page = own_context.new_page()
        page.on(
            "console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        own_context.on("request", lambda request: None if _is_local(request.url, base) else faults.append(request.url))
        yield page
    assert faults == [], faults


def _is_local(url: str, base: str) -> bool:
    """Return True for an address of the service or of the page itself."""
    return url.startswith((base, f"blob:{base}", "data:", "about:"))


def open_explorer(page: Page, model: str, **state: object) -> None:
    """Open the explorer at a shareable address, and wait until everything is drawn.

    Args:
        page: Page of the browser.
        model: Name of the model.
        state: Further fields of the fragment; values other than text are written as JSON.
    """
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in state.items()}
    page.goto("about:blank")  # a change of only the fragment would not load the page again
    page.goto(f"/explorer#{httpx.QueryParams({'model': model} | texts)}")
    wait_until_settled(page)


def wait_until_settled(page: Page) -> None:
    """Wait until the explorer has drawn the results of its inputs; fail if it shows an error message."""
    problem = page.locator("#problem")
    page.locator("body[data-settled], #problem:not([hidden])").first.wait_for()
    assert not problem.is_visible(), problem.inner_text()

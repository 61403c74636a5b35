"""A real browser on the pages of the service."""

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
    CHROMIUM is None, reason="no Chromium here: install the package chromium to run this"
)


@contextmanager
def running() -> Iterator[Browser]:
    """Run the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, client: httpx.Client, **context: Any) -> Iterator[Page]:
    """Yield an empty page; at its end nothing may have been fetched from elsewhere or complained about."""
    wrong: list[str] = []
    base = str(client.base_url)
    with browser.new_context(base_url=base, **context) as own:
        own.set_default_timeout(SLOW_MACHINE_MS)
        page = own.new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        own.on("request", lambda request: None if _is_local(request.url, base) else wrong.append(request.url))
        yield page
    assert wrong == []


def _is_local(url: str, base: str) -> bool:
    return url.startswith((base, f"blob:{base}", "data:", "about:"))


def explore(page: Page, model: str, **more: object) -> None:
    """Open the explorer at an address as it is shared, and wait until everything is drawn."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in more.items()}
    page.goto("about:blank")  # else another fragment of the same page is not opened anew
    page.goto(f"/explorer#{httpx.QueryParams({'model': model} | texts)}")
    settled(page)


def settled(page: Page) -> None:
    """Wait until the explorer shows all there is to its inputs, or says what is wrong."""
    problem = page.locator("#problem")
    page.locator("body[data-settled], #problem:not([hidden])").first.wait_for()
    assert not problem.is_visible(), problem.inner_text()

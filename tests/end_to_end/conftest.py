"""Fixtures of the browser tests: a running Chromium, and a page that fails the test if it reports an error."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page

from support.browsing import checked_page, launch_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, client: httpx.Client) -> Iterator[Page]:
    with checked_page(browser, client) as page:
        yield page

"""Read the numbers, figures and accessibility violations of the explorer page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SHOWN_DIGITS = 0.002
"""Tolerance between numbers shown with three decimals, one of which may be rounded up and one down."""


def table(page: Page) -> dict[str, list[float]]:
    """Return the table behind the waterfall: the numbers of each row by its name."""
    texts = page.locator("#waterfall-table tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.children].map(cell => cell.textContent))"
    )
    return {name: [number(text) for text in cells if text] for name, *cells in texts}


def number(text: str) -> float:
    return float(text.replace("\u2212", "-"))


def bumps(page: Page, column: int = -1) -> list[float]:
    return [values[column] for name, values in table(page).items() if name.startswith("neuron")]


def figure(page: Page, part: str) -> str:
    """Return the accessible label of the first figure of a part."""
    return page.locator(f"#{part} svg").first.get_attribute("aria-label") or ""


def violations(page: Page) -> list[tuple[str, list[str]]]:
    found = Axe().run(page).response["violations"]
    return [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found]

"""Tests of the use of the explorer page in a real browser: links, errors, accessibility, themes, downloads, API key."""

import hashlib
import json
import re
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from support.browsing import checked_page, needs_browser, open_explorer, wait_until_settled
from support.explorer import SHOWN_DIGITS, bumps, figure, table, violations
from support.serving import SHIPPED, serving

PHONE = {"width": 390, "height": 844}
KEY = "spring"
A = {"x0": 0.1, "x1": 0.2}

pytestmark = needs_browser


def test_link_reopens_comparison_of_two_inputs(page: Page, browser: Browser) -> None:
    open_explorer(page, "ring", a=A)
    alone = bumps(page)
    page.get_by_role("button", name="Compare").click()
    page.get_by_label("x0", exact=True).fill("0.5")
    page.get_by_label("x1", exact=True).fill("-0.1")
    expect(page.locator("#prediction strong")).to_have_text(["\u22121", "1"])
    page.get_by_role("group", name="Harmonics of neuron 3").get_by_label("harmonic 1").uncheck()
    wait_until_settled(page)
    both = table(page)
    assert [values[0] for values in both.values()][1:4] == alone[:3]
    assert all(b - a == pytest.approx(change, abs=SHOWN_DIGITS) for a, b, change in both.values())
    with page.context.expect_page() as other:
        page.evaluate("open(location.href)")
    wait_until_settled(other.value)
    assert table(other.value) == both
    expect(other.value.locator("#prediction strong")).to_have_text(["\u22121", "1"])
    expect(other.value.get_by_role("radio", name="A")).to_be_checked()
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#prediction strong")).to_have_text(["\u22121"])


def test_link_to_unknown_model_opens_no_other_model(page: Page) -> None:
    page.goto("/explorer#model=moon")
    expect(page.get_by_role("alert")).to_contain_text("Model moon: the service does not have it. It has breast-cancer")
    expect(page.locator("#page")).to_be_hidden()
    page.get_by_label("Model").select_option("ring")
    expect(page.get_by_role("alert")).to_be_hidden()
    wait_until_settled(page)
    expect(page.locator("#facts")).to_contain_text("67 parameters")


def test_failed_switch_keeps_selector_and_answer_of_one_model(browser: Browser, client: httpx.Client) -> None:
    page = browser.new_page(base_url=str(client.base_url))
    open_explorer(page, "ring", a=A)
    page.context.set_offline(True)
    page.get_by_label("Model").select_option("product")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Model")).to_have_value("ring")
    expect(page.locator("#facts")).to_contain_text("classification")
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_be_hidden()  # the page tries again by itself
    page.get_by_label("Model").select_option("product")
    expect(page.locator("#facts")).to_contain_text("regression")
    expect(page.get_by_role("alert")).to_be_hidden()
    page.close()


def test_error_removes_prediction_of_earlier_input(page: Page) -> None:
    open_explorer(page, "ring", a=A)
    page.get_by_label("x0", exact=True).fill("")
    expect(page.get_by_role("alert")).to_contain_text("x0: the field is empty; enter a number")
    expect(page.locator("#result")).to_be_hidden()
    page.get_by_label("x0", exact=True).fill("0.5")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.locator("#prediction strong")).to_have_text("1")


def test_keyboard_reaches_every_control(page: Page) -> None:
    open_explorer(page, "ring", a=A)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the result")).to_be_focused()
    page.get_by_label("x0, slider").focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#prediction strong")).to_have_text("1")
    assert float(page.get_by_label("x0", exact=True).input_value()) == pytest.approx(0.5)
    page.keyboard.press("Tab")
    expect(page.get_by_label("x0", exact=True)).to_be_focused()
    seen = set()
    for _ in range(110):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.ariaLabel || document.activeElement.id"))
    assert {"x1, slider", "method", "harmonic 6", "x", "y", "along", "Download Bumps as SVG"} <= seen


def test_phone_needs_no_horizontal_scrolling(browser: Browser, client: httpx.Client) -> None:
    with checked_page(browser, client, viewport=PHONE, is_mobile=True, has_touch=True) as page:
        for model in ("breast-cancer", "ring"):
            open_explorer(page, model, a={}, b={})
            page.locator("#waterfall summary").click()
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


@pytest.mark.parametrize(("model", "scheme"), [("ring", "light"), ("breast-cancer", "dark")])
def test_axe_finds_no_accessibility_violation(browser: Browser, client: httpx.Client, model: str, scheme: str) -> None:
    with checked_page(browser, client, color_scheme=scheme) as page:
        open_explorer(page, model, a={}, b={}, off="0.0")
        page.locator("#waterfall summary").click()
        assert violations(page) == []


def test_theme_follows_system_until_reader_chooses(browser: Browser, client: httpx.Client) -> None:
    with checked_page(browser, client, color_scheme="dark") as page:
        open_explorer(page, "ring")
        dark = looks(page)
        assert luminance(dark[0]) < 40
        page.emulate_media(color_scheme="light")
        curve = page.locator("#neurons svg [data-mark=line]").first
        expect(curve).not_to_have_attribute("stroke", dark[1])
        assert luminance(looks(page)[0]) > 200
        page.get_by_role("button", name="Use the dark theme").click()
        assert looks(page) == dark
        page.reload()
        wait_until_settled(page)
        assert looks(page) == dark


def looks(page: Page) -> list[str]:
    """Return the colours of the ground and of the first curve."""
    curve = "document.querySelector('#neurons svg [data-mark=line]').getAttribute('stroke')"
    return page.evaluate(f"[getComputedStyle(document.body).backgroundColor, {curve}]")


def luminance(colour: str) -> float:
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


def test_every_section_downloads_as_png_svg_and_json(page: Page, browser: Browser, tmp_path: Path) -> None:
    open_explorer(page, "ring", a=A)
    for part in ("Bumps", "Features", "Activations", "Surfaces", "Profile"):
        files = {kind: downloaded(page, part, kind, tmp_path) for kind in ("PNG", "SVG", "JSON")}
        with Image.open(files["PNG"]) as picture:
            assert picture.width > 600
            assert len(picture.convert("RGB").getcolors(2**20) or []) > 10
        assert json.loads(files["JSON"].read_text())
        alone = browser.new_page()
        alone.goto(files["SVG"].as_uri())
        expect(alone.locator("svg svg").first).to_be_visible()
        alone.close()


def downloaded(page: Page, part: str, kind: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download {part} as {kind}").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_headings_axes_and_files_name_class_model_and_row(page: Page, tmp_path: Path) -> None:
    open_explorer(page, "breast-cancer")
    page.get_by_role("button", name="Typical values").click()
    wait_until_settled(page)
    expect(page.locator("#prediction strong")).to_have_text("benign")
    radius = page.get_by_label("mean radius", exact=True).input_value()
    for part in ("waterfall", "attributions", "surfaces", "profile"):
        section = page.locator(f"#{part}")
        expect(section.locator("[data-subject]")).to_have_text("log-odds of malignant")
        expect(section.locator("[data-source]")).to_contain_text("breast-cancer, version 1")
        assert "log-odds of malignant" in figure(page, part)
    expect(page.locator("#waterfall [data-source]")).to_contain_text(f"mean radius {float(radius):.2f}")
    for part in ("waterfall", "attributions", "profile"):
        expect(page.locator(f"#{part} svg").first).to_contain_text("log-odds of malignant")
    expect(page.locator("#surfaces svg").first).to_contain_text(page.get_by_label("Horizontal axis").input_value())
    content = json.loads(downloaded(page, "Bumps", "JSON", tmp_path).read_text())
    assert (content["model"], content["version"], content["quantity"]) == (
        "breast-cancer",
        "1",
        "log-odds of malignant",
    )
    assert content["rows"]["a"]["mean radius"] == pytest.approx(float(radius), rel=1e-4)
    drawn = downloaded(page, "Bumps", "SVG", tmp_path).read_text()
    assert "<title>Bumps: log-odds of malignant</title>" in drawn
    assert "breast-cancer, version 1" in drawn


def test_api_key_typed_into_page_unlocks_it(browser: Browser) -> None:
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    with serving(SHIPPED, api_keys=(digest,)) as guarded:
        page = browser.new_page(base_url=str(guarded.base_url))
        page.goto("/explorer")
        expect(page.get_by_role("alert")).to_contain_text("expected a key")
        page.get_by_label("This service requires an API key").fill(KEY)
        page.get_by_role("button", name="Use key").click()
        expect(page.locator("#problem")).to_be_hidden()
        wait_until_settled(page)
        expect(page.locator("#prediction strong")).to_be_visible()
        page.close()

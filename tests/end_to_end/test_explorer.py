"""Tests of the explorer page in a real browser: updates, sums, links, downloads and accessibility."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from enn_training import ENNClassifier, export
from enn_training.learners.adam import Adam
from support.browsing import checked_page, launch_browser, needs_browser, open_explorer, wait_until_settled
from support.serving import SHIPPED, serving

PHONE = {"width": 390, "height": 844}
SHOWN_DIGITS = 0.002
"""Of numbers shown with three decimals, one of which may be rounded up and one down."""
KEY = "spring"
A, B = {"x0": 0.1, "x1": 0.2}, {"x0": 0.5, "x1": -0.1}

pytestmark = needs_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server with one model: three species from a number, a category, a boolean by two hidden layers."""
    rows = 60
    frame = pd.DataFrame(
        {
            "bill": [30 + index % 20 for index in range(rows)],
            "island": [["Biscoe", "Dream", None][index % 3] for index in range(rows)],
            "wild": [index % 2 == 0 for index in range(rows)],
        }
    )
    species = [["Adelie", "Gentoo", "Chinstrap"][index % 3] for index in range(rows)]
    folder = tmp_path_factory.mktemp("mixed")
    export(ENNClassifier((6, 5), learner=Adam(passes=2)).fit(frame, species).model_, folder, "species")
    with serving(folder) as client:
        yield client


@pytest.fixture
def page(browser: Browser, client: httpx.Client) -> Iterator[Page]:
    with checked_page(browser, client) as page:
        yield page


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
    """Return the text that stands for the first figure of a part."""
    return page.locator(f"#{part} svg").first.get_attribute("aria-label") or ""


def test_browser_opens_explorer_and_selects_model(page: Page) -> None:
    page.goto("/")
    expect(page).to_have_url(re.compile("/explorer"))
    expect(page.get_by_label("Model")).to_have_value("breast-cancer")
    page.get_by_label("Model").select_option("product")
    expect(page.locator("#facts")).to_contain_text("regression")
    expect(page.get_by_label("x0", exact=True)).to_be_visible()


def test_slider_updates_prediction_and_bumps_that_sum_to_it(page: Page, client: httpx.Client) -> None:
    open_explorer(page, "ring", a=A)
    expect(page.locator("#prediction strong")).to_have_text("\u22121")
    before = table(page)
    standing = page.locator("#neurons [data-marker=a]").first.get_attribute("transform")
    page.get_by_label("x0, slider").fill("0.5")
    expect(page.locator("#prediction strong")).to_have_text("1")
    wait_until_settled(page)
    after = table(page)
    assert after["neuron 0"] != before["neuron 0"]
    assert page.locator("#neurons [data-marker=a]").count() == len(bumps(page)) + 1  # and on the output's activation
    assert standing != page.locator("#neurons [data-marker=a]").first.get_attribute("transform")
    assert after["bias"][0] + sum(bumps(page)) == pytest.approx(
        after["pre-activation"][0], abs=len(after) * SHOWN_DIGITS
    )
    row = {"x0": 0.5, "x1": 0.2}
    answer = client.post("/v1/models/ring:explain", json={"instances": [row]}).json()["explanations"][0]
    assert bumps(page) == pytest.approx([bump["value"] for bump in answer["bumps"]], abs=SHOWN_DIGITS)
    assert f"sum +{answer['pre_activation']:.3f}" in figure(page, "waterfall")
    expect(page.get_by_role("status")).to_contain_text("Prediction: 1 score")


def test_value_beyond_training_range_is_named(page: Page) -> None:
    open_explorer(page, "ring", a=A)
    page.get_by_label("x1", exact=True).fill("3.5")
    expect(page.locator("#prediction")).to_contain_text("Beyond the training range: x1 (\u22121.000 to 1.000)")


def test_bumps_are_shown_as_changes_of_the_probability(page: Page, client: httpx.Client) -> None:
    open_explorer(page, "breast-cancer")
    row = client.get("/v2/models/breast-cancer").json()["properties"]["sample"]
    page.get_by_label("Scale").select_option("Probability")
    expect(page.locator("#waterfall-table caption")).to_have_text("bias + bumps = probability of malignant")
    shown = table(page)
    reply = client.post("/v1/models/breast-cancer:explain", json={"instances": [row]}).json()
    assert shown["probability"] == pytest.approx([reply["explanations"][0]["response"]], abs=SHOWN_DIGITS)
    assert shown["bias"][0] + sum(bumps(page)) == pytest.approx(shown["probability"][0], abs=len(shown) * SHOWN_DIGITS)


def test_harmonic_switched_off_leaves_sum_of_the_others(page: Page, client: httpx.Client) -> None:
    open_explorer(page, "ring", a=A)
    body = {"instances": [A], "parameters": {"harmonics": True}}
    first = client.post("/v1/models/ring:explain", json=body).json()["explanations"][0]["bumps"][0]
    switch = page.get_by_role("group", name="Harmonics of neuron 0").get_by_label("harmonic 2")
    switch.uncheck()
    expect(page.locator("#without")).to_contain_text("Harmonics off: 1. pre-activation")
    assert bumps(page)[0] == pytest.approx(first["value"] - first["harmonics"][1], abs=SHOWN_DIGITS)
    assert "without the harmonics" in figure(page, "neurons")
    page.get_by_role("button", name="All harmonics on").click()
    expect(page.locator("#without")).to_be_hidden()
    assert bumps(page)[0] == pytest.approx(first["value"], abs=SHOWN_DIGITS)


@pytest.mark.parametrize("model", ["stripes", "breast-cancer"])
def test_drawn_curves_equal_activations_of_the_service(page: Page, client: httpx.Client, model: str) -> None:
    open_explorer(page, model)
    layers = client.get(f"/v1/models/{model}/activations").json()["layers"]
    script = """async (neurons) => {
        const { activation } = await import("./explorer/model/activation_series.js");
        return neurons.map((one) => one.pre_activation.map((z) => activation(z, one.coefficients)));
    }"""
    for layer in layers:
        drawn = page.evaluate(script, layer["neurons"])
        for own, neuron in zip(drawn, layer["neurons"], strict=True):
            assert own == pytest.approx(neuron["activation"], abs=1e-5)


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


def test_click_on_surface_sets_both_features(page: Page) -> None:
    open_explorer(page, "product", a=A)
    surface = page.locator("#surfaces svg").first
    box = surface.bounding_box()
    assert box
    surface.click(position={"x": box["width"] * 0.9, "y": box["height"] * 0.15})
    wait_until_settled(page)
    x, y = (float(page.get_by_label(name, exact=True).input_value()) for name in ("x0", "x1"))
    assert x > 0.5
    assert y > 0.5
    assert number(page.locator("#prediction strong").inner_text()) == pytest.approx(x * y, abs=0.05)


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
    for _ in range(70):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.ariaLabel || document.activeElement.id"))
    assert {"x1, slider", "method", "harmonic 6", "x", "y", "along", "Download Bumps as SVG"} <= seen


def test_phone_needs_no_horizontal_scrolling(browser: Browser, client: httpx.Client) -> None:
    with checked_page(browser, client, viewport=PHONE, is_mobile=True, has_touch=True) as page:
        for model in ("breast-cancer", "ring"):
            open_explorer(page, model, a={}, b={})
            page.locator("#waterfall summary").click()
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


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


def test_surface_of_category_and_number_draws_every_cell(browser: Browser, mixed: httpx.Client) -> None:
    with checked_page(browser, mixed) as page:
        open_explorer(page, "species", a={"bill": 35, "island": "Dream", "wild": True}, x="island", y="bill")
        query = {"x": "island", "y": "bill", "points": 65}
        grid = mixed.get("/v1/models/species/surface", params=query).json()
        categories = grid["x"]["values"]
        cells = page.locator("#surfaces svg").first.locator("[data-mark=cell] rect")
        points = cells.count() / len(categories)
        assert points >= 11
        heights = cells.evaluate_all("cells => new Set(cells.map(cell => cell.getAttribute('y'))).size")
        assert heights == points
        expect(page.locator("#surfaces svg").first.locator("[data-marker=a]")).to_have_count(1)
        surface = page.locator("#surfaces svg").first
        box = surface.bounding_box()
        assert box
        surface.click(position={"x": box["width"] * 0.6, "y": box["height"] * 0.15})
        wait_until_settled(page)
        assert float(page.get_by_label("bill", exact=True).input_value()) > 40


def test_failed_switch_keeps_selector_and_answer_of_one_model(browser: Browser, client: httpx.Client) -> None:
    page = browser.new_page(base_url=str(client.base_url))
    open_explorer(page, "ring", a=A)
    page.context.set_offline(True)
    page.get_by_label("Model").select_option("product")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Model")).to_have_value("ring")
    expect(page.locator("#facts")).to_contain_text("classification")
    page.context.set_offline(False)
    page.get_by_label("Model").select_option("product")
    expect(page.locator("#facts")).to_contain_text("regression")
    expect(page.get_by_role("alert")).to_be_hidden()
    page.close()


def test_link_to_unknown_model_opens_no_other_model(page: Page) -> None:
    page.goto("/explorer#model=moon")
    expect(page.get_by_role("alert")).to_contain_text("Model moon: the service does not have it. It has breast-cancer")
    expect(page.locator("#page")).to_be_hidden()
    page.get_by_label("Model").select_option("ring")
    expect(page.get_by_role("alert")).to_be_hidden()
    wait_until_settled(page)
    expect(page.locator("#facts")).to_contain_text("67 parameters")


def test_error_removes_prediction_of_earlier_input(page: Page) -> None:
    open_explorer(page, "ring", a=A)
    page.get_by_label("x0", exact=True).fill("")
    expect(page.get_by_role("alert")).to_contain_text("x0: the field is empty; enter a number")
    expect(page.locator("#result")).to_be_hidden()
    page.get_by_label("x0", exact=True).fill("0.5")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.locator("#prediction strong")).to_have_text("1")


def test_model_with_500_features_shows_attributions(browser: Browser, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    names = [f"measurement of sensor number {index} in the north-eastern hall" for index in range(500)]
    rows = pd.DataFrame(generator.normal(size=(80, 500)), columns=names)
    labels = np.where(rows[names[0]] > 0, "warm", "cold")
    export(ENNClassifier(4, harmonics=3, learner=Adam(passes=1)).fit(rows, labels).model_, tmp_path, "wide")
    with serving(tmp_path) as client, checked_page(browser, client) as page:
        open_explorer(page, "wide")
        expect(page.locator("#attributions svg").first).to_be_visible()
        expect(page.locator("#attributions [data-note]")).to_contain_text("Base value")
        shown = page.locator("#attributions svg [data-mark='y-axis tick label'] text").all_text_contents()
        assert len(shown) == 12
        assert all("\u2026" in text for text in shown if "others" not in text)


@pytest.mark.parametrize(("model", "scheme"), [("ring", "light"), ("breast-cancer", "dark")])
def test_axe_finds_no_accessibility_violation(browser: Browser, client: httpx.Client, model: str, scheme: str) -> None:
    with checked_page(browser, client, color_scheme=scheme) as page:
        open_explorer(page, model, a={}, b={}, off="0.0")
        page.locator("#waterfall summary").click()
        assert violations(page) == []


def violations(page: Page) -> list[tuple[str, list[str]]]:
    found = Axe().run(page).response["violations"]
    return [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found]


def test_categories_booleans_and_missing_values_have_fields(browser: Browser, mixed: httpx.Client) -> None:
    with checked_page(browser, mixed) as page:
        open_explorer(page, "species", a={"bill": 35, "island": "Dream", "wild": True})
        island, wild = page.get_by_label("island", exact=True), page.get_by_label("wild", exact=True)
        expect(island).to_have_value("Dream")
        expect(wild).to_be_checked()
        before = table(page)
        island.select_option("Biscoe")
        wild.uncheck()
        page.get_by_label("island is missing").check()
        expect(island).to_be_disabled()
        page.get_by_label("Output").select_option("Gentoo")
        page.get_by_label("Horizontal axis").select_option("island")
        page.get_by_label("Along", exact=True).select_option("wild")
        wait_until_settled(page)
        assert table(page) != before
        assert "over island and" in figure(page, "surfaces")
        assert "logit of Gentoo along wild" in figure(page, "profile")
        row = {"bill": 35, "island": None, "wild": False}
        parameters = {"output": "Gentoo"}
        body = {"instances": [row], "parameters": parameters}
        page.reload()
        wait_until_settled(page)
        expect(page.get_by_label("island is missing")).to_be_checked()
        answer = mixed.post("/v1/models/species:explain", json=body).json()["explanations"][0]
        assert bumps(page) == pytest.approx([bump["value"] for bump in answer["bumps"]], abs=SHOWN_DIGITS)
        assert violations(page) == []
        expect(page.get_by_role("group", name="Harmonics of neuron")).to_have_count(5)
        page.get_by_label("Layer", exact=True).select_option("1")
        expect(page.locator("#neurons figure")).to_have_count(6)
        expect(page.get_by_role("group", name="Harmonics of neuron")).to_have_count(0)


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

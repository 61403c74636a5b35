"""Tests of the numbers and figures of the explorer page in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from enn_training import ENNClassifier, export
from enn_training.learners.adam import Adam
from support.browsing import checked_page, needs_browser, open_explorer, wait_until_settled
from support.explorer import SHOWN_DIGITS, bumps, figure, number, table, violations
from support.serving import serving

A = {"x0": 0.1, "x1": 0.2}

pytestmark = [pytest.mark.slow, needs_browser]


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

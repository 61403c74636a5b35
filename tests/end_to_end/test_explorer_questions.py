"""Tests of the five questions that the explorer page answers, in a real browser with a calibrated and a deep model."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from enn_training import ENNClassifier, export
from enn_training.learners.adam import Adam
from support.browsing import checked_page, needs_browser, open_explorer, wait_until_settled
from support.explorer import figure, number, violations
from support.serving import serving

ROW = {"age": 72, "income": 38785.0, "city": "Bern"}
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
LAYOUT_SHIFT = """() => new Promise((done) => {
    let sum = 0;
    const add = (list) => list.getEntries().forEach((entry) => (sum += entry.hadRecentInput ? 0 : entry.value));
    new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(sum), 50);
})"""

pytestmark = needs_browser


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server with a calibrated model of one hidden layer and a deep one without calibration."""
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": generator.integers(18, 80, 120),
            "income": generator.normal(40_000, 9_000, 120).round(2),
            "city": generator.choice(["Bern", "Oslo", "Rome"], 120),
        }
    )
    buys = frame["age"] / 80 + frame["income"] / 60_000 + generator.normal(0, 0.2, 120) > 1.2
    labels = np.where(buys, "buys", "leaves")
    folder = tmp_path_factory.mktemp("shops")
    export(ENNClassifier(3, max_time=2).fit(frame, labels).model_, folder, "shop")
    export(ENNClassifier((4, 3), learner=Adam(passes=2)).fit(frame, labels).model_, folder, "deep")
    with serving(folder) as client:
        yield client


def explained(client: httpx.Client, model: str, row: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    answer = client.post(f"/v1/models/{model}:explain", json={"instances": [row], "parameters": parameters}).json()
    return answer["explanations"][0] | {"prediction": answer["predictions"][0]}


def sentence(page: Page, part: str) -> str:
    return page.locator(f"#{part} [data-sentence]").inner_text()


@pytest.mark.slow
def test_page_answers_five_questions_in_order(browser: Browser, shops: httpx.Client) -> None:
    with checked_page(browser, shops, viewport=WIDE) as page:
        open_explorer(page, "shop", a=ROW)
        order = page.locator("main h2").all_text_contents()
        questions = ["Why?", "How sure?", "What would change it?", "How does it behave?", "What interacts?", "Bumps"]
        places = [next(i for i, text in enumerate(order) if text.startswith(part)) for part in questions]
        assert places == sorted(places)
        why = explained(shops, "shop", ROW, attributions="shapley", interactions=True)["attributions"]
        strongest = max(why["values"], key=lambda name: abs(why["values"][name]))
        assert strongest in sentence(page, "attributions")
        assert "age = 72.00" in figure(page, "attributions")
        found = explained(shops, "shop", ROW, stability={"tolerance": 0.01}, coverage=0.9)
        assert all(str(label) in sentence(page, "sure") for label in found["prediction"]["set"])
        assert ("this is proved" in sentence(page, "sure")) == (found["stability"]["label_holds"] is True)
        importance = shops.get("/v1/models/shop/importance?points=5").json()
        most = max(importance["features"], key=lambda each: each["importance"])
        assert f"{most['name']} ({most['importance']:.3f})" in sentence(page, "behaviour")
        expect(page.locator("#behaviour svg")).to_have_count(4)
        pair = importance["interactions"][0]["features"]
        assert re.search(f"training data, {pair[0]} and {pair[1]}", sentence(page, "pairs"))
        assert page.evaluate(LAYOUT_SHIFT) < 0.1
        page.get_by_label("Coverage", exact=True).select_option("99 %")
        page.get_by_label("Tolerance", exact=True).select_option("10 %")
        wait_until_settled(page)
        expect(page.locator("#sure [data-sentence]")).to_contain_text("99 % coverage")
        expect(page.locator("#sure [data-sentence]")).to_contain_text("within 10 % of the training ranges")
        assert violations(page) == []


@pytest.mark.slow
def test_counterfactual_keeps_locked_features_and_leaves_with_input(browser: Browser, shops: httpx.Client) -> None:
    with checked_page(browser, shops, viewport=PHONE) as page:
        open_explorer(page, "shop", a=ROW)
        page.get_by_label("Lock income", exact=True).check()
        wait_until_settled(page)
        page.get_by_role("button", name="Find the nearest row").click()
        note = page.locator("#change [data-note]")
        expect(note).to_contain_text("Locked: income")
        wished = page.get_by_label("Outcome", exact=True).input_value()
        found = explained(shops, "shop", ROW, counterfactual={"label": json.loads(wished), "fixed": ["income"]})
        changes = found["counterfactual"]["changes"]
        rows = page.locator("#change tbody tr")
        expect(rows).to_have_count(len(changes))
        assert "income" not in page.locator("#change tbody").inner_text()
        if "age" in changes:
            shown = rows.filter(has_text="age").locator("td").last.inner_text()
            assert number(shown) == pytest.approx(changes["age"]["to"], abs=0.01)
        assert violations(page) == []
        page.get_by_role("button", name="Compare as input B").click()
        wait_until_settled(page)
        expect(page.locator("#prediction strong").last).to_have_text(json.loads(wished))
        expect(rows).to_have_count(0)
        expect(page.get_by_label("Lock income", exact=True)).to_be_checked()
        expect(page.locator("#result")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


@pytest.mark.slow
def test_deep_model_names_what_it_estimates(browser: Browser, shops: httpx.Client) -> None:
    with checked_page(browser, shops, viewport=WIDE) as page:
        open_explorer(page, "deep", a=ROW)
        expect(page.get_by_label("Method")).to_have_value("integrated_gradients")
        expect(page.locator("#behaviour [data-note]")).to_contain_text("estimate")
        expect(page.locator("#pairs [data-sentence]")).to_contain_text("this model has several")
        expect(page.locator("#sure [data-note]")).to_contain_text("no calibration")
        expect(page.get_by_label("Coverage", exact=True)).to_be_hidden()
        assert page.evaluate(LAYOUT_SHIFT) < 0.1


@pytest.mark.slow
def test_pasted_rows_have_sortable_downloadable_answers(browser: Browser, shops: httpx.Client) -> None:
    rows = [ROW, {"age": 20, "income": 60000.5, "city": "Rome"}]
    with checked_page(browser, shops, viewport=PHONE) as page:
        open_explorer(page, "shop", a=ROW)
        page.get_by_label("Paste rows").fill('city;age;income\nBern;72;38785\n"Rome";20;60000.5\n')
        page.get_by_role("button", name="Predict the rows").click()
        table = page.locator("#rows-table")
        expect(table.locator("tbody tr")).to_have_count(2)
        predictions = shops.post("/v1/models/shop:predict", json={"instances": rows}).json()["predictions"]
        labels = [each["label"] for each in predictions]
        assert table.locator("tbody td:nth-child(2)").all_text_contents() == labels
        table.get_by_role("button", name="age").click()
        assert table.locator("tbody td:first-child").all_text_contents() == ["2", "1"]
        with page.expect_download() as download:
            page.get_by_role("button", name="Download as CSV").click()
        saved = pd.read_csv(download.value.path())
        assert list(saved["prediction"]) == labels[::-1]
        assert list(saved["income"]) == [60000.5, 38785.0]
        assert violations(page) == []
        page.get_by_label("Paste rows").fill("age,city\n3,Bern\n")
        expect(table.locator("tr")).to_have_count(0)
        page.get_by_role("button", name="Predict the rows").click()
        expect(page.locator("#rows-note")).to_contain_text("no column income")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]

"""Tests of `enn-train report`: its file in a real browser without a network, its sections, and refused options."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from enn_models import repository
from enn_models.package import open_package
from enn_training import export
from support.browsing import launch_browser, needs_browser
from support.explorer import violations
from support.learned import learned, network
from support.serving import SHIPPED

pytestmark = pytest.mark.slow

HOSTILE = "</script><script>alert(1)</script>"
TOLERANCE = 1e-5


@contextmanager
def offline_page(browser: Browser, file: Path, **context) -> Iterator[Page]:
    """Yield a page with a file, without a network; fail if it logs an error or requests anything else."""
    faults: list[str] = []
    with browser.new_context(offline=True, **context) as own:
        page = own.new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: faults.append(dialog.message))
        own.on("request", lambda request: None if request.url == file.as_uri() else faults.append(request.url))
        page.goto(file.as_uri())
        yield page
    assert faults == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch_browser() as browser:
        yield browser


@pytest.fixture
def table(tmp_path) -> Path:
    """A table with every kind of column, and with names that would be markup in HTML."""
    generator = np.random.default_rng(0)
    size, amount = generator.lognormal(0, 2, 240), generator.uniform(-1, 1, 240)
    frame = pd.DataFrame(
        {
            "size": size,
            "amount": np.where(generator.random(240) < 0.1, np.nan, amount),
            HOSTILE: generator.choice(["red & blue", HOSTILE, '"green"'], 240),
            "known": generator.choice(["yes", "no"], 240),
            "shop": generator.choice(["north", "south"], 240),
            "kind": np.where(np.log(size) + 2 * amount > 0, "<b>large", "small"),
        }
    )
    file = tmp_path / "table.csv"
    frame.to_csv(file, index=False)
    return file


def respond(page: Page, rows) -> np.ndarray:
    """Return the outputs that the page computes for raw rows."""
    values = [[None if np.isnan(value) else value for value in row] for row in np.asarray(rows, float).tolist()]
    return np.array(page.evaluate("rows => rows.map((row) => enn.respond(row).output)", values))


def run(models: Path, name: str, rows) -> np.ndarray:
    """Return the outputs of ONNX Runtime for raw rows."""
    data = repository.read_model(models, name, repository.latest_version(models, name))
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["output"], {"input": np.asarray(rows, np.float32)})[0])


def probes(models: Path, name: str) -> np.ndarray:
    """Return rows inside and outside the training ranges, with missing values where they may be."""
    card = open_package(repository.read_model(models, name, repository.latest_version(models, name))).card
    generator = np.random.default_rng(1)
    columns = []
    for feature in card.features:
        width = feature.maximum - feature.minimum
        values = generator.uniform(feature.minimum - width / 10, feature.maximum + width / 10, 60)
        if feature.kind != "numeric":
            values = generator.integers(0, int(feature.maximum) + 1, 60).astype(float)
        elif feature.knots is not None:
            values[: len(feature.knots)] = feature.knots[:60]
        columns.append(np.where(generator.random(60) < 0.2, np.nan, values) if feature.missing else values)
    return np.column_stack(columns).astype(np.float32)


@needs_browser
@pytest.mark.slow
def test_report_of_any_columns_answers_offline_as_onnx_runtime(enn, browser, table, tmp_path) -> None:
    models, out = tmp_path / "models", tmp_path / "report.html"
    learn = ("table", table, "--target", "kind", "--models", models, "--name", "kinds", "--without", "shop")
    assert enn(*learn, "--learner", "adam", "--passes", 5, "--hidden", 6, "-q")[0] == 0
    given = ("--data", table, "--target", "kind", "--by", HOSTILE)
    assert enn("report", "kinds", "--models", models, *given, "--out", out) == (0, f"wrote {out}\n", "")
    assert out.stat().st_size < 2_000_000
    rows = probes(models, "kinds")
    assert np.isnan(rows).any()
    for width, scheme in ((1440, "light"), (390, "dark")):
        with offline_page(browser, out, viewport={"width": width, "height": 900}, color_scheme=scheme) as page:
            assert np.abs(respond(page, rows) - run(models, "kinds", rows)).max() < TOLERANCE
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") == width
            titles = page.locator("h2").all_inner_texts()
            before = page.locator("#sum").inner_text()
            page.get_by_label("amount", exact=True).fill("0.875")
            expect(page.locator("#sum")).not_to_have_text(before)
            page.get_by_label(HOSTILE, exact=True).select_option("red & blue")
            page.get_by_role("button", name="Typical values").click()
            expect(page.locator("#sum")).to_have_text(before)
    assert titles[:4] == ["Try the model", "Model card", "Scores", "Confusion matrix"]
    assert {"ROC", "Worst errors", "Groups", "Interactions", "Average effects", "Activations", "Pruning"} < set(titles)


@needs_browser
@pytest.mark.parametrize(
    "kind",
    [
        ((3, 5, 4), "linear", "classification"),
        ((3, 6, 5, 2), "linear", "regression"),
        ((2, 5, 1), "dct", "regression"),
        ((2, 5, 3), "dct", "classification"),
        ((2, 4, 1), "dct", "classification"),
    ],
)
def test_network_of_any_kind_answers_as_onnx_runtime(enn, browser, tmp_path, kind) -> None:
    widths, head, task = kind
    export(learned(network(widths, 4, head, task)), tmp_path / "models", "net")
    out = tmp_path / "report.html"
    assert enn("report", "net", "--models", tmp_path / "models", "--out", out)[0] == 0
    rows = probes(tmp_path / "models", "net")
    with offline_page(browser, out) as page:
        assert np.abs(respond(page, rows) - run(tmp_path / "models", "net", rows)).max() < TOLERANCE
        assert page.locator("#prediction").inner_text() != ""


def test_problem_needs_no_table_and_has_confidence_intervals(enn, tmp_path) -> None:
    out = tmp_path / "report.html"
    assert enn("report", "product", "--models", SHIPPED, "--out", out)[0] == 0
    text = out.read_text()
    value, low, high = (
        float(cell)
        for cell in re.findall(r"root_mean_squared_error</th><td>([^<]+)</td><td>([^<]+)</td><td>([^<]+)<", text)[0]
    )
    assert 0 < low <= value <= high < 1.5 * value
    assert "straight line" in text
    assert "Residuals" in text


def test_new_rows_are_grouped_by_any_column(enn, table, tmp_path) -> None:
    models, out = tmp_path / "models", tmp_path / "report.html"
    learn = ("table", table, "--target", "kind", "--models", models, "--name", "kinds", "--without", "shop")
    assert enn(*learn, "--learner", "adam", "--passes", 5, "--hidden", 6, "-q")[0] == 0
    new = tmp_path / "new.csv"
    pd.read_csv(table).head(100).to_csv(new, index=False)
    given = ("--data", new, "--target", "kind", "--by", "shop")
    assert enn("report", "kinds", "--models", models, *given, "--out", out)[0] == 0
    text = out.read_text()
    assert "100 rows of new.csv" in text
    assert "<caption>Rows by shop</caption>" in text
    assert HOSTILE not in text


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--out", "report.pdf"), "--out report.pdf: expected a .html file"),
        (("--out", "r.html", "--data", "t.csv"), "--data and --target: expected both"),
        (("--out", "r.html", "--by", "x7"), "--by x7: no such column; expected one of x0, x1"),
        (("--out", "absent/r.html"), "--out absent/r.html: cannot be written"),
    ],
)
def test_impossible_option_is_refused(enn, arguments, error) -> None:
    status, _, errors = enn("report", "ring", "--models", SHIPPED, *arguments)
    assert status == 2
    assert error in errors

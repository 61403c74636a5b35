"""Tests of the experiment with images: reading, contenders of equal size, results, pictures, publishing."""

import json
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from enn_models import repository
from enn_models.package import open_package
from enn_training.__main__ import main
from enn_training.errors import DataError, DivergenceError, OptionError
from enn_training.experiments.images import document, fitting, picture, results
from enn_training.experiments.images.contenders import VARIANTS_TRIED, contenders, count_parameters
from enn_training.experiments.images.results import Settings

SETTINGS = Settings((6, 5), 4, 2, 32, 0)
SINGLE = 1e-4
"""Tolerance of float32 for two layers with frequencies up to 20, times 7 in the harmonics."""


@pytest.fixture(autouse=True)
def _one_thread():
    """Use one thread: with a few dozen pixels per step, several would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def checkers(tmp_path):
    """Return a file with a picture of 8 x 6 pixels, red beside black."""
    pixels = np.zeros((6, 8, 3), np.uint8)
    pixels[:, ::2, 0] = 255
    Image.fromarray(pixels).save(tmp_path / "checkers.png")
    return tmp_path / "checkers.png"


def learned(file, *, grey=True, settings=SETTINGS):
    read = picture.read_picture(str(file), 128, grey=grey)
    return read, fitting.fit_all(read, settings)


def test_picture_is_read_row_by_row(checkers):
    read = picture.read_picture(str(checkers), 128, grey=False)
    assert (read.name, read.pixels.shape) == ("checkers-color", (6, 8, 3))
    column, row = read.places.T.astype(int)
    np.testing.assert_array_equal(read.values, read.pixels[row, column])
    np.testing.assert_array_equal(read.values[:, 0], column % 2 == 0)


def test_large_picture_is_scaled_in_its_proportions():
    assert picture.read_picture("china", 64, grey=True).pixels.shape == (43, 64, 1)


def test_psnr_follows_from_the_mean_squared_error(checkers):
    read = picture.read_picture(str(checkers), 128, grey=True)
    assert read.psnr(np.clip(read.values, 0.1, None)) == pytest.approx(-10 * np.log10(0.01 / 2))
    assert read.psnr(read.values) == np.inf
    assert read.psnr(read.values * np.nan) == -np.inf


def test_contenders_have_equal_variants_and_at_least_equal_parameters(checkers):
    _, fitted = learned(checkers)
    ours = fitted["ENN"].result.parameters
    for one in contenders(SETTINGS.harmonics):
        result = fitted[one.name].result
        assert len(result.variants) == len(one.variants) == VARIANTS_TRIED
        narrower = tuple(neurons - 1 for neurons in result.hidden)
        assert ours <= result.parameters
        assert one.name == "ENN" or count_parameters(one.build(narrower, 1, 1.0)) < ours


def test_reported_psnr_is_that_of_the_best_module(checkers):
    read, fitted = learned(checkers)
    for one in fitted.values():
        assert one.result.best.psnr == max(variant.psnr for variant in one.result.variants)
        assert read.psnr(one.pixels.reshape(-1, 1)) == pytest.approx(one.result.best.psnr, abs=0.005)


def test_more_passes_increase_psnr(checkers):
    short, long = (learned(checkers, settings=Settings((6, 5), 4, passes, 32, 0))[1] for passes in (1, 20))
    for name, one in long.items():
        assert one.result.best.psnr > short[name].result.best.psnr + 1.0


def test_equal_seeds_learn_equal_pictures(checkers):
    first = learned(checkers)[1]
    torch.rand(3)
    second = learned(checkers)[1]
    for name, one in first.items():
        np.testing.assert_array_equal(one.pixels, second[name].pixels)


def test_diverged_training_is_refused(checkers, monkeypatch):
    monkeypatch.setattr(fitting, "one_cycle_rate", lambda _: float("nan"))
    with pytest.raises(DivergenceError, match="ENN: no variant has finite numbers after 2 passes"):
        learned(checkers)


def test_results_survive_writing_and_reading(checkers, tmp_path):
    read, fitted = learned(checkers)
    found = fitting.collect_results(read, SETTINGS, fitted)
    results.write_results(tmp_path / "results", read.name, found)
    assert results.read_results(tmp_path / "results") == {read.name: found}
    (tmp_path / "results" / "other.json").write_text('{"width": 3}')
    with pytest.raises(DataError, match=r"other.json: not a file of results .* remove it"):
        results.read_results(tmp_path / "results")


@pytest.mark.parametrize("best", ["ENN", "SIREN"])
def test_ranking_names_the_highest_psnr(checkers, best):
    read, fitted = learned(checkers)
    found = fitting.collect_results(read, SETTINGS, fitted)
    found.results[best] = results.Result((1,), 1, (results.Variant(1.0, 1.0, 99.0, 0.0),))
    assert document.describe_ranking(found).startswith(f"{best} has the highest PSNR")
    assert document.results_table(found).count("**99.00**") == 1


def test_command_prints_draws_and_publishes(checkers, tmp_path, monkeypatch, capsys):
    out, models = tmp_path / "out", tmp_path / "models"
    sizes = ("--hidden", "6,5", "--harmonics", "4", "--passes", "2", "--batch", "32")
    monkeypatch.setattr(
        sys,
        "argv",
        ["enn-train", "image", str(checkers), *sizes, "--out", str(out), "--models", str(models), "--name", "red"],
    )
    with pytest.raises(SystemExit) as stop:
        main()
    printed = capsys.readouterr()
    assert (stop.value.code, printed.err) == (0, "")
    assert "| SIREN | 2-" in printed.out
    assert f"published {models / 'red' / '1'}" in printed.out
    record = json.loads((out / "benchmarks" / "image" / "checkers-color.json").read_text())
    assert (record["width"], record["height"], record["channels"]) == (8, 6, 3)
    assert "## checkers-color" in (out / "benchmarks" / "image.md").read_text()
    with Image.open(out / "pictures" / "image-checkers-color.png") as drawn:
        assert drawn.width > 4 * drawn.height / 2
    package = open_package(repository.read_model(models, "red", "1"))
    read, fitted = learned(checkers, grey=False)
    values = package.network.respond(read.places).output
    np.testing.assert_allclose(np.clip(values, 0, 1).reshape(read.pixels.shape), fitted["ENN"].pixels, atol=SINGLE)


@pytest.mark.parametrize(
    ("error", "arguments", "words"),
    [
        (DataError, ("nowhere.png", 128), "nowhere.png: cannot be read"),
        (OptionError, ("thin.png", 4), "4 x 1 pixels; expected at least 2 x 2"),
    ],
)
def test_unreadable_or_thin_picture_is_refused(tmp_path, monkeypatch, error, arguments, words):
    Image.new("L", (64, 2)).save(tmp_path / "thin.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        picture.read_picture(*arguments, grey=True)

"""The figure of a model is drawn for any names, one feature, and wide layers."""

from dataclasses import replace

import numpy as np
import pytest

from enn_models.card.features import Categorical
from enn_models.package import open_package
from enn_training.errors import OptionError
from enn_training.evaluation.figure import MAX_NEURONS, Plane, draw
from enn_training.evaluation.model_report import card_table
from enn_training.publishing.export import build_package
from support.learned import learned, network


def opened(inputs, neurons, name="x"):
    model = learned(network((inputs, neurons, 1), 2))
    features = (model.features[0].model_copy(update={"name": name}), *model.features[1:])
    return open_package(build_package(replace(model, features=features)))


@pytest.mark.parametrize(("inputs", "neurons"), [(1, 3), (2, 3), pytest.param(2, 300, marks=pytest.mark.slow)])
def test_figure_shows_at_most_the_largest_bumps(inputs, neurons, tmp_path):
    package = opened(inputs, neurons, r"$\frac{a}$")
    figure = draw(package.card, package.network)
    titles = [axes.get_title() for axes in figure.axes]
    assert sum(title.startswith("bump ") for title in titles) == min(neurons, MAX_NEURONS)
    figure.savefig(tmp_path / "figure.svg")
    assert r"$\frac{a}$" in {axes.get_xlabel() for axes in figure.axes}
    deviations = package.network.respond(Plane.of(package.card).rows).bumps[:, 0].std(axis=0)
    assert f"bump {int(np.argmax(deviations))}" in titles


def test_model_without_numeric_features_is_not_drawn():
    package = opened(2, 3)
    features = tuple(Categorical(name=name, categories=("a", "b")) for name in "xy")
    with pytest.raises(OptionError, match="no numeric feature with a range"):
        draw(package.card.model_copy(update={"features": features}), package.network)


def test_brackets_in_names_are_text_of_the_report():
    package = opened(1, 2, "[/a]")
    card = package.card.model_copy(update={"classes": ("[/b]", "[red]")})
    columns = [list(column.cells) for column in card_table(card, package.network).columns]
    assert "regression of [/b], [red]" in map(str, columns[1])
    assert "[/a]" in map(str, columns[0])

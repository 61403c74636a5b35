"""Export of models with categories, booleans and missing values."""

from dataclasses import replace

import numpy as np
import pytest

from enn_models.card.features import column_encoding
from enn_models.network import Head
from enn_models.package import OUTPUTS, open_package, verify_golden_vector
from enn_training.data.columns import Column
from enn_training.data.dataset import fingerprint, summarize_columns
from enn_training.learned_model import LearnedModel
from enn_training.publishing.export import build_package
from enn_training.publishing.onnx import accuracy
from enn_training.publishing.onnx.accuracy import TOLERANCE
from enn_training.publishing.onnx.layout import FEW_INPUT, FEW_OUTPUT
from enn_training.publishing.onnx.runtime import RuntimeSession
from support.learned import learned, network, scale_first_layer

MIXED = (
    Column("fare", missing=True),
    Column("port", "categorical", ("C", "Q", "S"), missing=True),
    Column("year"),
    Column("alone", "boolean"),
    Column("adult", "boolean", missing=True),
)


def mixed(columns: tuple[Column, ...], head: Head = "linear"):
    """Return a learned model of mixed columns, as random as the others here."""
    random = np.random.default_rng(0)
    widths = [len(column.categories) or 2 for column in columns]
    x = np.column_stack([random.integers(0, width, 50) for width in widths]).astype(np.float64)
    x[(random.random(x.shape) < 0.3) & [column.missing for column in columns]] = np.nan
    features = summarize_columns(columns, x)
    codes = column_encoding(features)
    assert codes is not None
    net = network((codes.columns, 6, 2), 6, head, "classification")
    net = replace(net, encoding=codes)
    return LearnedModel(net, features, (0, 1), x[:6], {"learner": "none"}, {}, fingerprint(columns, x, x[:, 0]), x[:20])


@pytest.mark.parametrize("head", ["linear", "dct"])
@pytest.mark.parametrize("columns", [MIXED, MIXED[:1], MIXED[1:2], MIXED[1:4], MIXED[2:], MIXED[4:]], ids=len)
def test_mixed_columns_give_the_oracles_numbers_on_every_route(head, columns):
    model = mixed(columns, head)
    opened = open_package(build_package(model))
    verify_golden_vector(opened, lambda rows, outputs: RuntimeSession(opened.model, outputs).run(rows))
    rows = accuracy.comparison_rows(model)
    wanted = model.network.respond(rows)
    assert np.isfinite(wanted.output).all()
    output, bumps, _ = RuntimeSession(opened.model, OUTPUTS).run(rows)
    few = RuntimeSession(opened.model, [FEW_OUTPUT], FEW_INPUT).run(rows[:3])[0]
    assert np.abs(output - wanted.output).max() <= TOLERANCE * np.abs(wanted.output).max()
    assert np.abs(few - wanted.output[: len(few)]).max() <= TOLERANCE * np.abs(wanted.output).max()
    assert np.abs(bumps - wanted.bumps).max() <= TOLERANCE * np.abs(wanted.bumps).max()


def test_mixed_columns_are_exact_in_float64():
    model = mixed(MIXED)
    opened = open_package(build_package(replace(model, network=scale_first_layer(model.network, 3e3))))
    assert opened.card.unrolling.precision == "float64"


def test_exactness_is_checked_on_every_category_and_on_missing_values():
    for rows in (accuracy.comparison_rows(mixed(MIXED)), accuracy.golden_rows(mixed(MIXED))):
        assert np.isnan(rows).any(axis=0).tolist() == [column.missing for column in MIXED]
    assert np.unique(accuracy.comparison_rows(mixed(MIXED))[:, 1]).tolist()[:3] == [0, 1, 2]


def test_node_count_does_not_depend_on_number_of_mixed_columns():
    def nodes(columns):
        return [
            node.op_type
            for node in open_package(build_package(mixed(columns), unrolling="spectral")).model.graph.node[:7]
        ]

    many = tuple(replace(column, name=f"{column.name}{turn}") for turn in range(4) for column in MIXED)
    assert nodes(many) == nodes(MIXED) == ["Transpose", "Gather", "Equal", "Cast", "Where", "IsNaN", "Where"]


def test_plain_numbers_and_booleans_cost_no_node():
    x = np.array([[0.5, 0], [0.25, 1]])
    features = summarize_columns((Column("a"), Column("b", "boolean")), x)
    model = replace(learned(network((2, 6, 1), 6)), features=features, examples=x, background=x)
    assert column_encoding(features) is None
    assert {
        node.op_type for node in open_package(build_package(model, unrolling="spectral")).model.graph.node
    }.isdisjoint(["Gather", "Equal", "Where", "IsNaN"])

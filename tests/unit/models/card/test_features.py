"""Tests of features: columns of each kind, and refusal of contradicting features and rows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from enn_models.card import Card
from enn_models.card.features import Boolean, Categorical, Feature, Numeric, column_encoding, valid_values
from enn_models.encoding import Encoding
from support import tiny
from support.examples import network

NAN = float("nan")
PLAIN = Numeric(name="age", minimum=0, maximum=80, mean=30)
OPTIONAL = Numeric(name="fare", minimum=0, maximum=500, mean=32.5, missing=True)
PORT = Categorical(name="port", categories=("C", "Q", "S"), missing=True)
ALONE = Boolean(name="alone")
ADULT = Boolean(name="adult", missing=True)
FEATURES = (PLAIN, OPTIONAL, PORT, ALONE, ADULT)


def encoded(features: tuple[Feature, ...], rows: list[list[float]]) -> list[list[float]]:
    found = column_encoding(features)
    assert found is not None
    return found.apply(rows).tolist()


def test_every_kind_has_its_documented_columns() -> None:
    assert encoded(FEATURES, [[20, 7, 2, 1, 0], [21, NAN, NAN, 0, NAN]]) == [
        [20, 7, 0, 0, 0, 1, 1, 1, 0],
        [21, 32.5, 1, 0, 0, 0, 0, 0, 0],
    ]


def test_numbers_and_booleans_need_no_encoding() -> None:
    assert column_encoding((PLAIN, ALONE)) is None


def test_unexpected_missing_value_stays_nan() -> None:
    assert np.isnan(encoded(FEATURES, [[NAN, 7, 2, 1, 0]])[0][0])


@given(st.lists(st.sampled_from(FEATURES), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_columns_of_valid_rows_are_finite_and_distinct(features: list[Feature], seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = np.column_stack([random.integers(0, int(feature.maximum) + 1, 5) for feature in features]).astype(float)
    rows[(random.random(rows.shape) < 0.3) & [feature.missing for feature in features]] = NAN
    assert all(valid_values(feature, column).all() for feature, column in zip(features, rows.T, strict=True))
    found = column_encoding(features)
    columns = rows if found is None else found.apply(rows)
    assert np.isfinite(columns).all()
    known: dict[bytes, bytes] = {}  # different rows have different columns
    for row, encoded_row in zip(rows, columns, strict=True):
        assert known.setdefault(encoded_row.tobytes(), row.tobytes()) == row.tobytes() or 32.5 in row


@pytest.mark.parametrize(
    ("feature", "good", "bad"),
    [
        (PLAIN, [0, 1e9, -3.5], [NAN, np.inf]),
        (OPTIONAL, [0, NAN], [-np.inf]),
        (PORT, [0, 2, NAN], [-1, 3, 0.5]),
        (ALONE, [0, 1], [2, 0.5, NAN]),
    ],
)
def test_valid_values_of_a_feature(feature: Feature, good: list[float], bad: list[float]) -> None:
    assert valid_values(feature, np.array(good)).all()
    assert not valid_values(feature, np.array(bad)).any()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kind": "date"}, "kind"),
        ({"kind": "categorical"}, "categories"),
        ({"kind": "categorical", "categories": ["a", "a"]}, "two categories are the same"),
        ({"kind": "categorical", "categories": ["a", "b"], "other": "c"}, "other 'c'; expected one of the categories"),
        ({"kind": "categorical", "categories": []}, "categories"),
        ({"kind": "categorical", "categories": ["x" * 257]}, "256"),
        ({"kind": "boolean", "minimum": 0}, "minimum"),
        ({"kind": "boolean", "missing": 1}, "missing"),
    ],
)
def test_contradicting_feature_is_refused(change: dict, text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        TypeAdapter(Feature).validate_python({"name": "x"} | change)


@pytest.mark.parametrize(("names", "found"), [(("3", "-1.5e3", " 2 "), {True}), (("third", "", "e", "1st"), {False})])
def test_category_name_that_reads_as_index_is_detected(names: tuple[str, ...], found: set[bool]) -> None:
    assert {Categorical(name="class", categories=("first", name)).has_numeric_names for name in names} == found


def mixed_card(**changes: Any) -> Card:
    """Return the card of a network of three columns over one category of two and a number."""
    net = replace(network((3, 4, 1)), encoding=column_encoding((Categorical(name="c", categories=("a", "b")), PLAIN)))
    rows = [[0.0, 1.5], [1.0, -2.0]]
    response = net.respond(rows)
    golden = {"inputs": rows, "outputs": response.output.tolist(), "bumps": response.bumps.tolist()}
    features = [{"name": "c", "kind": "categorical", "categories": ["a", "b"]}, PLAIN.model_dump()]
    fields = tiny.fields(network((3, 4, 1))) | {"features": features, "golden": golden}
    return Card.model_validate(fields | changes)


def test_card_restores_the_encoding_of_the_network() -> None:
    net = Card.model_validate_json(mixed_card().model_dump_json()).network()
    assert (net.inputs, net.columns) == (2, 3)
    assert isinstance(net.encoding, Encoding)
    assert net.encoding.apply([[1, 5]]).tolist() == [[0, 1, 5]]


@pytest.mark.parametrize("row", [[2, 0], [0.5, 0], [None, 0], [0, None]])
def test_golden_row_with_invalid_value_is_refused(row: list) -> None:
    golden = mixed_card().golden.model_dump() | {"inputs": [[0, 0], row]}
    with pytest.raises(ValidationError, match=r"golden\.inputs: not all are values of feature"):
        mixed_card(golden=golden)


def test_features_with_wrong_number_of_columns_are_refused() -> None:
    with pytest.raises(ValidationError, match="features: 2 columns; the first of layers is 3"):
        mixed_card(features=[PLAIN.model_dump(), ALONE.model_dump()])


def test_encoding_with_wrong_number_of_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="encoding: 9 columns for a first layer of 2"):
        replace(network(), encoding=column_encoding(FEATURES))

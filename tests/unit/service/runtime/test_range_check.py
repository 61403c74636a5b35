"""Tests of the range check: values outside the training range are found, values too far outside are refused."""

import re

import numpy as np
import pytest
from numpy.typing import NDArray

from enn_models.card.features import MAX_RANGES, Boolean, Feature, Numeric
from enn_service.errors import InvalidRequestError
from enn_service.runtime.range_check import COMPARE_BLOCK, RangeCheck

FEATURES: list[Feature] = [
    Numeric(name="length", minimum=-1, maximum=1, mean=0),
    Numeric(name="age", minimum=10, maximum=20, mean=15, missing=True),
]
CODED: list[Feature] = [*FEATURES, Boolean(name="known")]
FULL = COMPARE_BLOCK // len(FEATURES)
"""Number of rows of two features in one block."""
COUNTS = [1, 8, FULL, FULL + 1, 3 * FULL, 3 * FULL + 7]


def rows(count: int, features: list[Feature] = FEATURES) -> NDArray[np.float32]:
    """Return rows within the training ranges, two of three at an end of the range."""
    check = RangeCheck(features)
    between = np.random.default_rng(0).uniform(check.minimum, check.maximum, (count, len(features)))
    between[::3], between[1::3] = check.minimum, check.maximum
    if features is CODED:
        between[:, -1] = between[:, -1].round()
    return between.astype(np.float32)


@pytest.mark.parametrize("features", [FEATURES, CODED], ids=["numbers", "codes"])
@pytest.mark.parametrize("count", COUNTS)
def test_rows_within_their_ranges_are_not_reported(count: int, features: list[Feature]) -> None:
    assert RangeCheck(features).validate(rows(count, features), "rows")[1] is None


@pytest.mark.parametrize("features", [FEATURES, CODED], ids=["numbers", "codes"])
@pytest.mark.parametrize("count", COUNTS)
def test_values_outside_are_found_and_their_rows_counted_once(count: int, features: list[Feature]) -> None:
    given, places = rows(count, features), [(0, 0), (0, 1), (count // 2, 1), (count - 1, 0)]
    for row, column in places:
        given[row, column] = np.nextafter(RangeCheck(features).maximum[column], np.float32(np.inf))
    outside = RangeCheck(features).validate(given, "rows")[1]
    assert outside is not None
    assert outside.places() == sorted({*places})
    assert outside.rows == len({row for row, _ in places})


@pytest.mark.parametrize("count", COUNTS)
def test_allowed_missing_value_is_not_outside(count: int) -> None:
    given = rows(count)
    given[-1, 1] = np.nan
    assert RangeCheck(FEATURES).validate(given, "rows")[1] is None
    given[0, 0] = 2
    outside = RangeCheck(FEATURES).validate(given, "rows")[1]
    assert outside is not None
    assert outside.places() == [(0, 0)]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (0, 1.001 * (1 + 2 * MAX_RANGES), "'length' is more than"),
        (0, -np.inf, "not a finite float32"),
        (0, np.nan, "'length': a missing value"),
        (1, 1e6, "'age' is more than"),
        (2, 0.5, "'known': expected false, 0, or true, 1"),
        (2, 2, "'known': expected"),
        (2, np.nan, "'known': a missing value"),
    ],
)
@pytest.mark.parametrize("count", COUNTS)
def test_first_refused_value_is_named_with_its_place(count: int, column: int, value: float, message: str) -> None:
    features = CODED if column == 2 else FEATURES
    given, row = rows(count, features), count // 2
    given[0, 0] = 1.5
    given[row:, column] = value
    with pytest.raises(InvalidRequestError, match=re.escape(f"rows[{row}][{column}]: ") + ".*" + re.escape(message)):
        RangeCheck(features).validate(given, "rows")


def test_row_of_numbers_within_ranges_is_contained() -> None:
    features = [FEATURES[0], Numeric(name="age", minimum=10, maximum=20, mean=15)]
    check, inside = RangeCheck(features), [0.5, 15]
    assert check.contains(inside)
    assert check.contains([1, 10])
    odd = [
        [],
        [0.5],
        [*inside, 0.0],
        [True, 15],
        [None, 15],
        [1e9, 15],
        [float("nan"), 15],
        ["0", 15],
    ]
    assert not any(map(check.contains, odd))


@pytest.mark.parametrize("features", [FEATURES, [FEATURES[0], CODED[-1]]], ids=["missing", "boolean"])
def test_no_row_is_contained_if_features_are_not_plain_numbers(features: list[Feature]) -> None:
    assert not RangeCheck(features).contains([0.5, 15 if features is FEATURES else 1])


@pytest.mark.parametrize("count", COUNTS)
def test_numbers_are_rounded_to_float32_before_the_check(count: int) -> None:
    check, given = RangeCheck(CODED), rows(count, CODED).astype(np.float64)
    for place, value, rounded in (((-1, 0), 1 + 1e-12, 1), ((0, 1), 20 + 1e-9, 20), ((-1, 2), 1 - 1e-12, 1)):
        given[place] = value
        taken, outside = check.validate(given, "rows")
        assert taken.dtype == np.float32
        assert (taken[place], outside) == (rounded, None)
    np.testing.assert_array_equal(taken, given.astype(np.float32))
    given[0, 0] = np.nextafter(np.float32(1), np.float32(2))
    assert check.validate(given, "rows")[1] is not None


@pytest.mark.parametrize("count", COUNTS)
def test_numbers_rounded_to_the_ends_are_not_outside(count: int) -> None:
    given = rows(count).astype(np.float64)
    given[-1] = np.nextafter([1, 10], [2, 9])
    taken, outside = RangeCheck(FEATURES).validate(given, "rows")
    assert (taken[-1].tolist(), outside) == ([1, 10], None)


@pytest.mark.parametrize("value", [np.inf, -1e39, 3.4028236e38])
def test_number_beyond_float32_is_named_with_its_place(value: float) -> None:
    given = rows(8).astype(np.float64)
    given[5, 1], given[6, 0] = value, 5 * MAX_RANGES
    with pytest.raises(InvalidRequestError, match=re.escape(f"rows[5][1]: {value} is not a finite float32")):
        RangeCheck(FEATURES).validate(given, "rows")


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("column", range(len(CODED)))
def test_infinity_is_refused_without_a_warning(column: int, kind: type) -> None:
    given = rows(8, CODED).astype(kind)
    given[5, column] = np.inf
    with pytest.raises(InvalidRequestError, match=re.escape(f"rows[5][{column}]: inf is not a finite float32")):
        RangeCheck(CODED).validate(given, "rows")


def test_all_numeric_is_false_for_missing_values_or_booleans() -> None:
    assert RangeCheck(FEATURES[:1]).all_numeric
    assert not RangeCheck(FEATURES).all_numeric
    assert not RangeCheck([FEATURES[0], CODED[-1]]).all_numeric

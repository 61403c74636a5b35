"""Descriptions of the raw values of a row, as a card has them, and the columns that each becomes."""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    FiniteFloat,
    SerializerFunctionWrapHandler,
    StrictBool,
    Tag,
    model_serializer,
    model_validator,
)

from enn_models.encoding import Encoding

MAX_NAME = 256
MAX_RANGES = 1000
"""Maximum distance of a number from its training range, in widths of that range.

Farther out, float32 cannot resolve the position within a period of an activation (docs/decisions/exactness.md)."""
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Category = Annotated[str, Field(max_length=MAX_NAME)]
Column = tuple[bool, float, float]
"""One entry of an `Encoding`: number, code, missing."""
NUMBER_PATTERN = r"\s*[-+]?[\d.]+(e[-+]?\d+)?\s*"
NAN = float("nan")
MAX_KNOTS = 65
"""Maximum number of knots of a monotone map; each takes a few operations per row."""


class CardPart(BaseModel):
    """Immutable part of a card; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Numeric(CardPart):
    """A numeric feature.

    If values may be missing, a missing value is encoded as the mean, and a second column is 1 for it and 0 otherwise.

    Attributes:
        minimum: Lowest value in the training data, in the unit of the feature.
        maximum: Highest value in the training data.
        mean: Mean of the training data.
        missing: True if values may be missing.
        knots: Knots of the monotone map from values to the column: knot k of K + 1 becomes 2 k / K - 1, values between
            two knots are interpolated, values beyond the first and last become -1 and 1. None: the column has the
            values themselves. New in format 2.
    """

    name: Name
    kind: Literal["numeric"] = "numeric"
    minimum: FiniteFloat
    maximum: FiniteFloat
    mean: FiniteFloat
    missing: StrictBool = False
    knots: Annotated[tuple[FiniteFloat, ...], Field(min_length=2, max_length=MAX_KNOTS)] | None = None

    @model_validator(mode="after")
    def _check_range(self) -> "Numeric":
        if not self.minimum <= self.maximum:
            raise ValueError(f"feature {self.name!r}: minimum {self.minimum} is above maximum {self.maximum}")
        return self

    @model_validator(mode="after")
    def _check_knots(self) -> "Numeric":
        knots = np.array(self.knots or (), dtype=np.float64)
        if not (np.abs(knots) <= np.finfo(np.float32).max).all() or not np.array_equal(knots, knots.astype(np.float32)):
            raise ValueError(f"feature {self.name!r}: not all knots are float32 values, which the graph takes")
        if not (np.diff(knots) > 0).all():
            raise ValueError(f"feature {self.name!r}: knots {self.knots}; expected strictly increasing numbers")
        return self

    @model_serializer(mode="wrap")
    def _omit_no_knots(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the field without a map, so that such a feature has the bytes that it had before the field."""
        return {name: value for name, value in serialize(self).items() if name != "knots" or value is not None}

    @property
    def columns(self) -> list[Column]:
        """Columns of this feature."""
        return [(True, NAN, self.mean), (False, NAN, 1.0)] if self.missing else [(True, NAN, NAN)]

    @property
    def column_range(self) -> tuple[float, float]:
        """Training range of the column of the value."""
        return (self.minimum, self.maximum) if self.knots is None else (-1.0, 1.0)


class Categorical(CardPart):
    """A categorical feature with one indicator column per category; all are 0 for a missing value.

    If the categories have an order, the index is the column: a missing value is encoded as the middle, and marked by a
    second column, as for `Numeric`.

    Attributes:
        categories: Names of the categories; rows contain the index of one.
        missing: True if values may be missing.
        other: Category that stands for every name that is not among the categories; None if such names are unknown.
        ordered: True if the categories are in an order.
    """

    name: Name
    kind: Literal["categorical"] = "categorical"
    categories: Annotated[tuple[Category, ...], Field(min_length=1, max_length=65_536)]
    missing: StrictBool = False
    other: Category | None = None
    ordered: StrictBool = False

    @model_validator(mode="after")
    def _check_distinct(self) -> "Categorical":
        if len(self.codes) != len(self.categories):
            raise ValueError(f"feature {self.name!r}: two categories are the same")
        if self.other is not None and self.other not in self.codes:
            raise ValueError(f"feature {self.name!r}: other {self.other!r}; expected one of the categories")
        return self

    @model_serializer(mode="wrap")
    def _omit_defaults(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the fields that are new in format 2 where they say nothing, as `Numeric` does."""
        return {name: value for name, value in serialize(self).items() if value or name not in ("other", "ordered")}

    @cached_property
    def codes(self) -> dict[str, int]:
        """Index of each category by name."""
        return {category: code for code, category in enumerate(self.categories)}

    @cached_property
    def has_numeric_names(self) -> bool:
        """True if the name of a category could be read as an index."""
        return any(re.fullmatch(NUMBER_PATTERN, category) for category in self.categories)

    @property
    def minimum(self) -> float:
        """Lowest index."""
        return 0.0

    @property
    def maximum(self) -> float:
        """Highest index."""
        return len(self.categories) - 1.0

    @property
    def columns(self) -> list[Column]:
        """Columns of this feature."""
        if self.ordered:
            return [(True, NAN, self.maximum / 2.0), (False, NAN, 1.0)] if self.missing else [(True, NAN, NAN)]
        return [(False, float(code), 0.0) for code in range(len(self.categories))]


class Boolean(CardPart):
    """A feature that is false, 0, or true, 1, as one column.

    If values may be missing, there is an indicator column for each of false and true; both are 0 for a missing value.
    """

    name: Name
    kind: Literal["boolean"] = "boolean"
    missing: StrictBool = False

    @property
    def minimum(self) -> float:
        """Code of false."""
        return 0.0

    @property
    def maximum(self) -> float:
        """Code of true."""
        return 1.0

    @property
    def columns(self) -> list[Column]:
        """Columns of this feature."""
        return [(False, 0.0, 0.0), (False, 1.0, 0.0)] if self.missing else [(True, NAN, NAN)]


def _feature_kind(value: Any) -> Any:  # noqa: ANN401 - the card is not yet validated
    """Return the kind of a feature; the default is numeric."""
    return value.get("kind", "numeric") if isinstance(value, dict) else getattr(value, "kind", None)


Feature = Annotated[
    Annotated[Numeric, Tag("numeric")]
    | Annotated[Categorical, Tag("categorical")]
    | Annotated[Boolean, Tag("boolean")],
    Discriminator(_feature_kind),
]


def valid_values(feature: Feature, values: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return a mask of the values that a feature can take, inside or outside its training range."""
    valid = np.isfinite(values)
    if feature.kind != "numeric":
        valid &= (values >= feature.minimum) & (values <= feature.maximum) & (np.floor(values) == values)
    return valid | (np.isnan(values) & feature.missing)


def column_ranges(features: Sequence[Feature]) -> list[tuple[float, float]]:
    """Return the training range of every column; one that stands for a category or a missing value has 0 to 1."""
    numbers = (feature.column_range if feature.kind == "numeric" else (0.0, feature.maximum) for feature in features)
    return [
        number_range if number else (0.0, 1.0)
        for feature, number_range in zip(features, numbers, strict=True)
        for number, _, _ in feature.columns
    ]


def column_encoding(features: Sequence[Feature]) -> Encoding | None:
    """Return the encoding of rows of these features; None if the raw values are the columns."""
    columns = [(index, *column) for index, feature in enumerate(features) for column in feature.columns]
    knots = {
        place: np.array(feature.knots, dtype=np.float64)
        for place, (index, number, _, _) in enumerate(columns)
        if number and (feature := features[index]).kind == "numeric" and feature.knots is not None
    }
    if not knots and len(columns) == len(features) and all(number for _, number, _, _ in columns):
        return None
    feature, number, code, missing = zip(*columns, strict=True)
    return Encoding(
        np.array(feature, dtype=np.int64),
        np.array(number, dtype=np.bool_),
        np.array(code, dtype=np.float32),
        np.array(missing, dtype=np.float32),
        knots,
    )

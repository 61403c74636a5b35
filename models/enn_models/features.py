"""Features: what a card says about each raw value of a row, and the columns that the network takes of it."""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Discriminator, Field, FiniteFloat, StrictBool, Tag, model_validator

from enn_models.encoding import Encoding

MAX_NAME = 256
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Category = Annotated[str, Field(max_length=MAX_NAME)]
Column = tuple[bool, float, float]
"""One entry of an Encoding: number, code, missing."""
NUMBER_PATTERN = r"\s*[-+]?[\d.]+(e[-+]?\d+)?\s*"
NAN = float("nan")


class CardPart(BaseModel):
    """Frozen, and closed to fields that this version does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Numeric(CardPart):
    """Numbers; minimum, maximum and mean are those of the training part, in the feature's own unit.

    Where a value may be missing, the mean stands for it, and a second column is 1 for it and 0 for every number.
    """

    name: Name
    kind: Literal["numeric"] = "numeric"
    minimum: FiniteFloat
    maximum: FiniteFloat
    mean: FiniteFloat
    missing: StrictBool = False

    @model_validator(mode="after")
    def _check_range(self) -> "Numeric":
        if not self.minimum <= self.maximum:
            raise ValueError(f"feature {self.name!r}: minimum {self.minimum} is above maximum {self.maximum}")
        return self

    @property
    def columns(self) -> list[Column]:
        """The columns of this feature."""
        return [(True, NAN, self.mean), (False, NAN, 1.0)] if self.missing else [(True, NAN, NAN)]


class Categorical(CardPart):
    """One of some categories, given as its index among them: a column each, 1 for its own; all 0 if it is missing."""

    name: Name
    kind: Literal["categorical"] = "categorical"
    categories: Annotated[tuple[Category, ...], Field(min_length=1, max_length=65_536)]
    missing: StrictBool = False

    @model_validator(mode="after")
    def _check_distinct(self) -> "Categorical":
        if len(self.codes) != len(self.categories):
            raise ValueError(f"feature {self.name!r}: two categories are the same")
        return self

    @cached_property
    def codes(self) -> dict[str, int]:
        """The index of each category."""
        return {category: code for code, category in enumerate(self.categories)}

    @cached_property
    def has_numeric_names(self) -> bool:
        """Whether the name of a category could be taken for an index."""
        return any(re.fullmatch(NUMBER_PATTERN, category) for category in self.categories)

    @property
    def minimum(self) -> float:
        """The lowest code."""
        return 0.0

    @property
    def maximum(self) -> float:
        """The highest code."""
        return len(self.categories) - 1.0

    @property
    def columns(self) -> list[Column]:
        """The columns of this feature."""
        return [(False, float(code), 0.0) for code in range(len(self.categories))]


class Boolean(CardPart):
    """False, 0, or true, 1: a column as it is; where it may be missing one for each of the two, both 0 for missing."""

    name: Name
    kind: Literal["boolean"] = "boolean"
    missing: StrictBool = False

    @property
    def minimum(self) -> float:
        """False."""
        return 0.0

    @property
    def maximum(self) -> float:
        """True."""
        return 1.0

    @property
    def columns(self) -> list[Column]:
        """The columns of this feature."""
        return [(False, 0.0, 0.0), (False, 1.0, 0.0)] if self.missing else [(True, NAN, NAN)]


def _feature_kind(value: Any) -> Any:  # noqa: ANN401 - anything may stand in a card
    """Return the kind of a feature; cards need not say that one is numeric."""
    return value.get("kind", "numeric") if isinstance(value, dict) else getattr(value, "kind", None)


Feature = Annotated[
    Annotated[Numeric, Tag("numeric")]
    | Annotated[Categorical, Tag("categorical")]
    | Annotated[Boolean, Tag("boolean")],
    Discriminator(_feature_kind),
]


def valid_values(feature: Feature, values: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return which values of a feature, of any shape, are of its kind; a number may lie outside the training range."""
    good = np.isfinite(values)
    if feature.kind != "numeric":
        good &= (values >= feature.minimum) & (values <= feature.maximum) & (np.floor(values) == values)
    return good | (np.isnan(values) & feature.missing)


def column_encoding(features: Sequence[Feature]) -> Encoding | None:
    """Return how rows of these features become columns; None where they are the columns."""
    columns = [(index, *column) for index, feature in enumerate(features) for column in feature.columns]
    if len(columns) == len(features) and all(number for _, number, _, _ in columns):
        return None
    feature, number, code, missing = zip(*columns, strict=True)
    return Encoding(
        np.array(feature, dtype=np.int64),
        np.array(number, dtype=np.bool_),
        np.array(code, dtype=np.float32),
        np.array(missing, dtype=np.float32),
    )

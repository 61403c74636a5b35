"""Counterfactuals: a near row with a wished outcome, and a proved distance within which there is none.

The distance of a row is the sum of its changes in units of the training ranges; another category, or the other boolean,
counts 1. Missing values stay missing, and no value becomes missing.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enn_models.card.features import Feature
from enn_models.cosine_series import Floats
from enn_models.explanations.guarantees.bounds import Bounds
from enn_models.explanations.guarantees.counterfactual_search import Movable, Search
from enn_models.explanations.guarantees.distance_bounds import excluded_distance
from enn_models.explanations.guarantees.margins import Margin
from enn_models.explanations.guarantees.regions import Columns, Regions, Space, round_into

LEAST_MARGINS = (1 / 256, 1 / 16, 1.0, 4.0)
"""Margins of the found row that are tried in turn, in units of the error of the graph in float32."""


@dataclass(frozen=True, eq=False)
class Question:
    """Rows that a counterfactual may be.

    Attributes:
        region: Region around the encoded row.
        features: Features that may change.
        changes: Maximum number of changed features.
    """

    region: Regions
    features: Sequence[Movable]
    changes: int


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """Answer to a question.

    Attributes:
        row: Encoded row with the outcome; None if none was found.
        distance: Distance of the row from the origin; the largest distance in the region if there is no row.
        no_closer_than: Proved distance within which no row of the region has the outcome.
    """

    row: Floats | None
    distance: float
    no_closer_than: float

    @property
    def is_impossible(self) -> bool:
        """True if it is proved that no row of the region has the outcome."""
        return self.row is None and self.no_closer_than >= self.distance


def question(
    features: Sequence[Feature],
    columns: Sequence[Columns],
    row: Floats,
    *,
    fixed: NDArray[np.bool_],
    within: Mapping[int, Sequence[float]],
    changes: int,
) -> Question:
    """Return the rows that differ from a row in what may change.

    Args:
        features: Features of the model.
        columns: Columns of each feature.
        row: Encoded row, float64 [columns].
        fixed: Mask of the features that may not change, or whose value is missing, bool [features].
        within: Lowest and highest number of a numeric feature, or the codes of other features, by index; the training
            range by default. A number of the row outside its training range may stay, or move towards the range.
        changes: Maximum number of changed features.
    """
    low, high, scales = row.copy(), row.copy(), np.ones_like(row)
    movable: list[Movable] = []
    groups: list[Columns] = []
    for index, (feature, own) in enumerate(zip(features, columns, strict=True)):
        if fixed[index] or feature.minimum == feature.maximum:
            continue
        if feature.kind == "numeric":
            column = own[:1]
            ends = np.array(within.get(index, (feature.minimum, feature.maximum))).astype(np.float32)
            number = row[column[0]]
            low[column], high[column] = ends if index in within else (min(ends[0], number), max(ends[1], number))
            scales[column] = feature.maximum - feature.minimum
            movable.append(Movable(column))
            continue
        codes = np.array(within.get(index, np.arange(feature.maximum + 1))).astype(np.intp)
        if len(own) == 1:
            low[own], high[own] = codes.min(), codes.max()
            movable.append(Movable(own, codes))
        else:
            low[own], high[own] = 0.0, np.isin(np.arange(len(own)), codes).astype(np.float64)
            groups.append(own)
            movable.append(Movable(own, codes))
    return Question(Regions(Space(row, scales, groups), low[None], high[None]), movable, changes)


def largest_columns(asked: Question) -> Floats:
    """Return the largest size of each column in a region, float64 [columns]."""
    return np.maximum(np.abs(asked.region.low[0]), np.abs(asked.region.high[0]))


def counterfactual_steps(
    asked: Question, margin: Margin, accepts: Callable[[Floats], bool], boxes: int
) -> Generator[None, None, Counterfactual]:
    """Search for the nearest row with an outcome, and prove how near it can be at most.

    Args:
        asked: Rows that may be the answer.
        margin: Margin of the outcome, with the bounds of a region that contains the rows.
        accepts: Function that runs the graph, and returns True if it gives an encoded row of float32 numbers the
            outcome.
        boxes: Maximum number of boxes of the proof.
    """
    region, found = asked.region, None
    origin = region.space.origin
    if (origin >= region.low[0]).all() and (origin <= region.high[0]).all() and accepts(origin):
        return Counterfactual(origin, 0.0, 0.0)
    search = Search(margin, region, asked.features, asked.changes)
    error = _error(margin.bounds)
    for least in LEAST_MARGINS:
        row = yield from search.nearest(least * error + margin.error)
        if row is None:
            break
        rounded = round_into(row, region)
        if accepts(rounded):
            found = rounded
            break
    numbers = region.space.numbers
    extents = np.maximum(region.high[0] - origin, origin - region.low[0]) / region.space.scales
    known = float(extents[numbers].sum()) + len(region.space.groups)
    if found is not None:
        known = float(region.distances(found[None])[0])
    proved = 0.0
    if known > 0.0:
        proved = yield from excluded_distance(margin.negated(), region, known, boxes)
    return Counterfactual(found, known, proved)


def _error(bounds: Bounds) -> float:
    """Return the largest error of an output of the graph in float32."""
    slope = 1.0 if bounds.head is None else float(bounds.head.slope.max())
    return float(np.max(bounds.error.units * slope + bounds.error.responses))

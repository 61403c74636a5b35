"""Branch and bound: the smallest margin over a region, to within a number of boxes.

The boxes with the lowest bounds are cut first, some at a time, so the bound of the whole region rises fast. The work is
counted in boxes instead of seconds: a result does not depend on the speed or the load of the machine.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from enn_models.cosine_series import Floats
from enn_models.explanations.guarantees.descent import descend
from enn_models.explanations.guarantees.margins import Margin
from enn_models.explanations.guarantees.regions import Regions

BOXES_AT_ONCE = 32
"""Maximum boxes that are cut in a round: enough that NumPy's calls cost less than their arithmetic."""
MAX_VALUES = 2**18
"""Maximum products and cosines of the boxes of a round: some milliseconds."""
MAX_OPEN_VALUES = 2**20
"""Maximum columns of open boxes together: 16 MiB for both ends."""


@dataclass(frozen=True, eq=False)
class Minimum:
    """Smallest margin over a region.

    Attributes:
        lower: Lower bound of the margin of the graph in float32.
        value: Smallest margin found, in exact arithmetic.
        row: Encoded row with that margin, float64 [columns].
        boxes: Number of boxes bounded.
    """

    lower: float
    value: float
    row: Floats
    boxes: int


Steps = Generator[None, None, Minimum]
"""Computation that stops between its parts of some milliseconds; its value is the result."""
Result = TypeVar("Result")


def complete(steps: Generator[None, None, Result]) -> Result:
    """Run a computation in steps to its end, and return its result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def minimise(margin: Margin, region: Regions, boxes: int, *, gap: float = 0.0, until_sign: bool = False) -> Steps:
    """Bound the smallest margin over a region.

    Args:
        margin: Margin to minimise.
        region: One region.
        boxes: Maximum number of boxes, at least 1.
        gap: Difference of value and bound at which the search ends, as a share of the change from the centre.
        until_sign: True to end as soon as the sign of the smallest margin is known.
    """
    value, row = descend(margin, region)
    yield
    centre = float(margin.values(region.points())[0])
    open_boxes, lower, used = region, margin.lower(region), 1
    weights = margin.bounds.sensitivity()
    columns = region.low.shape[1]
    size = margin.network.layers[0].weight.size * len(margin.weights) + margin.network.spectrum.size
    at_once = max(1, min(BOXES_AT_ONCE, MAX_VALUES // (2 * size)))
    while used < boxes:
        least = float(lower.min())
        if value - least <= gap * (centre - least) or (until_sign and (least > 0.0 or value < 0.0)):
            break
        count = min(at_once, len(open_boxes), max(1, (boxes - used) // 2))
        if (len(open_boxes) + count) * columns > MAX_OPEN_VALUES:
            break
        yield
        chosen = np.argpartition(lower, count - 1)[:count]
        halves = open_boxes[chosen].split(weights)
        bounds = np.maximum(margin.lower(halves), np.tile(lower[chosen], 2))
        used += len(halves)
        points = halves.points()
        values = margin.values(points)
        if values.min() < value:
            value, row = float(values.min()), points[values.argmin()]
        kept = np.ones(len(open_boxes), np.bool_)
        kept[chosen] = False
        open_boxes, lower = open_boxes[kept].joined(halves), np.concatenate([lower[kept], bounds])
    return Minimum(float(lower.min()), value, row, used)

"""Proof that no row within a distance has an outcome: branch and bound over the regions around a row.

A box has a distance within which no row of it has the outcome: the largest tried budget at which the opposite outcome
holds for the whole box. The smallest such distance of all boxes is proved for the whole region.
"""

from collections.abc import Generator

import numpy as np

from enn_models.cosine_series import Floats
from enn_models.explanations.guarantees.margins import Margin
from enn_models.explanations.guarantees.regions import Regions

TRIED_BUDGETS = 6
"""Number of distances that are tried for each box: equally spaced, or by halves if none is proved yet."""
BOXES_AT_ONCE = 8
MAX_VALUES = 2**18
"""Maximum products of the bounds of a round: some milliseconds."""
MAX_OPEN_VALUES = 2**20
"""Maximum columns of open boxes together: 16 MiB for both ends."""
GAP = 0.01
"""Gap between the proved and the found distance at which the proof ends, as a share of the latter."""


def excluded_distance(opposite: Margin, region: Regions, known: float, boxes: int) -> Generator[None, None, float]:
    """Return a distance from the origin within which no row of a region has an outcome.

    Args:
        opposite: Margin of the opposite outcome.
        region: One region around the origin of its space.
        known: Distance of a row that has the outcome, or the largest distance in the region.
        boxes: Maximum number of bounds, one for each box and tried distance.

    Returns:
        Distance of at most `known`; `known` itself if no row below it has the outcome.
    """
    weights = opposite.bounds.sensitivity()
    open_boxes, proved = region, np.zeros(1)
    proved = _excluded(opposite, open_boxes, proved, known)
    used, columns = TRIED_BUDGETS, region.low.shape[1]
    at_once = min(BOXES_AT_ONCE, MAX_VALUES // (2 * TRIED_BUDGETS * opposite.network.layers[0].weight.size))
    while used < boxes:
        if proved.min() >= (1.0 - GAP) * known or len(open_boxes) * columns > MAX_OPEN_VALUES:
            break
        yield
        count = min(max(1, at_once), len(open_boxes))
        chosen = np.argpartition(proved, count - 1)[:count]
        reached = open_boxes[chosen]
        halves = Regions(region.space, reached.low, reached.high, np.full(count, known)).split(weights)
        bounds = _excluded(opposite, halves, np.tile(proved[chosen], 2), known)
        used += len(halves) * TRIED_BUDGETS
        kept = np.ones(len(open_boxes), np.bool_)
        kept[chosen] = False
        open_boxes, proved = open_boxes[kept].joined(halves), np.concatenate([proved[kept], bounds])
        left = proved < known
        if not left.any():
            return known
        open_boxes, proved = open_boxes[left], proved[left]
    return float(min(known, proved.min()))


def _excluded(opposite: Margin, boxes: Regions, proved: Floats, known: float) -> Floats:
    """Return the distance that is excluded for each box, at least the one that is proved already."""
    steps = np.arange(1, TRIED_BUDGETS + 1)
    shares = np.where(proved[:, None] > 0.0, steps / TRIED_BUDGETS, 0.5 ** (TRIED_BUDGETS - steps))
    budgets = proved[:, None] + shares * (known - proved[:, None])
    balls = boxes.repeated(budgets)
    lower = opposite.lower(balls)
    holds = ((lower > 0.0) | balls.empty()).reshape(budgets.shape)
    # Each budget that holds is a proof of its own.
    return np.where(holds, budgets, proved[:, None]).max(axis=1)

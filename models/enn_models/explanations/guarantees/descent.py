"""Descent: a search for a row of a region with a small margin, by its gradients."""

import numpy as np

from enn_models.cosine_series import Floats
from enn_models.explanations.guarantees.margins import Margin
from enn_models.explanations.guarantees.regions import Regions

STARTS, STEPS, SEED = 8, 16, 0
STEP_SIZES = (1.0, 0.5, 0.2, 0.05)
"""Shares of the way to the best corner that a step tries."""


def descend(margin: Margin, region: Regions) -> tuple[float, Floats]:
    """Search for a small margin from several starts: steps towards the corner that the gradient points at.

    Args:
        margin: Margin to minimise.
        region: One region; categories stay as its point has them.

    Returns:
        Smallest margin found, and its encoded row.

    Source: Frank, Wolfe, "An algorithm for quadratic programming", 1956.
    """
    random, point = np.random.default_rng(SEED), region.points()
    columns = point.shape[1]
    starts = region.corners(random.normal(size=(STARTS, columns)))
    rows = point + random.uniform(size=(STARTS, 1)) * (starts - point)
    rows[0] = point[0]
    sizes = np.array(STEP_SIZES)[:, None, None]
    best, found = np.inf, rows[0]
    for _ in range(STEPS):
        corners = region.corners(-margin.gradients(rows))
        tried = (rows + sizes * (corners - rows)).reshape(-1, columns)
        values = margin.values(tried).reshape(len(STEP_SIZES), STARTS)
        rows = tried.reshape(len(STEP_SIZES), STARTS, columns)[values.argmin(axis=0), np.arange(STARTS)]
        if values.min() < best:
            best, found = float(values.min()), tried[values.argmin()]
    return best, found

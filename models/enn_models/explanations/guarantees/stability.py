"""Guaranteed stability: the range of the pre-activation, and the label, over all rows within a tolerance.

Rows differ in numbers only; categories, booleans and missing values stay as they are.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from enn_models.cosine_series import Floats
from enn_models.explanations.guarantees.bounds import Bounds
from enn_models.explanations.guarantees.branch_and_bound import Minimum, minimise
from enn_models.explanations.guarantees.float32_error import UNIT
from enn_models.explanations.guarantees.margins import class_margin, pre_activation_margin
from enn_models.explanations.guarantees.regions import Regions
from enn_models.network import Network

MAP_STEPS = 16
"""Roundings of a monotone map besides its sum, with a margin."""
GAP = 0.01
"""Gap at which the bounds of the pre-activation are good enough, as a share of the change from the row itself."""


@dataclass(frozen=True, eq=False)
class Stability:
    """Result for a row.

    Attributes:
        lower: Lower bound of the pre-activation of the graph in float32.
        upper: Upper bound of it.
        label_margin: Lower bound of the margin of the label; positive if the label holds. None for a regression.
        counterexample: Encoded row within the tolerance that has another label in exact arithmetic; None if none was
            found.
    """

    lower: float
    upper: float
    label_margin: float | None
    counterexample: Floats | None


def column_errors(network: Network) -> Floats:
    """Return the error of each column in float32, float64 [columns]: 0 without a monotone map.

    The graph adds the parts of a map's segments, at most 2 together. Each part has the roundings of a difference, a
    slope and a product, and each sum has its own.
    """
    result = np.zeros(network.columns)
    for column, knots in ({} if network.encoding is None else network.encoding.knots).items():
        result[column] = 2.0 * (len(knots) + MAP_STEPS) * UNIT
    return result


def stability_steps(
    bounds: Bounds, network: Network, region: Regions, *, unit: int, label: int | None, boxes: int
) -> Generator[None, None, Stability]:
    """Bound the pre-activation of a unit, and the margin of a label, over all rows within a tolerance.

    Args:
        bounds: Bounds of the network for these rows.
        network: Network of encoded rows; its encoding is None.
        region: One box of encoded rows.
        unit: Unit whose pre-activation is bounded.
        label: Index of the predicted class; None for a regression.
        boxes: Maximum number of boxes in all searches together.
    """
    found: Minimum | None = None
    if label is not None:
        found = yield from minimise(class_margin(network, bounds, label), region, max(1, boxes // 2), until_sign=True)
        boxes -= found.boxes
    below, above = (pre_activation_margin(network, bounds, unit, sign) for sign in (1.0, -1.0))
    least = yield from minimise(below, region, max(1, boxes // 2), gap=GAP)
    most = yield from minimise(above, region, max(1, boxes - least.boxes), gap=GAP)
    other = None if found is None or found.value >= 0.0 else found.row
    return Stability(least.lower, -most.lower, None if found is None else found.lower, other)

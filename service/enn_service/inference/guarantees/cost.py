"""Estimated time of guarantees, and the number of boxes that a request gets by default."""

from enn_service.inference.attributions import COSINE_NS, WEIGHT_NS
from enn_service.runtime.model import ServedModel

BUDGET_NS = 50_000_000
"""Estimated time of branch and bound for a row by default."""
MAX_BOXES = 1_000_000
ROW_NS = 10_000_000
"""Estimated time of the tables of a row's activations."""
BOX_NS = 8_000
"""Estimated time of a box besides its arithmetic."""
BALL_FACTOR = 2
"""Time of the bound of a region within a distance, in units of that of a box."""
EVALUATIONS_OF_DESCENT = 3_000
"""Evaluations of the network that the descents for a row take."""
EVALUATIONS_OF_SEARCH = 20_000
"""Evaluations of the network that the search for a counterfactual takes at most, as a rule."""


def evaluation_ns(model: ServedModel) -> int:
    """Return the estimated time of one evaluation of the network, in nanoseconds."""
    cosines = sum(layer.coefficients.size for layer in model.network.layers if layer.coefficients is not None)
    return COSINE_NS * cosines + WEIGHT_NS * (model.parameters + model.network.columns)


def box_ns(model: ServedModel) -> int:
    """Return the estimated time to bound one box, in nanoseconds."""
    network = model.network
    functions = max(2 * len(layer.bias) for layer in network.layers[1:])
    linear = network.layers[0].weight.size * (6 + 2 * functions)
    return BOX_NS + 3 * evaluation_ns(model) + WEIGHT_NS * linear


def default_boxes(model: ServedModel) -> int:
    """Return the number of boxes of a row that take about BUDGET_NS; the number does not depend on a clock."""
    return max(8, BUDGET_NS // box_ns(model))

"""Guarantees that an explain request asks for: their parameters, time and memory, and their JSON text."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import orjson

from enn_models.explanations.guarantees.bounds import activation_ranges
from enn_service.errors import InvalidRequestError
from enn_service.inference.guarantees import counterfactuals, stability
from enn_service.inference.guarantees.cost import MAX_BOXES
from enn_service.inference.guarantees.counterfactuals import CounterfactualOptions, CounterfactualParameters
from enn_service.inference.guarantees.stability import StabilityOptions, StabilityParameters
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import Array

CLOSED = {
    stability.PLACE: StabilityParameters.__struct_fields__,
    counterfactuals.PLACE: CounterfactualParameters.__struct_fields__,
}
"""Known fields of the objects that accept no others, by place."""
BOXES = f"a whole number from 1 to {MAX_BOXES}"
EXPECTED = {
    stability.PLACE: 'an object {"tolerance": share} or {"tolerance": {feature: largest change}}',
    stability.TOLERANCE: "a share of the training ranges, or an object {feature: largest change}",
    f"{stability.PLACE}.boxes": BOXES,
    counterfactuals.PLACE: 'an object with "label", or for a regression "at_least" or "at_most"',
    f"{counterfactuals.PLACE}.at_least": "a number",
    f"{counterfactuals.PLACE}.at_most": "a number",
    f"{counterfactuals.PLACE}.fixed": "a list of features",
    f"{counterfactuals.PLACE}.within": "an object {feature: [low, high]} or {feature: [category, ...]}",
    f"{counterfactuals.PLACE}.max_changes": "a number of features, at least 1",
    f"{counterfactuals.PLACE}.boxes": BOXES,
}
"""Text of what is expected, by place in the body."""
MAX_WEIGHTS = 2**18
"""Maximum weights of the first layer, which limits the arrays of a bound to some megabytes."""
NUMBER_BYTES = 24
FIXED_BYTES = 400
"""Estimated length of the names in the answers, without those of features."""
NUMBERS_OF_FEATURE = 4
"""Numbers of a feature in the answers: counterexample, counterfactual, and its change from and to."""


@dataclass(frozen=True, eq=False)
class GuaranteeOptions:
    """Checked parameters.

    Attributes:
        stability: Parameters of stability; None without it.
        counterfactual: Parameters of counterfactuals; None without them.
    """

    stability: StabilityOptions | None
    counterfactual: CounterfactualOptions | None

    def row_cost_ns(self, model: ServedModel) -> int:
        """Return the estimated time for a row, in nanoseconds."""
        total = 0
        if self.stability is not None:
            total += stability.row_cost_ns(model, self.stability)
        if self.counterfactual is not None:
            total += counterfactuals.row_cost_ns(model, self.counterfactual)
        return total

    def numbers(self, model: ServedModel) -> int:
        """Return the estimated count of numbers in the answers for a row."""
        return NUMBERS_OF_FEATURE * model.features

    def bytes_per_row(self, model: ServedModel) -> int:
        """Return the estimated length of the answers for a row."""
        names = sum(len(name.encode()) + NUMBER_BYTES for name in model.card.feature_names)
        return FIXED_BYTES + NUMBERS_OF_FEATURE * names


def parse_guarantees(
    model: ServedModel,
    stable: StabilityParameters | None,
    counterfactual: CounterfactualParameters | None,
    output: object,
    outputs: Sequence[int] | None,
) -> GuaranteeOptions | None:
    """Return the checked parameters; None if the request asks for no guarantee.

    Args:
        model: Model to explain.
        stable: Parameters of stability.
        counterfactual: Parameters of counterfactuals.
        output: Name of the explained output; None for the predicted class.
        outputs: Indices of several explained outputs.

    Raises:
        InvalidRequestError: A parameter is impossible for this model.
    """
    if stable is None and counterfactual is None:
        return None
    if outputs is not None:
        place = counterfactuals.PLACE if stable is None else stability.PLACE
        raise InvalidRequestError(f"{place}: is for one output; expected output instead of outputs")
    if (size := model.network.layers[0].weight.size) > MAX_WEIGHTS:
        place = counterfactuals.PLACE if stable is None else stability.PLACE
        raise InvalidRequestError(f"{place}: the first layer has {size} weights; expected at most {MAX_WEIGHTS}")
    return GuaranteeOptions(
        stability.parse_stability(model, stable),
        counterfactuals.parse_counterfactual(model, counterfactual, output),
    )


def encode_guarantees(
    model: ServedModel, rows: Array, units: Sequence[int], output: Array, options: GuaranteeOptions
) -> Generator[None, None, list[bytes]]:
    """Return the guarantees of each row as JSON fields, each after a comma.

    Args:
        model: Model that predicts.
        rows: Rows, float32 [batch, features].
        units: Index of the explained unit of each row.
        output: Output of the run, [batch, outputs].
        options: Guarantees that the request asks for.

    Yields:
        None between two parts of the work.
    """
    texts, ranges = list[bytes](), activation_ranges(model.network)
    yield
    for row, unit, own in zip(rows, units, output, strict=True):
        text = b""
        if options.stability is not None:
            found = yield from stability.row_stability(model, ranges, row, options.stability, unit=unit, output=own)
            text += b',"stability":' + orjson.dumps(found)
        if options.counterfactual is not None:
            found = yield from counterfactuals.row_counterfactual(model, ranges, row, options.counterfactual)
            text += b',"counterfactual":' + orjson.dumps(found)
        texts.append(text)
        yield
    return texts

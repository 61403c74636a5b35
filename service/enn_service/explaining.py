"""Explaining: what an explain request may ask for on either protocol, and the text of its explanations."""

from dataclasses import dataclass

from enn_service import attributions
from enn_service.errors import InvalidRequestError
from enn_service.model import Model
from enn_service.results import Outside
from enn_service.session import EXPLANATION, Array

PARAMETERS = {"output", "harmonics", "attributions", "background", "baseline", "permutations"}
TENSORS = EXPLANATION
ATTRIBUTING_NANOSECONDS = 5_000_000
MAX_NUMBERS = 1_000_000
"""The most numbers in the explanations of one request: some tens of megabytes of JSON."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be explained, and how.

    Attributes:
        output: The label or name of the unit; None for that of each row's prediction.
        harmonics: Whether each bump is split into the terms of its series.
        attributions: How the pre-activation is shared out among the features; None where that is not asked.
        numbers: How many numbers the explanation of a row has.
    """

    output: object
    harmonics: bool
    attributions: attributions.Question | None
    numbers: int

    @property
    def besides(self) -> int:
        """About how many nanoseconds the attributions take: more than the event loop has for one request."""
        return ATTRIBUTING_NANOSECONDS if self.attributions else 0


def read_wish(model: Model, parameters: object, rows: int) -> Wish:
    """Return what the parameters of a request ask for.

    Raises:
        InvalidRequestError: A parameter is not known or has no such value, or the answer would be too large.
    """
    given = {} if parameters is None else parameters
    if not isinstance(given, dict):
        raise InvalidRequestError(f"parameters: {given!r:.60}; expected an object")
    if unknown := sorted(set(given) - PARAMETERS):
        raise InvalidRequestError(f"parameters.{unknown[0][:60]}: not known; expected {sorted(PARAMETERS)}")
    harmonics = given.get("harmonics", False)
    if not isinstance(harmonics, bool):
        raise InvalidRequestError(f"parameters.harmonics: {harmonics!r:.60}; expected true or false")
    output = given.get("output")
    if output is not None:
        model.results.unit(output)
    numbers = model.card.layers[-2] * (3 + (model.card.harmonics if harmonics else 0))
    if rows * numbers > MAX_NUMBERS:
        raise InvalidRequestError(
            f"{rows} rows have {rows * numbers} numbers to explain; send rows with at most {MAX_NUMBERS}"
        )
    return Wish(output, harmonics, attributions.read_question(model, given), numbers)


def explanations(model: Model, rows: Array, outside: Outside | None, wish: Wish, tensors: tuple[Array, Array]) -> bytes:
    """Return the JSON list of explanations, one a row.

    Args:
        model: The model.
        rows: Its inputs, float32 [batch, features].
        outside: Which of them lie outside their training range.
        wish: What is asked for.
        tensors: What the run gave for TENSORS.
    """
    output, bumps = tensors
    units = model.results.chosen_units(output, wish.output)
    shares = attributions.attribute(model, rows, units, wish.attributions) if wish.attributions else None
    return model.results.explanations(rows, units, bumps, outside, harmonics=wish.harmonics, attributions=shares)

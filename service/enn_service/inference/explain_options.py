"""Explaining: what an explain request may ask for on either protocol, and the text of its explanations."""

from typing import NamedTuple

from enn_service.errors import InvalidRequestError, describe_value
from enn_service.inference import attributions
from enn_service.inference.types import Batch
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import Array

PARAMETERS = {"output", "outputs", "top", "harmonics", "attributions", "background", "baseline", "permutations"}
ATTRIBUTING_NANOSECONDS = 5_000_000
MAX_NUMBERS = 1_000_000
"""The most numbers in the explanations of one request: some tens of megabytes of JSON."""


class ExplainOptions(NamedTuple):
    """What is to be explained, and how.

    Attributes:
        numbers: Number of numbers in the explanation of a row.
        output: The label or name of the unit; None for that of each row's prediction.
        outputs: The units, where several are asked for; None where one is.
        top: Number of bumps returned, the largest first; None for all in the order of the neurons.
        harmonics: True to split each bump into the terms of its series.
        question: Method of the attributions to features, with its options; None without attributions.
    """

    numbers: int
    output: object = None
    outputs: list[int] | None = None
    top: int | None = None
    harmonics: bool = False
    question: attributions.AttributionOptions | None = None

    @property
    def plain(self) -> bool:
        """Whether nothing in particular is asked for."""
        return self[1:] == DEFAULT_OPTIONS

    @property
    def besides(self) -> int:
        """About how many nanoseconds the attributions take: more than the event loop has for one request."""
        return ATTRIBUTING_NANOSECONDS if self.question else 0


DEFAULT_OPTIONS = ExplainOptions(0)[1:]


def parse_explain_options(model: ServedModel, parameters: object, rows: int) -> ExplainOptions:
    """Return what the parameters of a request ask for.

    Raises:
        InvalidRequestError: A parameter is not known or has no such value, or the answer would be too large.
    """
    if parameters is None and rows * model.explanation_encoder.numbers_per_row <= MAX_NUMBERS:
        return ExplainOptions(model.explanation_encoder.numbers_per_row)
    given = {} if parameters is None else parameters
    if not isinstance(given, dict):
        raise InvalidRequestError(f"parameters: {describe_value(given)}; expected an object")
    if unknown := sorted(set(given) - PARAMETERS):
        raise InvalidRequestError(f"parameters.{unknown[0][:60]}: not known; expected {sorted(PARAMETERS)}")
    harmonics = given.get("harmonics", False)
    if not isinstance(harmonics, bool):
        raise InvalidRequestError(f"parameters.harmonics: {describe_value(harmonics)}; expected true or false")
    output, top = given.get("output"), given.get("top")
    if output is not None:
        model.prediction_encoder.output_index(output)
    outputs = _read_outputs(model, given.get("outputs"))
    if outputs and output is not None:
        raise InvalidRequestError("parameters: output and outputs are given; expected one of the two")
    if top is not None and (type(top) is not int or top < 1):
        raise InvalidRequestError(f"parameters.top: {describe_value(top)}; expected a number of bumps, at least 1")
    told = min(top or model.card.layers[-2], model.card.layers[-2])
    numbers = model.explanation_encoder.numbers_per_bump + (1 + model.card.harmonics if harmonics else 0)
    numbers *= told * len(outputs or [0])
    if rows * numbers > MAX_NUMBERS:
        raise InvalidRequestError(
            f"{rows} rows have {rows * numbers} numbers to explain; send rows with at most {MAX_NUMBERS}, "
            "or ask for the top bumps"
        )
    return ExplainOptions(
        numbers, output, outputs, top, harmonics, attributions.parse_attribution_options(model, given)
    )


def _read_outputs(model: ServedModel, given: object) -> list[int] | None:
    """Return the units of a list of labels or names; None where none is given."""
    if given is None:
        return None
    if given == "all":
        return list(range(model.network.units))
    if not isinstance(given, list) or not given:
        raise InvalidRequestError(f'parameters.outputs: {describe_value(given)}; expected "all" or a list of outputs')
    units = [
        model.prediction_encoder.output_index(output, f"parameters.outputs[{index}]")
        for index, output in enumerate(given)
    ]
    if len(set(units)) != len(units):
        raise InvalidRequestError("parameters.outputs: one stands twice")
    return units


def encode_explanations(
    model: ServedModel, batch: Batch, options: ExplainOptions, tensors: tuple[Array, Array]
) -> bytes:
    """Return the JSON list of explanations, one a row; of several outputs a row has {"outputs": [one of each, ...]}.

    Args:
        model: The model.
        batch: Validated rows of the request.
        options: Options of the request.
        tensors: The outputs EXPLAIN_OUTPUTS.
    """
    output, bumps = tensors
    if isinstance(batch.rows, list) and options.plain and model.explanation_encoder.has_row_path:
        return b"[%b]" % model.explanation_encoder.encode_row(output[0].tolist(), bumps[0].tolist())
    rows, wish, outside = batch.array(), options, batch.out_of_range
    found = attributions.compute_attributions(model, rows, wish.question) if wish.question else None
    flags = model.explanation_encoder.encode_out_of_range(len(rows), outside)

    def told(units: list[int], starts: list[bytes]) -> list[bytes]:
        if found is None:
            tails = [b"%b}" % start for start in starts]
        else:
            texts = attributions.encode_attributions(model, found, units)
            tails = [b'%b,"attributions":%b}' % pair for pair in zip(starts, texts, strict=True)]
        return model.explanation_encoder.encode(rows, units, bumps, tails, harmonics=wish.harmonics, top=wish.top)

    if wish.outputs is None:
        return b"[%b]" % b",".join(told(model.prediction_encoder.explained_outputs(output, wish.output), flags))
    every = [told([unit] * len(rows), [b""] * len(rows)) for unit in wish.outputs]
    several = zip(zip(*every, strict=True), flags, strict=True)
    return b"[%b]" % b",".join([b'{"outputs":[%b]%b}' % (b",".join(each), flag) for each, flag in several])

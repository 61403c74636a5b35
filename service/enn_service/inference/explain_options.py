"""Explaining: what an explain request may ask for on either protocol, and the text of its explanations."""

from typing import Annotated, Any, Literal, NamedTuple, get_args

from msgspec import Meta

from enn_service.errors import InvalidRequestError
from enn_service.inference import attributions
from enn_service.inference.types import Batch
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import Array

ATTRIBUTING_NANOSECONDS = 5_000_000
MAX_NUMBERS = 1_000_000
"""The most numbers in the explanations of one request: some tens of megabytes of JSON."""


LABEL_SCHEMA: dict[str, Any] = {"anyOf": [{"type": kind} for kind in ("string", "integer", "boolean")]}


class ExplainParameters(attributions.AttributionParameters, gc=False):
    """What to explain: an output unit (default: the predicted class), split into harmonics or features on request.

    Instead of one output several may be named, or "all"; of many bumps the `top` largest are enough, and the rest as
    one sum.
    Attributions compare with the background (shapley; default: training rows that the card carries) or the baseline
    (integrated_gradients; default: the mean of the training rows). For several hidden layers Shapley values are
    sampled, by name.
    """

    output: Annotated[Any, Meta(extra_json_schema={"anyOf": [*LABEL_SCHEMA["anyOf"], {"type": "null"}]})] = None
    outputs: (
        Literal["all"] | Annotated[list[Any], Meta(min_length=1, extra_json_schema={"items": LABEL_SCHEMA})] | None
    ) = None
    top: Annotated[int, Meta(ge=1)] | None = None
    harmonics: bool = False


PARAMETERS = ExplainParameters.__struct_fields__
"""Names of the parameters."""
EXPECTED_PARAMETERS = {
    "parameters": "an object",
    "parameters.outputs": '"all" or a list of outputs',
    "parameters.top": "a number of bumps, at least 1",
    "parameters.harmonics": "true or false",
    "parameters.attributions": f"one of {get_args(attributions.Method)}",
    "parameters.permutations": f"a whole number from 1 to {attributions.MAX_PERMUTATIONS}",
}
"""Text of what is expected, by place in the body."""
NO_PARAMETERS = ExplainParameters()


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


def parse_explain_options(model: ServedModel, parameters: ExplainParameters | None, rows: int) -> ExplainOptions:
    """Return what the parameters of a request ask for.

    Raises:
        InvalidRequestError: The model has no such output, or the answer would be too large.
    """
    if parameters is None:
        if rows * model.explanation_encoder.numbers_per_row <= MAX_NUMBERS:
            return ExplainOptions(model.explanation_encoder.numbers_per_row)
        parameters = NO_PARAMETERS
    output, top, harmonics = parameters.output, parameters.top, parameters.harmonics
    if output is not None:
        model.prediction_encoder.output_index(output)
    outputs = _read_outputs(model, parameters.outputs)
    if outputs and output is not None:
        raise InvalidRequestError("parameters: output and outputs are given; expected one of the two")
    told = min(top or model.card.layers[-2], model.card.layers[-2])
    numbers = model.explanation_encoder.numbers_per_bump + (1 + model.card.harmonics if harmonics else 0)
    numbers *= told * len(outputs or [0])
    if rows * numbers > MAX_NUMBERS:
        raise InvalidRequestError(
            f"{rows} rows have {rows * numbers} numbers to explain; send rows with at most {MAX_NUMBERS}, "
            "or ask for the top bumps"
        )
    question = attributions.parse_attribution_options(model, parameters)
    return ExplainOptions(numbers, output, outputs, top, harmonics, question)


def _read_outputs(model: ServedModel, given: list[Any] | str | None) -> list[int] | None:
    """Return the units of a list of labels or names; None where none is given."""
    if given is None:
        return None
    if isinstance(given, str):  # all of them
        return list(range(model.network.units))
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

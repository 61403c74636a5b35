"""Options of an explain request on either protocol, and the JSON text of its explanations."""

from collections.abc import Generator, Sequence
from functools import cache, partial
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct

from enn_models.explanations.methods import MAX_PERMUTATIONS, Method
from enn_service.errors import InvalidRequestError
from enn_service.inference import attributions
from enn_service.inference.attributions import AttributionOptions
from enn_service.inference.guarantees import options as guarantees
from enn_service.inference.guarantees.counterfactuals import CounterfactualParameters
from enn_service.inference.guarantees.options import GuaranteeOptions
from enn_service.inference.guarantees.stability import StabilityParameters
from enn_service.inference.types import Batch
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import Array

MIN_ATTRIBUTION_NS = 5_000_000
"""Least estimated time of attributions: more than the event loop does for one request."""
HARMONIC_NS = 15
"""Estimated time to compute one harmonic of a neuron."""
MAX_NUMBERS = 1_000_000
"""Maximum count of numbers in the explanations of one request: some tens of megabytes of JSON."""


Coverage = Annotated[float, Meta(gt=0, lt=1)]
EXPECTED_COVERAGE = "a number between 0 and 1, without both"

LABEL_SCHEMA = {"$ref": "#/components/schemas/Label"}
"""JSON schema of a class label, which the OpenAPI document defines."""


class ExplainParameters(attributions.AttributionParameters, gc=False):
    """What to explain: an output unit (default: the predicted class), split into harmonics or features on request.

    `outputs` explains several outputs, or "all", instead of one. `top` returns the largest bumps, and the others as one
    sum. Attributions compare with the background (shapley; default: training rows of the card) or with the baseline
    (integrated_gradients; default: the mean of the training rows). For several hidden layers, "sampled_shapley" samples
    Shapley values. `interactions` divides exact Shapley values among the pairs of features. Stability and
    counterfactual are of each row, so they are for one output. `coverage` is that of predict.
    """

    output: Annotated[Any, Meta(extra_json_schema={"anyOf": [LABEL_SCHEMA, {"type": "null"}]})] = None
    outputs: (
        Literal["all"] | Annotated[list[Any], Meta(min_length=1, extra_json_schema={"items": LABEL_SCHEMA})] | None
    ) = None
    top: Annotated[int, Meta(ge=1)] | None = None
    harmonics: bool = False
    stability: StabilityParameters | None = None
    counterfactual: CounterfactualParameters | None = None
    coverage: Coverage | None = None


PARAMETERS = ExplainParameters.__struct_fields__
"""Names of the parameters."""
EXPECTED_PARAMETERS = {
    "parameters": "an object",
    "parameters.outputs": '"all" or a list of outputs',
    "parameters.top": "a number of bumps, at least 1",
    "parameters.harmonics": "true or false",
    "parameters.attributions": f"one of {get_args(Method)}",
    "parameters.interactions": "true or false",
    "parameters.coverage": EXPECTED_COVERAGE,
    "parameters.permutations": f"a whole number from 1 to {MAX_PERMUTATIONS}",
    **guarantees.EXPECTED,
}
"""Text of what is expected, by place in the body."""
CLOSED = {"parameters": PARAMETERS, **guarantees.CLOSED}
"""Known fields of the objects that accept no others, by place."""
NO_PARAMETERS = ExplainParameters()


class ExplainOptions(Struct, frozen=True):
    """Checked options of an explain request.

    Attributes:
        numbers: Count of numbers in the explanation of a row.
        output: Label or name of the output; None for the predicted class of each row.
        outputs: Indices of several outputs; None for one output.
        top: Number of bumps returned, the largest first; None for all in the order of the neurons.
        harmonics: True to split each bump into the terms of its series.
        attributions: Method of the attributions to features, with its options; None without attributions.
        guarantees: Stability and counterfactual of each row; None without both.
        coverage: Share of rows whose interval or label set has the truth; None without intervals and sets.
        is_default: True if the request has no options.
        extra_cost_ns: Estimated time besides the run of the network, in nanoseconds.
    """

    numbers: int
    output: object = None
    outputs: list[int] | None = None
    top: int | None = None
    harmonics: bool = False
    attributions: AttributionOptions | None = None
    guarantees: GuaranteeOptions | None = None
    coverage: float | None = None
    is_default: bool = False
    extra_cost_ns: int = 0


def parse_explain_options(model: ServedModel, parameters: ExplainParameters | None, rows: int) -> ExplainOptions:
    """Return the options of a request, checked against the model.

    Raises:
        InvalidRequestError: The model has no such output, or the response would be too large.
    """
    if parameters is None:
        if rows * model.explanation_encoder.numbers_per_row <= MAX_NUMBERS:
            return ExplainOptions(model.explanation_encoder.numbers_per_row, is_default=True)
        parameters = NO_PARAMETERS
    output, top, harmonics = parameters.output, parameters.top, parameters.harmonics
    if output is not None:
        model.prediction_encoder.output_index(output)
    outputs = _read_outputs(model, parameters.outputs)
    if outputs and output is not None:
        raise InvalidRequestError("parameters: output and outputs are given; expected one of the two")
    bumps = min(top or model.card.layers[-2], model.card.layers[-2])
    numbers = model.explanation_encoder.numbers_per_bump + (1 + model.card.harmonics if harmonics else 0)
    numbers *= bumps
    if parameters.interactions:
        numbers += len(model.card.features) ** 2
    numbers *= len(outputs or [0])
    if rows * numbers > MAX_NUMBERS:
        raise InvalidRequestError(
            f"{rows} rows have {rows * numbers} numbers to explain; send rows with at most {MAX_NUMBERS}, "
            + ("or leave the interactions out" if parameters.interactions else "or ask for the top bumps"),
            max_rows=MAX_NUMBERS // numbers,
        )
    attribution = attributions.parse_attribution_options(model, parameters)
    extra = 0
    if attribution is not None:
        extra = max(MIN_ATTRIBUTION_NS, int(rows * attributions.row_cost_ns(model, attribution)))
    if harmonics:
        extra += rows * HARMONIC_NS * model.card.layers[-2] * model.card.harmonics
    guarantee = guarantees.parse_guarantees(model, parameters.stability, parameters.counterfactual, output, outputs)
    if guarantee is not None:
        extra += rows * guarantee.row_cost_ns(model)
        numbers += guarantee.numbers(model)
    covered_numbers, covered_ns = model.coverage_encoder.row_cost(parameters.coverage)
    numbers, extra = numbers + covered_numbers, extra + rows * covered_ns
    return ExplainOptions(
        numbers, output, outputs, top, harmonics, attribution, guarantee, parameters.coverage, extra_cost_ns=extra
    )


def _read_outputs(model: ServedModel, given: list[Any] | str | None) -> list[int] | None:
    """Return the indices of outputs given by labels or names, or as "all"; None if none are given."""
    if given is None:
        return None
    if isinstance(given, str):  # "all", the only accepted string
        return list(range(model.network.units))
    units = [
        model.prediction_encoder.output_index(output, f"parameters.outputs[{index}]")
        for index, output in enumerate(given)
    ]
    if len(set(units)) != len(units):
        raise InvalidRequestError("parameters.outputs: an output is given twice")
    return units


def encode_plain_row(model: ServedModel, options: ExplainOptions, tensors: Sequence[Array]) -> bytes | None:
    """Return the explanation of a row within its training ranges; None if its options or model need arrays.

    Args:
        model: Model that explains.
        options: Options of the request.
        tensors: Tensors of EXPLAIN_OUTPUTS: output and bumps.
    """
    if not (options.is_default and model.explanation_encoder.has_row_path):
        return None
    return model.explanation_encoder.encode_row(tensors[0][0].tolist(), tensors[1][0].tolist())


def explanation_bytes(model: ServedModel, options: ExplainOptions) -> int:
    """Return the estimated length of the explanation of a row."""
    neurons, attributed = model.card.layers[-2], options.attributions
    guaranteed = 0 if options.guarantees is None else options.guarantees.bytes_per_row(model)
    return guaranteed + len(options.outputs or [0]) * model.explanation_encoder.bytes_per_row(
        min(options.top or neurons, neurons),
        harmonics=options.harmonics,
        attributions=attributed is not None,
        interactions=attributed is not None and attributed.interactions,
    )


def encode_explanations(
    model: ServedModel, batch: Batch, options: ExplainOptions, tensors: tuple[Array, Array]
) -> Generator[None, None, list[bytes]]:
    """Return the explanations as JSON objects, one for each row.

    With several outputs the explanation of a row is {"outputs": [one for each output]}.

    Args:
        model: Model that explains.
        batch: Validated rows of the request.
        options: Options of the request.
        tensors: Tensors of EXPLAIN_OUTPUTS: output and bumps.

    Yields:
        None between two parts of the work.
    """
    output, bumps = tensors
    rows, encoder = batch.array(), model.explanation_encoder
    columns = cache(partial(model.unknown_values.encode, rows, batch.unknown))
    by_place = (
        [model.prediction_encoder.explained_outputs(output, options.output)]
        if options.outputs is None
        else [[unit] * len(rows) for unit in options.outputs]
    )
    attributed = None
    if options.attributions is not None:
        units_of_rows = list(zip(*by_place, strict=True))
        attributed = yield from attributions.compute_attributions(model, columns(), options.attributions, units_of_rows)
    flags = _encode_flags(model, batch)

    def encode(place: int, starts: list[bytes]) -> list[bytes]:
        units = by_place[place]
        if attributed is None:
            tails = [b"%b}" % start for start in starts]
        else:
            texts = attributions.encode_attributions(model, attributed, units, place)
            tails = [b'%b,"attributions":%b}' % pair for pair in zip(starts, texts, strict=True)]
        return encoder.encode(columns, units, bumps, tails, harmonics=options.harmonics, top=options.top)

    if options.outputs is None:
        if options.guarantees is not None:
            _refuse_averaged(batch)
            added = yield from guarantees.encode_guarantees(model, rows, by_place[0], output, options.guarantees)
            flags = [b"%b%b" % pair for pair in zip(flags, added, strict=True)]
        return encode(0, flags)
    by_output = []
    for place in range(len(options.outputs)):
        by_output.append(encode(place, [b""] * len(rows)))
        yield
    by_row = zip(zip(*by_output, strict=True), flags, strict=True)
    return [b'{"outputs":[%b]%b}' % (b",".join(each), flag) for each, flag in by_row]


def _encode_flags(model: ServedModel, batch: Batch) -> list[bytes]:
    """Return the part of each explanation that names values out of range and unknown values."""
    flags = model.explanation_encoder.encode_out_of_range(batch.size, batch.out_of_range)
    if batch.unknown is not None:
        for row, names in model.prediction_encoder.out_of_range.named(batch.unknown.flags):
            flags[row] += b',"unknown":%b' % names
    return flags


def _refuse_averaged(batch: Batch) -> None:
    """Refuse guarantees of rows with a value that counts as a mean: the surroundings of such a row are not defined."""
    if batch.unknown is not None and len(rows := batch.unknown.averaged_rows):
        raise InvalidRequestError(
            f"row {batch.first + int(rows[0])} has an unknown value; stability and counterfactuals need known values"
        )

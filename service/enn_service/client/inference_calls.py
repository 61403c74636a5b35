"""The calls with rows: predict, explain and infer."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypedDict, Unpack

from numpy.typing import NDArray

from enn_models.explanations.results import Explanations, OutputExplanations
from enn_service.client import errors, explanation_parser, tensors
from enn_service.client.calls import JSON, Label, RowsCall
from enn_service.client.rows import Row, Rows, Table, to_json, to_matrix, to_single_row, to_table
from enn_service.http import paths

BINARY_FROM = 4096
"""Number of values from which `infer` sends binary tensors by default: JSON would cost more than the network."""
ALIGNED = 8
"""Alignment of a binary tensor in bytes: a service can use an aligned tensor without a copy."""
BINARY = {"content-type": "application/octet-stream"}

Outputs = Literal["all"] | Sequence[Label]
"""Class labels or names of outputs; "all" for every output."""
OutputTensor = Literal["output", "bumps", "pre_activation"]
OUTPUT: tuple[OutputTensor, ...] = ("output",)
AttributionMethod = Literal["shapley", "integrated_gradients", "sampled_shapley"]


class ExplainParameters(TypedDict, total=False):
    """Options of an explanation; `Client.explain` describes them."""

    output: Label | None
    top: int | None
    harmonics: bool
    attributions: AttributionMethod | None
    background: Rows | None
    baseline: Row | None
    permutations: int | None
    interactions: bool
    stability: float | Mapping[str, Any] | None
    counterfactual: Mapping[str, Any] | None
    coverage: float | None


def predict(model: str, rows: Rows, version: str | None, coverage: float | None = None) -> RowsCall[list[Any]]:
    """Return the call that predicts rows, by KServe V1."""
    return RowsCall(
        model,
        version,
        paths.PREDICT,
        to_table(rows),
        _instances_body,
        lambda response, _: list(response.json()["predictions"]),
        lambda parts, _: [prediction for part in parts for prediction in part],
        {} if coverage is None else {"coverage": coverage},
    )


def explain(
    model: str, rows: Rows, version: str | None, **parameters: Unpack[ExplainParameters]
) -> RowsCall[Explanations]:
    """Return the call that predicts and explains rows, by KServe V1."""
    return RowsCall(
        model,
        version,
        paths.EXPLAIN,
        to_table(rows),
        _instances_body,
        lambda response, table: explanation_parser.explanations(response.json(), table.instances),
        lambda parts, table: explanation_parser.join(parts, table.index),
        _explain_parameters(**parameters),
    )


def explain_outputs(
    model: str, rows: Rows, version: str | None, outputs: Outputs, **parameters: Unpack[ExplainParameters]
) -> RowsCall[OutputExplanations]:
    """Return the call that predicts rows and explains several outputs of each, by KServe V1."""
    chosen = outputs if isinstance(outputs, str) else _listed(outputs, "outputs", 'labels, or "all"')
    return RowsCall(
        model,
        version,
        paths.EXPLAIN,
        to_table(rows),
        _instances_body,
        lambda response, table: explanation_parser.explanations_of_outputs(response.json(), table.instances),
        lambda parts, table: explanation_parser.join_outputs(parts, table.index),
        {"outputs": chosen, **_explain_parameters(**parameters)},
    )


def _explain_parameters(
    *,
    output: Label | None = None,
    top: int | None = None,
    harmonics: bool = False,
    attributions: AttributionMethod | None = None,
    background: Rows | None = None,
    baseline: Row | None = None,
    permutations: int | None = None,
    interactions: bool = False,
    stability: float | Mapping[str, Any] | None = None,
    counterfactual: Mapping[str, Any] | None = None,
    coverage: float | None = None,
) -> dict[str, Any]:
    """Return the parameters of an explain request, without those that have their default."""
    given = {
        "output": output,
        "top": top,
        "harmonics": harmonics or None,
        "attributions": attributions,
        "background": None if background is None else to_table(background),
        "baseline": None if baseline is None else to_single_row(baseline, "baseline"),
        "permutations": permutations,
        "interactions": interactions or None,
        "stability": {"tolerance": stability} if isinstance(stability, int | float) else stability,
        "counterfactual": counterfactual,
        "coverage": coverage,
    }
    return {name: value for name, value in given.items() if value is not None}


def _instances_body(table: Table, parameters: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
    """Return the body of a V1 request."""
    given = {name: value.instances if isinstance(value, Table) else value for name, value in parameters.items()}
    if "baseline" in given:
        (given["baseline"],) = given["baseline"]
    return to_json({"instances": table.instances} | ({"parameters": given} if given else {})), JSON


def infer(
    model: str,
    rows: Rows,
    version: str | None,
    outputs: Sequence[OutputTensor],
    *,
    binary: bool | None,
    coverage: float | None = None,
) -> RowsCall[dict[str, NDArray[Any]]]:
    """Return the call that runs the network on a tensor, by Open Inference Protocol V2."""
    table = Table(to_matrix(rows))
    as_bytes = table.instances.size >= BINARY_FROM if binary is None else binary
    names = _listed(outputs, "outputs", "names of tensors")
    return RowsCall(
        model,
        version,
        paths.INFER,
        table,
        partial(_tensor_body, names, as_bytes),
        lambda response, _: tensors.read(response.headers, response.body),
        lambda parts, _: tensors.join(parts),
        {} if coverage is None else {"coverage": coverage, "binary_data_output": as_bytes},
    )


def _tensor_body(
    names: Sequence[str],
    binary: bool,  # noqa: FBT001  (bound by `partial`)
    table: Table,
    parameters: Mapping[str, Any],
) -> tuple[bytes, dict[str, str]]:
    """Return the body of a V2 request: JSON, followed by the bytes of a binary tensor."""
    array, given = table.instances, {"parameters": parameters} if parameters else {}
    tensor = tensors.described("input", array)
    wanted = [{"name": name, "parameters": {"binary_data": binary}} for name in names]
    if not binary:
        return to_json({"inputs": [{**tensor, "data": array.ravel()}], "outputs": wanted, **given}), JSON
    tail = array.tobytes()
    sized = {**tensor, "parameters": {"binary_data_size": len(tail)}}
    head = to_json({"inputs": [sized], "outputs": wanted, **given})
    head += b" " * (-len(head) % ALIGNED)
    return head + tail, {**BINARY, tensors.HEADER: str(len(head))}


def _listed(values: Iterable[Any], name: str, expected: str) -> list[Any]:
    """Return several values of an argument as a list."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise errors.InvalidArgumentError(f"{name}: {values!r:.60}; expected a list of {expected}")
    return list(values)

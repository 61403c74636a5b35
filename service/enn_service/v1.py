"""KServe V1: the bytes of a predict or explain request to the bytes of its answer.

Source: the KServe V1 protocol, https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol
"""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_service import results
from enn_service.attributions import attribute, read_question
from enn_service.errors import InvalidRequestError
from enn_service.model import Model
from enn_service.rows import read_rows

EXPLAIN_PARAMETERS = {"output", "harmonics", "attributions", "background", "baseline", "permutations"}
MAX_NUMBERS = 1_000_000
"""The most numbers in the explanations of one request: some tens of megabytes of JSON."""


def predict(model: Model, body: bytes) -> bytes:
    """Answer {"instances": [...]} or {"inputs": [...]} with {"predictions": [...]}, one per row.

    Raises:
        InvalidRequestError: The body is not such an object, or a row in it is not what the model takes.
    """
    rows, _ = _read(model, body)
    (output,) = model.session.run(rows, ("output",))
    answer: dict[str, Any] = {"predictions": results.predictions(model.card, output)}
    if outside := model.out_of_range(rows):
        answer["out_of_range"] = [{"row": row, "features": features} for row, features in outside.items()]
    return orjson.dumps(answer)


def explain(model: Model, body: bytes) -> bytes:
    """Answer as predict does, with "explanations" beside the predictions, one per row.

    Raises:
        InvalidRequestError: As for predict; or a parameter is not known or has no such value.
    """
    rows, request = _read(model, body)
    parameters = _explain_parameters(request.get("parameters"))
    harmonics, question = parameters.get("harmonics", False), read_question(model, parameters)
    _check_size(model, len(rows), harmonics=harmonics)
    output, bumps = model.session.run(rows, ("output", "bumps"))
    units = results.chosen_units(model.card, output, parameters.get("output"))
    explanations = results.explanations(model, rows, units, bumps, harmonics=harmonics)
    if question is not None:
        for explanation, attributions in zip(explanations, attribute(model, rows, units, question), strict=True):
            explanation["attributions"] = attributions
    return orjson.dumps({"predictions": results.predictions(model.card, output), "explanations": explanations})


def parse_object(body: bytes) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        InvalidRequestError: The body is no JSON, has a number beyond float64, or is no object.
    """
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(f"the body is no JSON: {error}") from None
    if not isinstance(request, dict):
        raise InvalidRequestError(f"the body is a JSON {type(request).__name__}; expected an object")
    return request


def _read(model: Model, body: bytes) -> tuple[NDArray[np.float32], dict[str, Any]]:
    request = parse_object(body)
    given = [field for field in ("instances", "inputs") if field in request]
    if len(given) != 1:
        raise InvalidRequestError(f'the body has {given or "no rows"}; expected one of "instances" and "inputs"')
    rows = read_rows(model.card, request[given[0]], given[0])
    model.check_reach(rows, given[0])
    return rows, request


def _check_size(model: Model, rows: int, *, harmonics: bool) -> None:
    numbers = rows * model.card.layers[-2] * (3 + (model.card.harmonics if harmonics else 0))
    if numbers > MAX_NUMBERS:
        raise InvalidRequestError(
            f"{rows} rows have {numbers} numbers to explain; send rows with at most {MAX_NUMBERS}"
        )


def _explain_parameters(parameters: object) -> dict[str, Any]:
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise InvalidRequestError(f"parameters: {parameters!r:.60}; expected an object")
    if unknown := sorted(set(parameters) - EXPLAIN_PARAMETERS):
        raise InvalidRequestError(f"parameters.{unknown[0][:60]}: not known; expected {sorted(EXPLAIN_PARAMETERS)}")
    harmonics = parameters.get("harmonics", False)
    if not isinstance(harmonics, bool):
        raise InvalidRequestError(f"parameters.harmonics: {harmonics!r:.60}; expected true or false")
    return parameters

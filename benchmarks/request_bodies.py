"""Benchmark the decoders of request bodies: msgspec Structs against orjson and checks by hand.

`python -m benchmarks.request_bodies` prints a Markdown table.
"""

import gc
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

from enn_service.inference.explain_options import PARAMETERS
from enn_service.protocols import request_bodies
from enn_service.protocols.body_decoder import BodyDecoder
from enn_service.protocols.datatypes import DATATYPES

ROUNDS, CALLS = 100, 500
RANDOM = np.random.default_rng(0)


def checked_predict(text: bytes) -> Any:  # noqa: ANN401  (JSON)
    """Decode a V1 predict request with orjson and check it by hand."""
    body = orjson.loads(text)
    if not isinstance(body, dict):
        raise TypeError("not an object")
    if ("instances" in body) == ("inputs" in body):
        raise ValueError("not one of instances and inputs")
    return body


def checked_explain(text: bytes) -> Any:  # noqa: ANN401  (JSON)
    """Decode a V1 explain request with orjson and check it by hand."""
    body = checked_predict(text)
    parameters = body.get("parameters")
    if parameters is None:
        return body
    if not isinstance(parameters, dict) or set(parameters) - set(PARAMETERS):
        raise ValueError("parameters")
    _check(parameters, "harmonics", bool)
    _check(parameters, "top", int)
    if parameters.get("top") is not None and parameters["top"] < 1:
        raise ValueError("top")
    outputs = parameters.get("outputs")
    if outputs is not None and outputs != "all" and (not isinstance(outputs, list) or not outputs):
        raise ValueError("outputs")
    return body


def checked_infer(text: bytes) -> Any:  # noqa: ANN401  (JSON)
    """Decode a V2 infer request with orjson and check it by hand."""
    body = orjson.loads(text)
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise ValueError("inputs")
    tensor, outputs = inputs[0], body.get("outputs")
    shape, datatype = tensor.get("shape"), tensor.get("datatype")
    if tensor.get("name") != "input" or not isinstance(shape, list) or len(shape) != 2 or {*map(type, shape)} != {int}:
        raise ValueError("tensor")
    if not isinstance(datatype, str) or datatype not in DATATYPES:
        raise ValueError("datatype")
    for holder, name in ((tensor, "parameters"), (body, "parameters")):
        _check(holder, name, dict)
    _check(body, "id", str)
    _check(tensor.get("parameters") or {}, "binary_data_size", int)
    _check(body.get("parameters") or {}, "binary_data_output", bool)
    if outputs is not None:
        if not isinstance(outputs, list) or not outputs:
            raise ValueError("outputs")
        for output in outputs:
            if not isinstance(output, dict) or not isinstance(output.get("name"), str):
                raise TypeError("output")
            _check(output, "parameters", dict)
            _check(output.get("parameters") or {}, "binary_data", bool)
            _check(output.get("parameters") or {}, "classification", int)
    return body


def _check(values: dict[str, Any], name: str, kind: type) -> None:
    value = values.get(name)
    if value is not None and type(value) is not kind:
        raise ValueError(name)


def requests(rows: int) -> dict[str, tuple[BodyDecoder[Any], Callable[[bytes], Any], bytes]]:
    """Return the decoder, its counterpart by hand and the body of each kind of request.

    Args:
        rows: Number of rows of two features.
    """
    values = RANDOM.uniform(-1, 1, (rows, 2)).round(6).tolist()
    tensor = {
        "name": "input",
        "shape": [rows, 2],
        "datatype": "FP32",
        "data": [value for row in values for value in row],
    }
    outputs = [{"name": "output"}, {"name": "bumps", "parameters": {"binary_data": False}}]
    parameters = {"output": 1, "top": 3, "harmonics": False}
    bodies: dict[str, tuple[BodyDecoder[Any], Callable[[bytes], Any], dict[str, Any]]] = {
        "V1 predict": (request_bodies.PREDICT, checked_predict, {"instances": values}),
        "V1 explain with options": (
            request_bodies.EXPLAIN,
            checked_explain,
            {"instances": values, "parameters": parameters},
        ),
        "V2 infer": (request_bodies.INFER, checked_infer, {"inputs": [tensor]}),
        "V2 infer with outputs": (
            request_bodies.INFER,
            checked_infer,
            {"id": "42", "inputs": [tensor], "outputs": outputs},
        ),
    }
    return {
        name: (decoder, by_hand, json.dumps(body, separators=(",", ":")).encode())
        for name, (decoder, by_hand, body) in bodies.items()
    }


def least_microseconds(*functions: Callable[[bytes], Any], text: bytes) -> list[float]:
    """Return the least CPU time of a call of each function, in microseconds; the functions take turns."""
    least = [float("inf")] * len(functions)
    for _ in range(ROUNDS):
        for index, function in enumerate(functions):
            started = time.thread_time_ns()
            for _ in range(CALLS):
                function(text)
            least[index] = min(least[index], (time.thread_time_ns() - started) / CALLS / 1000)
    return least


def main() -> None:
    """Print the table."""
    gc.disable()
    print("| request | rows | orjson and checks, µs | msgspec, µs | ratio |\n|---|---|---|---|---|")
    for rows in (1, 10, 100):
        for name, (decoder, by_hand, text) in requests(rows).items():
            checked, decoded = least_microseconds(by_hand, decoder.decode, text=text)
            print(f"| {name} | {rows} | {checked:.2f} | {decoded:.2f} | {decoded / checked:.2f} |")


if __name__ == "__main__":
    main()

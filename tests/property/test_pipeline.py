"""The pipeline answers what the float64 network and plain JSON say, whichever thread finishes the request."""

import json
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enn_service.errors import InvalidRequestError, RequestError
from enn_service.http.routing import Route, match_path
from enn_service.inference.pipeline import Deferred, respond
from enn_service.inference.types import EncodedResponse, InferenceRequest
from enn_service.observability.counters import EndpointStats
from enn_service.runtime.model import ServedModel, load_model
from enn_service.runtime.session import Session
from enn_training.publishing.export import export
from support.examples import network
from support.learned import learned

KINDS = [*product(("classification", "regression"), ("dct", "linear"), (1, 3))]
TOLERANCE = 1e-4
"""Of values of size 1 to 10: what float32 arithmetic leaves of exact formulas."""
WITHIN = st.floats(-0.9, 0.9) | st.integers(0, 0)
OUTSIDE = st.sampled_from([2.5, -2, 100])
REFUSED = st.sampled_from([1e9, 1e40, 2**63, True, None, "x", [], {}])
ROW = st.lists(WITHIN, min_size=2, max_size=2)
FIELDS = {
    "id": st.sampled_from([None, "", "other", 5]),
    "outputs": st.sampled_from(
        [None, [], [{"name": "output"}], [{"name": "bumps"}], [{"name": "output", "parameters": {"binary_data": True}}]]
    ),
    "parameters": st.sampled_from(
        [None, {}, {"harmonics": False}, {"top": 1}, {"binary_data_output": True}, {"attributions": "shapley"}, 5]
    ),
}
TENSOR_FIELDS = {
    "name": st.sampled_from(["input", "x"]),
    "shape": st.sampled_from([[1, 2], [2, 1], [2], [1.0, 2], [True, 2], [1, 2, 1], [0, 2], None]),
    "datatype": st.sampled_from(["FP32", "FP64", "INT32", "BOOL", "FP16", None]),
    "parameters": st.sampled_from([None, {}, {"binary_data_size": 8}]),
}


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: "-".join(map(str, kind)))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    """A model of each task, head and number of outputs."""
    task, head, units = request.param
    root = tmp_path_factory.mktemp("repository")
    export(learned(network((2, 4, units), task=task, head=head)), root, "m")
    return load_model(root, "m", "1")


def v1(rows: Any) -> tuple[str, dict[str, Any]]:
    return "/v1/models/m:predict", {"instances": rows}


def v1_named(rows: list) -> tuple[str, dict[str, Any]]:
    return "/v1/models/m:predict", {"inputs": [{"x1": row[1], "x0": row[0]} for row in rows]}


def v1_explain(rows: Any) -> tuple[str, dict[str, Any]]:
    return "/v1/models/m:explain", {"instances": rows}


def v2_flat(rows: list) -> tuple[str, dict[str, Any]]:
    tensor = {"name": "input", "shape": [len(rows), 2], "datatype": "FP64", "data": [x for row in rows for x in row]}
    return "/v2/models/m/infer", {"id": "own", "inputs": [tensor]}


def v2_nested(rows: Any) -> tuple[str, dict[str, Any]]:
    tensor = {"name": "input", "shape": [len(rows), 2], "datatype": "FP32", "data": rows}
    return "/v2/models/m/infer", {"inputs": [tensor], "outputs": [{"name": "output"}]}


def v2_explain(rows: Any) -> tuple[str, dict[str, Any]]:
    return "/v2/models/m/explain", v2_nested(rows)[1]


def route(path: str) -> Route:
    found = match_path(path)
    assert found is not None
    return found


def answer(model: ServedModel, path: str, body: Any) -> Any:
    """Return the parsed response to a body."""
    stats = EndpointStats()
    request = InferenceRequest(json.dumps(body).encode(), None, "named")
    response = respond(route(path).endpoint, model, request, stats)
    assert isinstance(response, EncodedResponse)
    assert (stats.succeeded, stats.rows) == (1, response.rows)
    assert stats.total_ns >= stats.decode_ns + stats.run_ns + stats.encode_ns
    return json.loads(response.body)


def completed(work: Deferred) -> EncodedResponse:
    """Return the response of deferred work, as one block."""
    steps = work.steps()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            response: EncodedResponse = end.value
            response.body, response.more = b"".join([response.body, *response.more]), ()
            return response


def outcome(model: ServedModel, path: str, request: InferenceRequest, *, thread: bool) -> EncodedResponse | str:
    """Return the response to a request, or the text of its refusal, from the event loop or from a thread's half."""
    endpoint, stats = route(path).endpoint, EndpointStats()
    try:
        result = Deferred(endpoint, model, request, stats) if thread else respond(endpoint, model, request, stats)
        return completed(result) if isinstance(result, Deferred) else result
    except RequestError as error:
        return str(error)


def expected_predictions(model: ServedModel, rows: list) -> list:
    """Return V1 predictions of the float64 network, numbers to be compared with a tolerance."""
    output, classes = model.network.respond(np.array(rows, float)).output, model.card.classes
    if classes is None:
        return [row[0] if len(row) == 1 else row for row in output.tolist()]
    if model.card.head == "linear":
        likely = [{str(label): p for label, p in zip(classes, row, strict=True)} for row in output.tolist()]
        return [
            {"label": classes[int(row.argmax())], "probabilities": each}
            for row, each in zip(output, likely, strict=True)
        ]
    if output.shape[1] == 1:
        return [{"label": classes[int(score > 0)], "score": score} for score in output[:, 0].tolist()]
    return [{"label": classes[int(row.argmax())], "score": float(row.max())} for row in output]


def assert_close(found: Any, expected: Any) -> None:
    """Assert that two JSON values are equal but for what TOLERANCE allows of numbers."""
    if isinstance(expected, float):
        assert found == pytest.approx(expected, abs=TOLERANCE, rel=TOLERANCE)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_close(found[key], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_close(one, other)
    else:
        assert found == expected


@pytest.mark.parametrize("ask", [v1, v1_named, v1_explain])
@given(rows=st.lists(ROW, min_size=1, max_size=40), times=st.integers(1, 5))
def test_v1_predictions_are_those_of_the_network(model: ServedModel, ask, rows: list, times: int) -> None:
    found = answer(model, *ask(rows * times))
    near = np.abs(np.diff(np.sort(model.network.respond(np.array(rows, float)).output, axis=1))).min(initial=1)
    if near > TOLERANCE and (
        model.network.units > 1 or np.abs(model.network.respond(np.array(rows, float)).output).min() > TOLERANCE
    ):
        assert_close(found["predictions"], expected_predictions(model, rows * times))
    assert set(found) == {"predictions", "explanations"} if ask is v1_explain else {"predictions"}


@pytest.mark.parametrize("ask", [v2_flat, v2_nested, v2_explain])
@given(rows=st.lists(ROW, min_size=1, max_size=40), times=st.integers(1, 5))
def test_v2_outputs_are_those_of_the_network(model: ServedModel, ask, rows: list, times: int) -> None:
    path, body = ask(rows * times)
    found = answer(model, path, body)
    output = model.network.respond(np.array(rows * times, float)).output
    (tensor,) = found["outputs"]
    assert (found["model_name"], found["model_version"], found["id"]) == ("m", "1", body.get("id", "named"))
    assert (tensor["name"], tensor["datatype"], tensor["shape"]) == ("output", "FP32", list(output.shape))
    assert_close(tensor["data"], output.ravel().tolist())


@given(rows=st.lists(ROW, min_size=1, max_size=20))
def test_explanations_sum_to_the_networks_pre_activation(model: ServedModel, rows: list) -> None:
    response = model.network.respond(np.array(rows, float))
    for index, each in enumerate(answer(model, *v1_explain(rows))["explanations"]):
        unit = model.prediction_encoder.output_names.index(each["output"])
        z = float(response.bumps[index, unit].sum() + model.network.layers[-1].bias[unit])
        assert_close([bump["value"] for bump in each["bumps"]], response.bumps[index, unit].tolist())
        assert_close(each["pre_activation"], z)
        assert each["out_of_range"] == []


@pytest.mark.parametrize("count", [1, 100])
@given(value=OUTSIDE, place=st.integers(0, 99), column=st.integers(0, 1))
def test_a_value_out_of_range_is_answered_and_named(
    model: ServedModel, count: int, value: float, place: int, column: int
) -> None:
    rows, place = [[0.25, -0.5] for _ in range(count)], place % count
    rows[place][column] = value
    assert answer(model, *v1(rows))["out_of_range"] == [{"row": place, "features": [f"x{column}"]}]
    assert answer(model, *v2_flat(rows))["parameters"] == {"rows_out_of_range": 1}
    assert answer(model, *v1_explain(rows))["explanations"][place]["out_of_range"] == [f"x{column}"]


@pytest.mark.parametrize("asked", [(v1, "instances"), (v1_explain, "instances"), (v2_nested, "inputs[0].data")])
@pytest.mark.parametrize("count", [1, 100])
@given(value=REFUSED, index=st.integers(0, 199))
def test_an_invalid_value_is_refused_with_its_place(
    model: ServedModel, asked: tuple, count: int, value: Any, index: int
) -> None:
    ask, field = asked
    rows: list[list[Any]] = [[0.25, -0.5] for _ in range(count)]
    row, column = divmod(index % (2 * count), 2)
    rows[row][column] = value
    with pytest.raises(InvalidRequestError) as caught:
        answer(model, *ask(rows))
    assert str(caught.value).startswith(f"{field}[{row}][{column}]: ")


@given(data=st.data())
def test_a_thread_gives_the_bytes_of_the_event_loop(model: ServedModel, data: st.DataObject) -> None:
    values = WITHIN | OUTSIDE | REFUSED
    row = data.draw(st.lists(values, max_size=3) | values)
    path, body = data.draw(
        st.sampled_from([v1([row]), v1(row), v1_explain([row]), v2_nested([row]), v2_explain([row]), v1([row] * 99)])
    )
    body |= data.draw(st.fixed_dictionaries({}, optional=FIELDS))
    if "v2" in path and data.draw(st.booleans()):
        body["inputs"] = [body["inputs"][0] | data.draw(st.fixed_dictionaries({}, optional=TENSOR_FIELDS))]
    content, json_length = json.dumps(body).encode(), data.draw(st.sampled_from([None, None, 0, 9]))
    # Each answer gets its own request, because explanations release the body of theirs.
    asked = [InferenceRequest(content, json_length, "named") for _ in range(2)]
    assert outcome(model, path, asked[0], thread=False) == outcome(model, path, asked[1], thread=True)


@pytest.mark.parametrize("more", [{"parameters": {}}, {"x": {"inputs": [[0.5, 0.75]] * 99}}])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("ask", [v1, v2_flat, v2_nested])
def test_fields_beside_the_rows_do_not_change_the_answer(
    model: ServedModel, ask, more: dict[str, Any], *, first: bool
) -> None:
    for count in (1, 100):
        path, body = ask([[0.25, -0.5]] * count)
        assert answer(model, path, more | body if first else body | more) == answer(model, path, body)


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("count", [1, 99])
def test_a_network_that_gives_no_finite_number_is_an_error(
    model: ServedModel, monkeypatch: pytest.MonkeyPatch, count: int, wrong: float
) -> None:
    output = np.zeros((count, model.network.outputs), np.float32)
    output[-1, -1] = wrong
    monkeypatch.setattr(Session, "run_row", lambda *_: [output])
    monkeypatch.setattr(Session, "run", lambda *_: [output])
    with pytest.raises(ArithmeticError, match="not all of output is finite"):
        answer(model, *v1([[0, 0]] * count))

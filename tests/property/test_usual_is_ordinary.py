"""Usual rows, answered in their own way, get byte for byte what they would get in the ordinary one."""

import json
from contextlib import suppress
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enn_service.errors import RequestError
from enn_service.http.routing import Route, match_path
from enn_service.inference import fast_rows as usual
from enn_service.inference.pipeline import Answer
from enn_service.inference.types import InferenceRequest
from enn_service.observability.counters import EndpointStats
from enn_service.protocols.numeric_json import MIN_BYTES
from enn_service.runtime.model import ServedModel, load_model
from enn_service.runtime.session import PREDICT_OUTPUTS, Session
from enn_training.publishing.export import export
from support.examples import network
from support.learned import learned

KINDS = [*product(("classification", "regression"), ("dct", "linear"), (1, 3))]
WITHIN = st.floats(-0.9, 0.9) | st.integers(0, 0)
ANY = WITHIN | st.sampled_from([2.5, -2, 1e9, 1e40, 2**63, True, None, "x", [], {}])
OUTPUT = {"name": "output"}
FIELDS = {
    "id": st.sampled_from([None, "", "other", 5]),
    "outputs": st.sampled_from(
        [None, [], [OUTPUT], [{"name": "bumps"}], [OUTPUT | {"parameters": {"binary_data": True}}]]
    ),
    "parameters": st.sampled_from(
        [
            None,
            {},
            {"harmonics": False},
            {"top": 1},
            {"binary_data_output": True},
            {"binary_data_output": False},
            {"x": 1},
            5,
        ]
    ),
}
OF_THE_TENSOR = {
    "name": st.sampled_from(["input", "x"]),
    "shape": st.sampled_from([[1, 2], [2, 1], [2], [1.0, 2], [True, 2], [1, 2, 1]]),
    "datatype": st.sampled_from(["FP32", "FP64", "INT32", "BOOL", "FP16"]),
    "parameters": st.sampled_from([None, {}, {"binary_data_size": 8}]),
}
ONE_CHANGE = {
    "id": [None, "", 5],
    "outputs": [None, [], [OUTPUT], [{"name": "bumps"}], [OUTPUT, {"name": "bumps"}]]
    + [[OUTPUT | {"parameters": {name: value}}] for name, value in (("binary_data", True), ("classification", 1))],
    "parameters": [None, {}, {"binary_data_output": True}, 5],
    "shape": [[2, 1], [1, 3], [2, 2], [1, 1], [0, 2], [-1, 2], [1.0, 2], [True, 2], [2], None],
    "datatype": ["FP64", "INT32", "FP16", "BOOL", None],
    "data": [[0.25], [0.25] * 3, [[0.25, -0.5]] * 2, [[0.25], [-0.5]], [True, 0], [None, 0], [], "x"],
}


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: "-".join(map(str, kind)))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    """A model of each task, head and number of outputs."""
    task, head, units = request.param
    root = tmp_path_factory.mktemp("repository")
    export(learned(network((2, 4, units), task=task, head=head)), root, "m")
    return load_model(root, "m", "1")


def called(path: str) -> Route:
    call = match_path(path)
    assert call is not None
    return call


def ordinary(call: Route, model: ServedModel, request: InferenceRequest) -> bytes | None:
    """Return what is answered in the ordinary way; None where the request is refused."""
    try:
        return Answer(call.operation, model, request).finish().body
    except RequestError:
        return None


def quick(call: Route, model: ServedModel, request: InferenceRequest) -> bytes | None:
    """Return what is answered in the own way of usual rows; None where it is left to the ordinary one."""
    assert call.usual is not None
    tally, reply = EndpointStats(), None
    with suppress(ValueError, RequestError):
        reply = usual.answer(call.usual, model, request, tally)
    assert tally.answered == (reply is not None) == (tally.rows > 0)
    return reply and reply.body


def v1(row: object) -> tuple[str, dict[str, Any]]:
    return "/v1/models/m:predict", {"instances": [row]}


def v1_of(rows: object) -> tuple[str, dict[str, Any]]:
    return "/v1/models/m:predict", {"inputs": rows}


def v1_named(rows: list) -> tuple[str, dict[str, Any]]:
    return "/v1/models/m:predict", {"instances": [{"x0": row[0], "x1": row[1]} for row in rows]}


def v2_of(rows: list) -> tuple[str, dict[str, Any]]:
    tensor = {"name": "input", "shape": [len(rows), 2], "datatype": "FP64", "data": [x for row in rows for x in row]}
    return "/v2/models/m/infer", {"id": "own", "inputs": [tensor]}


def v2_nested(rows: list) -> tuple[str, dict[str, Any]]:
    tensor = {"name": "input", "shape": [len(rows), 2], "datatype": "FP32", "data": rows}
    return "/v2/models/m/infer", {"inputs": [tensor], "outputs": [OUTPUT]}


def explain(row: object) -> tuple[str, dict[str, Any]]:
    return "/v1/models/m:explain", {"instances": [row]}


def v2(row: object) -> tuple[str, dict[str, Any]]:
    tensor = {"name": "input", "shape": [1, 2], "datatype": "FP32", "data": row}
    return "/v2/models/m/infer", {"id": "own", "inputs": [tensor]}


@pytest.mark.parametrize("asked", [v1, v2, explain])
@given(row=st.lists(WITHIN, min_size=2, max_size=2))
def test_a_usual_row_gets_the_same(model: ServedModel, asked, row) -> None:
    path, body = asked(row)
    request = InferenceRequest(json.dumps(body).encode(), None, "named")
    found = quick(called(path), model, request)
    assert found is not None or (asked is explain and not model.explanations.by_row)
    assert found in (None, ordinary(called(path), model, request))


@pytest.mark.parametrize("asked", [v1_of, v1_named, v2_of, v2_nested])
@given(rows=st.lists(st.lists(WITHIN, min_size=2, max_size=2), min_size=1, max_size=40), times=st.integers(1, 9))
def test_usual_rows_get_the_same(model: ServedModel, asked, rows, times) -> None:
    path, body = asked(rows * times)
    request = InferenceRequest(json.dumps(body).encode(), None, "named")
    found = quick(called(path), model, request)
    assert found is not None or ("v2" in path and len(request.body) < 2 * MIN_BYTES)
    assert found in (None, ordinary(called(path), model, request))


@pytest.mark.parametrize("asked", [v1_of, v2_of, v2_nested])
@given(odd=ANY | st.lists(ANY, max_size=3), place=st.integers(0, 99), whole=st.booleans())
def test_one_unusual_value_among_many_is_seen(model: ServedModel, asked, odd, place, whole) -> None:
    rows: list[Any] = [[0.25, -0.5]] * 100
    rows[place] = [odd, odd] if whole and asked is v2_of else odd if whole else [0.25, odd]
    path, body = asked(rows)
    request = InferenceRequest(json.dumps(body).encode(), None, "named")
    assert quick(called(path), model, request) in (None, ordinary(called(path), model, request))


@pytest.mark.parametrize("asked", [v1_of, v1_named, v2_of, v2_nested, explain])
@pytest.mark.parametrize("count", [1, 100])
def test_usual_rows_are_counted_as_in_the_ordinary_way(model: ServedModel, asked, count) -> None:
    row = [0.25, -0.5]
    path, body = asked(row if asked is explain else [row] * count)
    call, request = called(path), InferenceRequest(json.dumps(body).encode())
    assert call.usual is not None
    own, others, answer = EndpointStats(), EndpointStats(), Answer(call.operation, model, request)
    if usual.answer(call.usual, model, request, own) is not None:
        answer.finish()
        answer.tell(others, refused=False)
        assert (own.answered, own.rows, own.outside) == (others.answered, others.rows, others.outside)
        assert own.total == own.reading + own.running + own.writing
    else:
        assert asked is explain
        assert not model.explanations.by_row


@pytest.mark.parametrize("more", [{"parameters": {}}, {"instances": [[0, 0]]}, {"x": {"inputs": [[0.25, -0.5]] * 99}}])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("count", [1, 100])
def test_what_stands_beside_rows_is_seen(model: ServedModel, more: dict[str, Any], count: int, *, first: bool) -> None:
    path, body = v1_of([[0.25, -0.5]] * count)
    request = InferenceRequest(json.dumps(more | body if first else body | more).encode())
    assert quick(called(path), model, request) is None


@pytest.mark.parametrize(("asked", "name"), [(v1_of, "inputs"), (v2_of, "data"), (v2_nested, "data")])
def test_rows_that_stand_elsewhere_are_not_those_that_are_asked(model: ServedModel, asked, name: str) -> None:
    path, body = asked([[0.25, -0.5]] * 100)
    wanted = ordinary(called(path), model, InferenceRequest(json.dumps(body).encode()))
    request = InferenceRequest(json.dumps({"x": {name: [[0.5, 0.75]] * 100}} | body).encode())
    assert wanted == ordinary(called(path), model, request)
    assert quick(called(path), model, request) is None


@given(data=st.data())
def test_whatever_is_answered_gets_the_same(model: ServedModel, data: st.DataObject) -> None:
    row = data.draw(st.lists(ANY, max_size=3) | ANY)
    path, body = data.draw(st.sampled_from([v1(row), explain(row), v2(row), v2([row])]))
    body |= data.draw(st.fixed_dictionaries({}, optional=FIELDS))
    if "v2" in path and data.draw(st.booleans()):
        body["inputs"] = [body["inputs"][0] | data.draw(st.fixed_dictionaries({}, optional=OF_THE_TENSOR))]
    request = InferenceRequest(json.dumps(body).encode(), data.draw(st.sampled_from([None, None, 0, 9])), "named")
    found = quick(called(path), model, request)
    assert found in (None, ordinary(called(path), model, request))


def test_rows_are_answered_at_once_as_far_as_they_take_little(model: ServedModel) -> None:
    rows = [[0.25, -0.5]] * (model.usual_rows + 1)
    for ask in (v1_of, v2_of):
        path, body = ask(rows[1:])
        assert quick(called(path), model, InferenceRequest(json.dumps(body).encode()))
        path, body = ask(rows)
        assert quick(called(path), model, InferenceRequest(json.dumps(body).encode())) is None


@pytest.mark.parametrize("change", ONE_CHANGE)
def test_one_unusual_thing_is_seen(model: ServedModel, change: str) -> None:
    _, usual = v2([0.25, -0.5])
    for value, length in product(ONE_CHANGE[change], (None, 0, 9)):
        one = {change: value}
        body = usual | (one if change in FIELDS else {"inputs": [usual["inputs"][0] | one]})
        request = InferenceRequest(json.dumps(body).encode(), length, "named")
        call = called("/v2/models/m/infer")
        assert quick(call, model, request) in (None, ordinary(call, model, request))


def test_what_is_not_finite_is_left_to_the_ordinary_way(model: ServedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    path, body = v1([0, 0])
    tensors = model.session.run_row([0, 0], PREDICT_OUTPUTS)
    for wrong in (np.inf, -np.inf, np.nan):
        monkeypatch.setattr(Session, "run_row", lambda *_, wrong=wrong: [np.full_like(tensors[0], wrong)])
        assert quick(called(path), model, InferenceRequest(json.dumps(body).encode())) is None
    path, body = v1_of([[0, 0]] * 99)
    output = np.zeros((99, model.network.outputs), np.float32)
    for wrong in (0, np.inf, -np.inf, np.nan):
        output[-1, -1] = wrong
        monkeypatch.setattr(Session, "run", lambda *_: [output])
        assert bool(quick(called(path), model, InferenceRequest(json.dumps(body).encode()))) == (wrong == 0)


def test_a_large_answer_is_left_to_the_ordinary_way(model: ServedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    path, body = v1([0, 0])
    monkeypatch.setattr(usual, "MAX_BUFFERED_RESPONSE", 10)
    assert quick(called(path), model, InferenceRequest(json.dumps(body).encode())) is None

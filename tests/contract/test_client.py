"""The client against a real server: rows of all kinds, versions, explanations as arrays, errors as exceptions."""

import asyncio
import doctest
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import shap

import enn_service.client
from enn_service.client import (
    AsyncClient,
    Client,
    InvalidRowsError,
    ModelVersion,
    NotFoundError,
    RequestRefusedError,
    UnavailableError,
    UnreachableError,
)
from support.serving import SHIPPED, serving

ROWS = [[0.1, 0.2], [0.5, -0.1], [-0.3, 3.5]]
ONE_ROUNDING_A_BUMP = 1e-6
JSON_OF_FLOAT32 = 1e-6
FLOAT32_NETWORK = 2e-5


@pytest.fixture(scope="module")
def url(client: httpx.Client) -> str:
    return str(client.base_url)


@pytest.fixture(scope="module")
def own(url: str) -> Iterator[Client]:
    with Client(url) as client:
        yield client


def test_examples_of_the_module_docstring_run(url: str) -> None:
    text = (enn_service.client.__doc__ or "").replace("http://127.0.0.1:8080", url)
    example = doctest.DocTestParser().get_doctest(text, {}, "client", None, 0)
    flags = doctest.ELLIPSIS
    assert len(example.examples) > 8
    assert doctest.DocTestRunner(optionflags=flags).run(example).failed == 0


def test_all_kinds_of_rows_get_the_same_predictions(own: Client) -> None:
    frame = pd.DataFrame({"x1": [row[1] for row in ROWS], "x0": [row[0] for row in ROWS]}, index=["a", "b", "c"])
    wanted = own.predict("ring", ROWS)
    assert [prediction["label"] for prediction in wanted] == [-1, 1, 1]
    for rows in (tuple(map(tuple, ROWS)), np.array(ROWS), [{"x1": x1, "x0": x0} for x0, x1 in ROWS], frame):
        assert own.predict("ring", rows) == wanted


def test_memory_layout_of_an_array_does_not_change_results(own: Client) -> None:
    array = np.array(ROWS, dtype=np.float32)
    for rows in (array, np.asfortranarray(array), array.astype(">f4"), np.repeat(array, 2, axis=0)[::2]):
        assert own.infer("ring", rows)["output"].tolist() == own.infer("ring", array)["output"].tolist()


def test_bias_and_bumps_sum_to_the_pre_activation(own: Client) -> None:
    found = own.explain("face", ROWS, harmonics=True)
    assert found.predictions == own.predict("face", ROWS)
    assert found.bumps.shape == found.activations.shape == found.weights.shape == (3, found.bumps.shape[1])
    assert found.harmonics is not None
    assert found.harmonics.shape == (*found.bumps.shape, 6)
    np.testing.assert_allclose(found.bias + found.bumps.sum(axis=1), found.pre_activation, atol=ONE_ROUNDING_A_BUMP)
    np.testing.assert_allclose(found.weights * found.activations, found.bumps, atol=ONE_ROUNDING_A_BUMP)
    assert found.out_of_range == [(), (), ("x1",)]


def test_to_frame_has_one_line_per_row(own: Client) -> None:
    found = own.explain("ring", ROWS)
    frame = found.to_frame()
    bumps = [name for name in frame if str(name).startswith("bump_")]
    assert list(frame) == ["prediction", "output", "bias", *bumps, "pre_activation", "response", "out_of_range"]
    np.testing.assert_array_equal(frame[bumps].to_numpy(), found.bumps)
    assert found.harmonics is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # shap's own, while it draws
def test_shap_plots_attributions_and_bumps(own: Client) -> None:
    mpl.use("Agg")
    rows = [{"x0": 0.1, "x1": 0.2}, {"x0": 0.5, "x1": -0.1}, {"x0": -0.3, "x1": 0.4}]
    found = own.explain("ring", rows, attributions="shapley", background=[[0.0, 0.0]])
    assert found.attributions is not None
    total = found.attributions.base_value + found.attributions.values.sum(axis=1)
    np.testing.assert_allclose(total, found.pre_activation, atol=FLOAT32_NETWORK)
    drawn = found.to_shap()
    assert drawn.feature_names == ["x0", "x1"]
    shap.plots.waterfall(drawn[0], show=False)
    shap.plots.beeswarm(drawn, show=False)
    shap.plots.scatter(drawn[:, 0], show=False)
    shap.plots.waterfall(own.explain("ring", ROWS).to_shap()[0], show=False)
    frame = found.to_frame()
    np.testing.assert_array_equal(frame[["x0", "x1"]].to_numpy(), found.attributions.values)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # shap's own, while it draws
def test_top_bumps_and_rest_are_in_plots_and_frames(own: Client) -> None:
    mpl.use("Agg")
    found = own.explain("face", ROWS, top=2)
    assert found.bumps.shape == found.neurons.shape == (3, 2)
    total = found.bias + found.bumps.sum(axis=1) + found.rest
    np.testing.assert_allclose(total, found.pre_activation, atol=ONE_ROUNDING_A_BUMP)
    frame, drawn = found.to_frame(), found.to_shap()
    bumps = frame[[name for name in frame if str(name).startswith("bump_")] + ["rest"]]
    np.testing.assert_allclose(frame["bias"] + bumps.sum(axis=1), frame["pre_activation"], atol=ONE_ROUNDING_A_BUMP)
    assert drawn.feature_names[-1] == "rest"
    np.testing.assert_allclose(drawn.base_values + np.sum(drawn.values, axis=1), found.pre_activation, atol=1e-6)
    shap.plots.waterfall(drawn[0], show=False)
    shap.plots.beeswarm(drawn, show=False)
    shap.plots.scatter(drawn[:, 0], show=False)


def test_several_outputs_are_explained_by_label(own: Client) -> None:
    rows = [own.metadata("breast-cancer")["properties"]["sample"]]
    (label, found), *others = own.explain_outputs("breast-cancer", rows, attributions="shapley").items()
    assert (label, others) == ("malignant", [])
    assert found.base_probability is not None
    assert found.probability_changes is not None
    total = found.base_probability + found.probability_changes.sum(axis=1)
    np.testing.assert_allclose(total, found.response, atol=ONE_ROUNDING_A_BUMP)
    assert found.response[0] == pytest.approx(found.predictions[0]["probabilities"]["malignant"], abs=JSON_OF_FLOAT32)
    assert found.attributions is not None
    assert found.slope is None


def test_row_out_of_range_has_the_training_range(own: Client) -> None:
    found = own.explain("ring", ROWS)
    assert found.out_of_range == [(), (), ("x1",)]
    assert found.ranges["x1"] == pytest.approx((-1, 1), abs=0.01)
    assert found.slope is not None


def test_activations_surface_and_profile_agree(own: Client) -> None:
    (layer, output) = own.activations("ring", points=5)["layers"]
    assert len(layer["neurons"][0]["activation"]) == len(output["neurons"][0]["activation"]) == 5
    surface = own.surface("ring", "x0", "x1", points=3, bumps=True)
    profile = own.profile("ring", "x0", points=3, at={"x1": surface["y"]["values"][1]}, output=1, version="1")
    np.testing.assert_allclose(surface["response"][1], profile["response"], atol=JSON_OF_FLOAT32)
    assert np.shape([bump["values"] for bump in surface["bumps"]]) == (6, 3, 3)
    with pytest.raises(RequestRefusedError, match="feature 'x9' is not known"):
        own.profile("ring", "x9")


def test_output_parameter_selects_explained_output(own: Client) -> None:
    assert own.explain("ring", ROWS, output=1).output == [1, 1, 1]
    with pytest.raises(RequestRefusedError, match=r"parameters\.output: 'moon'"):
        own.explain("ring", ROWS, output="moon")


def test_infer_returns_named_tensors_in_their_shapes(own: Client) -> None:
    found = own.infer("ring", ROWS, outputs=["output", "bumps", "pre_activation"], binary=False)
    assert {name: array.shape for name, array in found.items()} == {
        "output": (3, 1),
        "bumps": (3, 1, 6),
        "pre_activation": (3, 1),
    }
    scores = [prediction["score"] for prediction in own.predict("ring", ROWS)]
    np.testing.assert_allclose(found["output"][:, 0], scores, atol=JSON_OF_FLOAT32)


def test_version_parameter_selects_the_version(own_repository: Path) -> None:
    shutil.copytree(own_repository / "product" / "1", own_repository / "ring" / "2")
    with serving(own_repository) as http, Client(str(http.base_url)) as client:
        assert [client.ready("ring", version=version) for version in ("1", "2")] == [True, True]
        assert client.metadata("ring", version="2")["properties"]["task"] == "regression"
        assert isinstance(client.predict("ring", ROWS)[0], float)
        assert client.predict("ring", ROWS, version="1")[0]["label"] == -1
        assert client.explain("ring", ROWS, version="1").output == [1, 1, 1]
        old, new = (client.infer("ring", ROWS, version=version)["output"] for version in ("1", "2"))
        assert not np.allclose(old, new)
        with pytest.raises(NotFoundError, match="no version '3'"):
            client.predict("ring", ROWS, version="3")


def test_health_metadata_and_models_are_returned(own: Client) -> None:
    assert own.live()
    assert own.ready()
    assert own.ready("ring")
    assert own.metadata()["name"] == "enn"
    assert own.metadata("ring")["inputs"][0]["shape"] == [-1, 2]
    assert ModelVersion("ring", "1", "READY", "") in own.models()
    assert len(own.models()) == len(list(SHIPPED.glob("*/*/model.onnx")))


def test_refused_model_is_not_ready_and_has_a_reason(own_repository: Path) -> None:
    (own_repository / "ring" / "1" / "model.onnx").write_bytes(b"no model")
    with serving(own_repository) as http, Client(str(http.base_url), retries=0) as client:
        assert not client.ready("ring")
        (state,) = [state for state in client.models() if state.name == "ring"]
        assert state.state == "UNAVAILABLE"
        with pytest.raises(UnavailableError) as caught:
            client.predict("ring", ROWS)
        assert state.reason in caught.value.text


def test_exception_has_text_status_and_request_id(own: Client, client: httpx.Client) -> None:
    with pytest.raises(RequestRefusedError) as caught:
        own.predict("ring", [[0.1, 0.2], [0.1, None]])
    body = {"instances": [[0.1, 0.2], [0.1, None]]}
    assert caught.value.text == client.post("/v1/models/ring:predict", json=body).json()["error"]
    assert caught.value.status == 400
    assert caught.value.request_id in str(caught.value)
    with pytest.raises(NotFoundError, match="'moon'"):
        own.predict("moon", ROWS)


@pytest.mark.parametrize("model", ["", "..", "../ring", "a b", "%2e", "no/such"])
def test_unusual_model_name_cannot_reach_another_path(own: Client, model: str) -> None:
    with pytest.raises((NotFoundError, RequestRefusedError)):
        own.predict(model, ROWS)


def test_async_client_returns_the_same_results(own: Client, url: str) -> None:
    async def ask() -> None:
        async with AsyncClient(url) as client:
            several = await asyncio.gather(*(client.predict("ring", [row]) for row in ROWS))
            assert several == [own.predict("ring", [row]) for row in ROWS]
            found = await client.explain("ring", ROWS)
            np.testing.assert_array_equal(found.bumps, own.explain("ring", ROWS).bumps)
            inferred = await client.infer("ring", ROWS)
            np.testing.assert_array_equal(inferred["output"], own.infer("ring", ROWS)["output"])
            assert (await client.live(), await client.ready("ring")) == (True, True)
            assert await client.models() == own.models()
            assert await client.metadata("ring") == own.metadata("ring")
            with pytest.raises(NotFoundError, match="moon"):
                await client.predict("moon", ROWS)

    asyncio.run(ask())


def test_both_clients_have_the_same_calls() -> None:
    def calls(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")} - {"close", "aclose"}

    assert calls(Client) == calls(AsyncClient)


def test_unreachable_address_is_named() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with Client(url, retries=1) as client, pytest.raises(UnreachableError, match=url):
            client.predict("ring", ROWS)


def test_missing_httpx_names_the_extra_to_install() -> None:
    program = "import sys; sys.modules['httpx'] = None; import enn_service.client"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError: the client needs httpx: install this project with its extra client" in done.stderr


def test_client_imports_neither_pandas_nor_the_server() -> None:
    program = "import sys, enn_service.client; print({'pandas', 'fastapi', 'onnxruntime', 'onnx'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_infinite_values_are_refused_before_sending(own: Client) -> None:
    with pytest.raises(InvalidRowsError, match=r"rows\[1\]\[0\]: inf"):
        own.predict("ring", [[0.1, 0.2], [float("inf"), 0.2]])
    with pytest.raises(InvalidRowsError, match=r"rows\[0\]\['x0'\]: -inf"):
        own.predict("ring", pd.DataFrame({"x0": [-np.inf], "x1": [0.0]}))


def test_nan_is_sent_as_null(own: Client) -> None:
    rows = [[0.1, float("nan")]]
    for given in (rows, np.array(rows), pd.DataFrame(rows, columns=["x0", "x1"])):
        with pytest.raises(RequestRefusedError, match="null"):
            own.predict("ring", given)

"""The client with frames of three libraries, single rows, integer categories, plots of shap, and requests in pieces."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import shap
from matplotlib import pyplot as plt

from enn_service.client import (
    AsyncClient,
    Client,
    ClientError,
    InvalidArgumentError,
    InvalidRowsError,
    MixedOutputsError,
    RequestRefusedError,
    UnusedColumnsWarning,
)
from enn_training import ENNClassifier, export
from enn_training.learners.adam import Adam
from support.serving import MAX_BODY_BYTES, serving

CLASSES = ["high", "low", "middle"]
ONE_ROUNDING = 1e-5


def table(rows: int = 60) -> pd.DataFrame:
    """Return rows with categories, integer categories, booleans, missing values and names of other columns."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "bias": random.normal(size=rows),
            "colour": random.choice(["red", "green"], rows),
            "zone": pd.Categorical(random.choice([10, 20, 30], rows), [10, 20, 30]),
            "output": random.random(rows) < 0.5,
            "bump_0": random.normal(size=rows),
        },
        index=pd.Index(range(500, 500 + rows), name="patient"),
    )
    frame.loc[frame.index[::7], ["bias", "colour"]] = None
    return frame


@pytest.fixture(scope="module")
def estimator() -> ENNClassifier:
    frame = table()
    target = pd.cut(frame["bump_0"], [-9, -0.5, 0.5, 9], labels=["low", "middle", "high"]).astype(str)
    return ENNClassifier(hidden=6, harmonics=3, learner=Adam(passes=3)).fit(frame, target)


@pytest.fixture(scope="module")
def url(estimator: ENNClassifier, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("rows") / "models"
    export(estimator.model_, root, "patients")
    with serving(root) as http:
        yield str(http.base_url)


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as client:
        yield client


def texts(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the rows as the service takes them."""
    plain = frame.astype({"zone": str}).astype(object)
    return plain.where(plain.notna(), None).to_dict(orient="records")


def test_frames_of_three_libraries_and_integer_categories_agree(client: Client, estimator: ENNClassifier) -> None:
    frame, numbers = table(), table().astype({"zone": "int64"})
    wanted = client.predict("patients", texts(frame))
    for given in (frame, numbers):
        assert [each["label"] for each in wanted] == estimator.predict(given).tolist()
    assert client.predict("patients", frame) == wanted
    assert client.predict("patients", numbers) == wanted
    assert client.predict("patients", numbers.astype({"zone": float})) == wanted
    assert client.predict("patients", numbers.set_axis(range(5), axis=1)) == wanted
    assert client.predict("patients", pl.from_pandas(numbers)) == wanted
    assert client.predict("patients", pa.Table.from_pandas(frame, preserve_index=False)) == wanted
    assert client.predict("patients", numbers.to_numpy(dtype=object)[:0].tolist() + texts(frame)) == wanted
    found = client.explain("patients", numbers[:2], output="low", attributions="shapley", background=numbers[:5])
    same = client.explain("patients", frame[:2], output="low", attributions="shapley", background=frame[:5])
    assert found.attributions is not None
    assert same.attributions is not None
    np.testing.assert_array_equal(found.attributions.values, same.attributions.values)


def test_columns_that_are_no_features_are_named_and_not_sent(client: Client) -> None:
    frame = table().astype({"zone": "int64"})
    wanted = client.predict("patients", frame)
    more = frame.assign(id=range(60), label="high")
    with pytest.warns(
        UnusedColumnsWarning, match="no features of model 'patients' are not sent: 'id', 'label'$"
    ) as seen:
        assert client.predict("patients", more) == wanted
    assert [warning.filename for warning in seen] == [__file__]  # the caller's line, not one of the client
    with pytest.warns(UnusedColumnsWarning, match="'id', 'label'"):
        explained = client.explain("patients", pl.from_pandas(more[:2]), attributions="shapley", background=frame[:5])
    assert explained.attributions is not None
    assert explained.attributions.features == list(frame.columns)
    with (
        pytest.warns(UnusedColumnsWarning, match="'color'"),
        pytest.raises(RequestRefusedError, match="feature 'colour' is missing"),
    ):
        client.predict("patients", frame.rename(columns={"colour": "color"}))
    with pytest.raises(RequestRefusedError, match="'id'"):
        client.predict("patients", [texts(frame)[0] | {"id": 1}])


def test_single_row_of_each_kind_is_one_row(client: Client) -> None:
    frame = table()
    row = texts(frame)[1]
    wanted = client.predict("patients", [row])
    vector = list(row.values())
    series = frame.iloc[1]
    assert len(wanted) == 1
    for rows in (row, vector, tuple(vector), np.array(vector, dtype=object), [np.array(vector, dtype=object)]):
        assert client.predict("patients", rows) == wanted
    for rows in (series, [series], {**row, "bias": Decimal(repr(row["bias"]))}, series.where(series.notna(), pd.NA)):
        assert client.predict("patients", rows) == wanted
    assert client.explain("patients", series).to_frame().index.tolist() == [501]
    masked = np.ma.masked_array(np.zeros((1, 5)), [[False, False, False, True, False]])
    with pytest.raises(RequestRefusedError, match=r"instances\[0\]\[2\]: 0.0 for feature 'zone'"):
        client.predict("patients", masked)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (pd.Series([1.0, 2.0]), "no feature names"),
        (pl.Series("x", [1.0]), "a Series; expected a frame"),
        (pl.LazyFrame({"x": [1]}), "a LazyFrame"),
        (pa.array([1.0]), "Array; expected a frame"),
        (pd.DataFrame([[1.0, 2.0]], columns=[1, 2]), "column 1 of type int"),
        (pd.DataFrame([[1.0, 2.0]], columns=["x", 2]), "column 2 of type int"),
        (pd.DataFrame([[1.0, 2.0]], columns=["x", "x"]), "duplicate columns"),
        ({"x": [1.0, 2.0]}, r"rows\[0\]\['x'\]: a list"),
        ({1: 2.0}, "name 1 of type int"),
        ([[1.0], 2.0], r"rows\[1\]: 2.0"),
        ([[[1.0]]], r"rows\[0\]\[0\]: a list"),
        (np.zeros((1, 1, 1)), "3 dimensions"),
        (np.array(1.0), "0 dimensions"),
        ("rows", "expected rows"),
        (5, "expected rows"),
        (None, "expected rows"),
        ([[object()]], "not a number"),
    ],
)
def test_rows_without_plain_meaning_get_a_client_error(client: Client, rows: Any, said: str) -> None:
    with pytest.raises(InvalidRowsError, match=said):
        client.predict("patients", rows)
    with pytest.raises(ClientError):
        client.infer("patients", rows)


def test_arguments_of_a_wrong_type_get_a_client_error(client: Client, url: str) -> None:
    row: Any = texts(table())[1]
    wrong: Any = 1
    for call in (
        lambda: client.predict(wrong, row),
        lambda: client.predict("patients", row, version=wrong),
        lambda: client.metadata("\ud800"),
        lambda: client.explain_outputs("patients", row, wrong),
        lambda: client.infer("patients", [[0.0] * 5], outputs=wrong),
        lambda: client.explain("patients", row, baseline=[row, row]),
    ):
        with pytest.raises(InvalidArgumentError):
            call()


def test_frame_keeps_index_and_every_column(client: Client) -> None:
    frame = table()
    found = client.explain("patients", frame, attributions="shapley")
    result = found.to_frame()
    assert result.index.equals(frame.index)
    assert result["prediction"].tolist() == [each["label"] for each in found.predictions] == found.output
    np.testing.assert_array_equal(result["bias"], found.bias)
    np.testing.assert_array_equal(result["bump_0"], found.bumps[:, 0])
    assert found.attributions is not None
    columns = ["attribution_bias", "colour", "zone", "attribution_output", "attribution_bump_0"]
    np.testing.assert_array_equal(result[columns], found.attributions.values)
    assert result.columns.is_unique
    assert len(result.columns) == len({*result}) == 1 + 2 + 6 + 2 + 5 + 1


PLOTS = {
    "bar": lambda found: shap.plots.bar(found, show=False),
    "bar of a row": lambda found: shap.plots.bar(found[0], show=False),
    "beeswarm": lambda found: shap.plots.beeswarm(found, show=False),
    "violin": lambda found: shap.plots.violin(found, show=False),
    "scatter of numbers": lambda found: shap.plots.scatter(found[:, "bias"], color=found, show=False),
    "scatter of categories": lambda found: shap.plots.scatter(found[:, "colour"], show=False),
    "force": lambda found: shap.plots.force(found[0], matplotlib=True, show=False),
    "force of all": lambda found: shap.plots.force(found).html(),
    "waterfall": lambda found: shap.plots.waterfall(found[0], show=False),
    "heatmap": lambda found: shap.plots.heatmap(found, show=False),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # shap's own, while it draws
def test_every_plot_of_shap_draws_categories_and_missing_values(client: Client) -> None:
    mpl.use("Agg")
    found = client.explain("patients", table(), output="low", attributions="shapley").to_shap()
    every = client.explain_outputs("patients", table(), attributions="shapley").to_shap()
    assert every.shape == (60, 5, 3)
    assert every.output_names == CLASSES
    np.testing.assert_allclose(every[:, :, "low"].values, found.values, atol=ONE_ROUNDING)
    for explanation in (found, every[:, :, "low"]):
        for draw in PLOTS.values():
            draw(explanation)
            plt.close("all")
    assert list(np.array(found.display_data)[0, 1:4]) == ["missing", "30", "True"]
    assert list(np.array(found.data)[0, :4]) == pytest.approx([np.nan, np.nan, 2, 1], nan_ok=True)


def test_plots_of_shap_never_mix_classes(client: Client) -> None:
    with pytest.raises(MixedOutputsError, match=r"'low'.*explain_outputs"):
        client.explain("patients", table(), attributions="shapley").to_shap()
    every = client.explain_outputs("patients", table(), top=2)
    summed = every.to_shap()
    total = summed.base_values + np.sum(summed.values, axis=1)
    np.testing.assert_allclose(total, np.column_stack([each.pre_activation for each in every.values()]), atol=1e-5)
    assert summed.feature_names[-1] == "rest"


def test_call_beyond_the_limits_is_sent_in_pieces(client: Client, url: str) -> None:
    frame = pd.concat([table()] * 6, ignore_index=True)
    background = [*texts(table())] * 10
    few = client.explain("patients", frame[300:301], attributions="shapley", background=background, output="low")
    found = client.explain("patients", frame, attributions="shapley", background=background, output="low")
    assert found.attributions is not None
    assert few.attributions is not None
    assert found.attributions.values.shape == (360, 5)
    np.testing.assert_allclose(found.attributions.values[300], few.attributions.values[0], atol=ONE_ROUNDING)
    assert found.to_frame().index.tolist() == frame.index.tolist()
    rows = np.tile(np.array([[0.5, 0, 1, 1, 0.25]]), (MAX_BODY_BYTES // 10, 1))
    rows[:, 0] = np.linspace(0, 1, len(rows))
    last = client.infer("patients", rows[-3:])["output"]
    np.testing.assert_allclose(client.infer("patients", rows)["output"][-3:], last, atol=ONE_ROUNDING)

    async def ask() -> list[Any]:
        async with AsyncClient(url) as other:
            return await other.predict("patients", [*texts(table())] * 500)

    everything, wanted = asyncio.run(ask()), client.predict("patients", table()) * 500
    assert [each["label"] for each in everything] == [each["label"] for each in wanted]


def test_error_in_a_later_piece_names_its_rows(client: Client) -> None:
    rows = texts(table()) * 500
    rows[-1] = rows[-1] | {"colour": "blue"}
    with pytest.raises(RequestRefusedError, match=r"with rows \d+ to 29999 only: instances\[\d+\]\[1\]: 'blue'"):
        client.predict("patients", rows)

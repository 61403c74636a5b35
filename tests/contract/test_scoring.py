"""Tests of enn-score: the service's answers for files of each format, refusals, parts, and ends half-way."""

import io
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv, ipc, parquet

from enn_models.card import Calibration, LogScale
from enn_models.repository import publish_version
from enn_service.client import Client
from enn_service.scoring.command import run
from enn_training.publishing.export import export
from support import mixed, tiny
from support.documents import wait_until
from support.examples import network
from support.serving import serving

FLOAT32 = 1e-5
"""Error of numbers of size 1, of float32 graphs that run other numbers of rows at once."""
FLAT = LogScale(intercept=0.5, low=0.5, high=0.5)
BLOCK = b"0.5,0.25\n" * 2**20
"""More lines than are in one block."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scoring") / "models"
    export(mixed.model(), root, "animals")
    scores = tuple(np.linspace(0.05, 0.99, 20).tolist())
    amounts = Calibration(rows=20, scores=(scores, scores), scales=(FLAT, FLAT))
    kinds = {
        "sign": (network((2, 4, 1)), Calibration(rows=20, scores=(scores,))),
        "classes": (network((2, 4, 3), head="linear"), Calibration(rows=20, scores=(scores,))),
        "scores": (network((2, 4, 3)), None),
        "amount": (network((2, 4, 1), task="regression"), Calibration(rows=20, scores=(scores,), scales=(FLAT,))),
        "amounts": (network((2, 4, 2), head="linear", task="regression"), amounts),
    }
    for name, (model, calibration) in kinds.items():
        publish_version(root, name, tiny.package(model, calibration=calibration))
    return root


@pytest.fixture(scope="module")
def client(models: Path) -> Iterator[Client]:
    with serving(models) as service, Client(str(service.base_url)) as client:
        yield client


def score(models: Path, model: str, source: object, out: object, *options: object) -> int:
    return run([model, str(source), "--out", str(out), "--models", str(models), *map(str, options)])


def write(table: pa.Table, file: Path) -> Path:
    file.parent.mkdir(exist_ok=True)
    if file.suffix == ".csv":
        csv.write_csv(table, file)
    elif file.suffix == ".parquet":
        parquet.write_table(table, file, row_group_size=64)
    else:
        with ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=50)
    return file


def read(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".csv":
        text = csv.ConvertOptions(column_types={"id": pa.string()}, strings_can_be_null=True)
        rows = csv.read_csv(file, convert_options=text).to_pylist()
        for row in rows:
            row |= {name: orjson.loads(row[name]) for name in ("out_of_range", "prediction_set") if row.get(name)}
        return rows
    return (parquet.read_table(file) if file.suffix == ".parquet" else ipc.open_file(file).read_all()).to_pylist()


def numbers(rows: int = 300) -> pa.Table:
    values = np.random.default_rng(1).uniform(-2.2, 2.2, (rows, 2)).astype(np.float32)
    return pa.table({"x0": values[:, 0], "x1": values[:, 1]})


@pytest.mark.parametrize("given", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("wanted", ["csv", "parquet", "arrow"])
def test_files_have_the_answers_of_the_service(
    models: Path, client: Client, tmp_path: Path, given: str, wanted: str
) -> None:
    frame = mixed.rows()
    source = write(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / f"in.{given}")
    options = ("--bumps", "--attributions", "integrated_gradients", "--keep", "id")
    assert score(models, "animals", source, tmp_path / f"out.{wanted}", *options) == 0
    found = pd.DataFrame(read(tmp_path / f"out.{wanted}"))
    sent = frame.drop(columns="id").astype({"grade": object})
    why = client.explain("animals", sent, attributions="integrated_gradients")
    assert found["id"].tolist() == frame["id"].tolist()
    assert found["prediction"].tolist() == [row["label"] for row in why.predictions]
    for label in ("Adelie", "Gentoo"):
        expected = [row["probabilities"][label] for row in why.predictions]
        assert found[f"probability_{label}"].tolist() == pytest.approx(expected, abs=FLOAT32)
    assert found["output"].tolist() == why.output
    assert [list(names) for names in found["out_of_range"]] == [list(names) for names in why.out_of_range]
    assert found[[f"bump_{index}" for index in range(4)]].to_numpy() == pytest.approx(
        why.bumps, rel=FLOAT32, abs=FLOAT32
    )
    assert found["pre_activation"].to_numpy() == pytest.approx(why.pre_activation, rel=FLOAT32, abs=FLOAT32)
    assert why.attributions is not None
    shares = found[[f"attribution_{name}" for name in why.attributions.features]].to_numpy()
    assert shares == pytest.approx(why.attributions.values, rel=FLOAT32, abs=FLOAT32)


def expected_columns(prediction: Any) -> dict[str, Any]:
    """Return the columns that a prediction of the V1 protocol becomes."""
    given = prediction if isinstance(prediction, dict) else {"value": prediction}
    names = {"label": "prediction", "value": "prediction", "score": "score"}
    columns: dict[str, Any] = {}
    for key, value in given.items():
        if key == "probabilities":
            columns |= {f"probability_{label}": each for label, each in value.items()}
        elif isinstance(value, list) and key != "set":
            name = names.get(key, f"prediction_{key}")
            columns |= {f"{name}_{place}": each for place, each in enumerate(value)}
        else:
            name = names.get(key, f"prediction_{key}")
            columns[name] = value
    return columns


@pytest.mark.parametrize("name", ["sign", "classes", "scores", "amount", "amounts"])
def test_each_kind_of_model_has_its_columns(models: Path, client: Client, tmp_path: Path, name: str) -> None:
    table, options = numbers(), () if name == "scores" else ("--coverage", 0.9)
    assert score(models, name, write(table, tmp_path / "in.parquet"), tmp_path / "out.parquet", *options) == 0
    rows = np.column_stack([table["x0"], table["x1"]])
    predictions = client.predict(name, rows) if name == "scores" else client.predict(name, rows, coverage=0.9)
    for found, prediction in zip(read(tmp_path / "out.parquet"), predictions, strict=True):
        expected = expected_columns(prediction)
        numeric = {column for column, value in expected.items() if not isinstance(value, str | list)}
        same = {
            column: pytest.approx(value, abs=FLOAT32) if column in numeric else value
            for column, value in expected.items()
        }
        assert {column: found[column] for column in expected} == same
    outside = [row["out_of_range"] for row in read(tmp_path / "out.parquet")]
    assert outside == [[f"x{at}" for at in np.flatnonzero(np.abs(row) > 2)] for row in rows]


def test_refusals_have_the_words_of_the_service(
    models: Path, client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {"bill": "44", "island": "Dream", "wild": "yes", "grade": "1", "mass": "NA"}
    sent = {"bill": 44.0, "island": "Dream", "wild": True, "grade": "1", "mass": None}
    bad = [("bill", "abc", "abc"), ("bill", "", None), ("bill", "inf", 1e300), ("bill", "1e9", 1e9)]
    bad += [("island", "Mars", "Mars"), ("wild", "maybe", "maybe"), ("grade", "3", "3"), ("wild", "", None)]
    frame = pd.DataFrame([row for name, text, _ in bad for row in (good, good | {name: text})])
    frame.to_csv(tmp_path / "in.csv", index=False)
    assert score(models, "animals", tmp_path / "in.csv", tmp_path / "out.csv") == 1
    assert not (tmp_path / "out.csv").exists()
    assert "in.csv: instances[1][0]: 'abc' for feature 'bill'; expected a number" in capsys.readouterr().err
    assert score(models, "animals", tmp_path / "in.csv", tmp_path / "out.csv", "--bad-rows", "mark") == 0
    assert "8 of 16 rows are marked" in capsys.readouterr().err
    found = read(tmp_path / "out.csv")
    assert len(found) == 16
    for index, (name, text, value) in enumerate(bad):
        first, second = found[2 * index : 2 * index + 2]
        assert (first["error"], first["prediction"] in ("Adelie", "Gentoo")) == (None, True)
        assert second["prediction"] is second["probability_Adelie"] is None
        if text != "inf":
            with pytest.raises(Exception, match="instances") as refused:
                client.predict("animals", [sent] * (2 * index + 1) + [sent | {name: value}])
            assert second["error"] in str(refused.value)
    assert found[5]["error"] == "instances[5][0]: inf is not a finite float32 (at most 3.4028235e+38)"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["sign", "--attributions", "shapley", "--output", "no"], "parameters.output: 'no'; the model explains"),
        (["scores", "--coverage", "0.9"], "parameters.coverage: the model has no calibration"),
        (["animals"], "instances[0]: feature 'bill' is missing; expected bill"),
        (["sign", "--keep", "x9"], "--keep 'x9': the file has no such column"),
        (["sign", "--keep", "score"], "--keep 'score': a column of the answer has this name"),
        (["moon"], "model 'moon' is not in"),
    ],
)
def test_impossible_requests_are_refused_by_name(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], text: str
) -> None:
    source = write(numbers(3), tmp_path / "in.csv")
    assert score(models, options[0], source, tmp_path / "out.csv", *options[1:]) == 1
    assert text in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_folders_resume_where_they_ended(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in ("a.csv", "b.parquet", "c.arrow"):
        write(numbers(5), folder / name)
    (folder / "_notes.csv").write_text("no rows")
    write(pa.table({"x0": ["1", "2"], "x1": ["3", "4"]}), folder / "c.arrow")
    assert score(models, "sign", folder, out, "--format", "parquet") == 1  # texts are no numbers in Arrow files
    assert "c.arrow: instances[0][0]: '1' for feature 'x0'; expected a number" in capsys.readouterr().err
    assert sorted(path.name for path in out.iterdir()) == ["_enn_score.json", "a.parquet", "b.parquet"]
    before = {path.name: path.stat().st_ino for path in out.glob("*.parquet")}
    write(numbers(7), folder / "c.arrow")
    write(numbers(9), folder / "b.parquet")
    assert score(models, "sign", folder, out, "--format", "parquet") == 0
    after = {path.name: path.stat().st_ino for path in out.glob("*.parquet")}
    assert sorted(after) == ["a.parquet", "b.parquet", "c.parquet"]
    assert after["a.parquet"] == before["a.parquet"]
    assert [len(read(out / f"{name}.parquet")) for name in "abc"] == [5, 9, 7]
    assert score(models, "scores", folder, out, "--format", "parquet") == 1
    assert "has parts with model 'sign/1'; expected 'scores/1'" in capsys.readouterr().err
    assert score(models, "scores", folder, out, "--format", "parquet", "--overwrite") == 0
    assert "probability" not in str(read(out / "a.parquet"))


def test_standard_streams_and_addresses_are_files_too(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, expected = numbers(), tmp_path / "expected.parquet"
    assert score(models, "sign", write(table, tmp_path / "in.parquet"), expected) == 0
    scores = [row["score"] for row in read(expected)]
    memory = fsspec.filesystem("memory")
    with memory.open("/scoring/in.csv.gz", "wb", compression="gzip") as file:
        csv.write_csv(table, file)
    assert score(models, "sign", "memory://scoring/in.csv.gz", "memory://scoring/out.parquet") == 0
    with memory.open("/scoring/out.parquet", "rb") as file:
        assert parquet.read_table(file)["score"].to_numpy() == pytest.approx(scores, abs=FLOAT32)
    assert [Path(path).name for path in memory.ls("/scoring", detail=False)] == ["in.csv.gz", "out.parquet"]
    for given in ("parquet", "arrow"):
        output = SimpleNamespace(buffer=io.BytesIO())
        with (tmp_path / f"in.{given}").open("rb") if given == "parquet" else stream_of(table, tmp_path) as pipe:
            monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=pipe))
            monkeypatch.setattr(sys, "stdout", output)
            assert score(models, "sign", "-", "-", "--input-format", given, "--format", "arrow") == 0
        monkeypatch.undo()
        found = ipc.open_stream(output.buffer.getvalue()).read_all()
        assert found["score"].to_numpy() == pytest.approx(scores, abs=FLOAT32)


def stream_of(table: pa.Table, folder: Path) -> io.BufferedReader:
    with ipc.new_stream(folder / "stream", table.schema) as writer:
        writer.write_table(table, max_chunksize=50)
    return (folder / "stream").open("rb")


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_what_ends_half_way_never_looks_finished(models: Path, tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "out.csv"
    command = [sys.executable, "-m", "enn_service.scoring", "sign", "-", "--out", str(out), "--models", str(models)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"x0,x1\n" + BLOCK)
        wait_until(lambda: any(path.stat().st_size for path in tmp_path.iterdir()))
        process.send_signal(number)
        process.stdin.close()
        process.wait(30)
    assert process.returncode != 0
    assert not out.exists()
    left = [path.name for path in tmp_path.iterdir()]
    assert [name.endswith(".partial") for name in left] == ([True] if number == signal.SIGKILL else [])

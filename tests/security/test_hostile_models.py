"""Tests of hostile model files: each is refused with a reason, other models answer, memory stays bounded."""

import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enn_models import repository
from enn_models.errors import ModelError, UnsafeModelError
from enn_models.graph_checks import MAX_FILE_BYTES, parse_checked
from enn_models.package import open_package, verify_golden_vector
from enn_service.runtime.session import Session
from support.examples import network
from support.hostile import CHANGES, PLACES, WRONG_FIELDS, files, write_hostile_models
from support.serving import address_of, command
from support.tiny import graph, package

ROW = {"instances": [[0.1, 0.2]]}
WHOLE = package()
ROUNDS = 2
UNCHANGED = 2
"""Number of versions that `touch` does not change, so that they are not read again: a link and a socket."""
GROWTH = 20 * 2**20
"""Bytes that the service may take more after it has read the whole corpus once more."""
Eventually = Callable[[Callable[[], bool]], None]


def opened(data: bytes) -> None:
    """Do with a file's bytes what the service does before it serves them."""
    made = open_package(data)
    try:
        session = Session(made)
    except Exception as error:
        raise ModelError(f"does not load: {error}") from error
    verify_golden_vector(made, session.run)
    for part, names in session.subgraphs:
        verify_golden_vector(made, part.run, names)


@pytest.mark.parametrize(("data", "reason"), [pytest.param(*rest, id=name) for name, *rest in files()])
def test_hostile_file_is_refused_with_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        opened(data)


def test_unmodified_base_package_is_accepted() -> None:
    opened(WHOLE)


def test_hostile_corpus_is_large() -> None:
    assert len({change for change, _ in CHANGES}) + len(WRONG_FIELDS) + len(PLACES) >= 80


def resident(pid: int) -> int:
    """Return the bytes of memory of a process."""
    (kib,) = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(kib) * 1024


def touch(root: Path) -> None:
    """Make every version look changed."""
    for path in root.glob("*/1"):
        with suppress(OSError):
            os.utime(path)


def test_hostile_repository_serves_valid_models_with_bounded_memory(
    own_repository: Path, tmp_path: Path, eventually: Eventually
) -> None:
    reasons = write_hostile_models(own_repository)
    log = tmp_path / "log"
    with command(own_repository, log, workers=1) as process:
        address = address_of(process, log, 1, eventually)
        with httpx.Client(base_url=address, timeout=60) as client:
            answer = client.post("/v1/models/ring:predict", json=ROW).content
            index = {entry["name"]: entry for entry in client.post("/v2/repository/index").json()}
            memory = []
            for number in range(1, 1 + ROUNDS):
                touch(own_repository)
                wanted = len(reasons) + number * (len(reasons) - UNCHANGED)
                eventually(lambda wanted=wanted: log.read_text().count("refused ") >= wanted)
                assert client.post("/v1/models/ring:predict", json=ROW).content == answer
                memory.append(resident(process.pid))
            assert client.get("/v2/health/ready").status_code == 200
    for name, reason in reasons.items():
        assert index[name]["state"] == "UNAVAILABLE"
        assert re.search(reason, index[name]["reason"]), (name, index[name]["reason"])
        assert len(index[name]["reason"]) <= 500
    assert {name for name, entry in index.items() if entry["state"] == "READY"} == {"ring", "product"}
    assert memory[-1] - memory[0] < GROWTH


def test_file_above_size_limit_is_refused_unparsed() -> None:
    with pytest.raises(UnsafeModelError, match="at most"):
        parse_checked(bytes(MAX_FILE_BYTES + 1))


def test_unknown_protobuf_fields_are_refused_at_any_depth() -> None:
    model = graph(network())
    inner = onnx.NodeProto.FromString(model.graph.node[0].SerializeToString() + b"\xfa\x7f\x04moon")
    model.graph.node[0].CopyFrom(inner)
    with pytest.raises(UnsafeModelError, match="a field that the ONNX format does not define"):
        parse_checked(model.SerializeToString())


@given(st.binary(max_size=512))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ModelError):
        open_package(data)


def test_truncated_file_is_refused() -> None:
    for length in range(0, len(WHOLE), 10):
        with pytest.raises(ModelError):
            open_package(WHOLE[:length])


def test_bit_flip_is_refused_or_harmless() -> None:
    for place in range(0, len(WHOLE), 7):
        damaged = bytearray(WHOLE)
        damaged[place] ^= 1 << place % 8
        with suppress(ModelError):
            open_package(bytes(damaged))


@given(st.data())
def test_damaged_file_is_refused_or_harmless(data: st.DataObject) -> None:
    damaged = bytearray(WHOLE)
    for place in data.draw(st.lists(st.integers(0, len(WHOLE) - 1), min_size=1, max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
    with suppress(ModelError):
        open_package(bytes(damaged))


def test_model_swapped_during_read_is_one_version_or_refused(tmp_path: Path) -> None:
    """The files are replaced one after the other, as an editor or a copy does it; a mixture never passes."""
    versions = [
        repository.publish_version(tmp_path / str(size), "m", package(network((2, size, 1)))) for size in (3, 5)
    ]
    wanted = [{file.name: file.read_bytes() for file in version.iterdir()} for version in versions]
    folder = repository.publish_version(tmp_path / "models", "m", WHOLE)
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            for contents in wanted:
                for name, data in contents.items():
                    (folder / f".{name}").write_bytes(data)
                    (folder / f".{name}").replace(folder / name)

    thread = threading.Thread(target=swap)
    thread.start()
    found = {"refused": 0, "read": 0}
    try:
        while min(found.values()) < 20:
            try:
                data = repository.read_model(tmp_path / "models", "m", "1")
            except ModelError:
                found["refused"] += 1
            else:
                assert data in (WHOLE, *(contents[repository.MODEL_FILE] for contents in wanted))
                found["read"] += 1
    finally:
        over.set()
        thread.join()


def test_runtime_loads_exactly_the_checked_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    given_to_it: list[bytes] = []
    start = onnxruntime.InferenceSession.__init__

    def started(session: onnxruntime.InferenceSession, data: bytes, *others: Any, **named: Any) -> None:
        given_to_it.append(data)
        start(session, data, *others, **named)

    monkeypatch.setattr("onnxruntime.InferenceSession.__init__", started)
    made = open_package(WHOLE)
    Session(made)
    assert given_to_it[0] is WHOLE
    for part in given_to_it[1:]:  # of the graph that was scanned, and scanned again here
        assert isinstance(part, bytes)
        parse_checked(part)


def test_inconsistency_at_non_text_name_is_refused() -> None:
    model = onnx.ModelProto.FromString(WHOLE)
    for node in model.graph.node:
        node.name = "AAAA"
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 7
    with pytest.raises(ModelError):
        open_package(model.SerializeToString().replace(b"AAAA", b"AA\xb5A"))

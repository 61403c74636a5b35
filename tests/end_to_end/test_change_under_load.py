"""Tests of repository changes under load: every response is complete and from one version.

Versions are networks of different seeds. The test computes the responses of each version itself, so it knows which
version a response is from.
"""

import asyncio
import hashlib
import os
import re
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from geventhttpclient.response import HTTPParseError

from enn_models import repository
from enn_models.package import open_package
from enn_service.client import AsyncClient, Client, UnavailableError
from enn_service.runtime.session import Session
from support.examples import network
from support.serving import TOKEN, WORKERS, address_of, command
from support.tiny import package

pytestmark = pytest.mark.slow

ROWS = np.random.default_rng(0).uniform(-1, 1, (5, 2)).astype(np.float32)
SEEDS = (1, 2, 3)
TOLERANCE = 1e-5
"""Between float32 in the runtime and float64 in the oracle, for numbers of order one."""
ANSWERS = 100
"""So many are waited for after each change."""
PAUSE_SECONDS = 0.02
"""Between the requests of a client: together they ask about 200 times a second."""
TASKS = 2
CONNECTIONS = 12
HOLDER = {"authorization": f"Bearer {TOKEN}"}
Eventually = Callable[[Callable[[], bool]], None]


def file_of(seed: int) -> bytes:
    return package(network((2, 4, 1), head="linear", task="regression", seed=seed))


def answers_of(seed: int) -> tuple[list[float], list[list[float]]]:
    """Return the outputs and bumps of a version, as float32 gives them, after comparing them with the oracle."""
    opened = open_package(file_of(seed))
    output, bumps = Session(opened).run(ROWS, ("output", "bumps"))
    np.testing.assert_allclose(output, opened.network.respond(ROWS).output, atol=TOLERANCE)
    return output[:, 0].tolist(), bumps[:, 0].tolist()


class Clients:
    """Clients at work on models that change.

    Args:
        address: The service's.

    Attributes:
        found: Number of responses of each version of each model.
        cut: Requests whose connection was lost, of clients that do not ask again by themselves.
        away: Number of responses that report the unloaded model as unloaded.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._enough = threading.Event()
        self._answers = {seed: answers_of(seed) for seed in SEEDS}
        self.found: Counter[tuple[str, int]] = Counter()
        self.cut: list[str] = []
        self.away = 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Ask until the block ends, and raise what any of them raised."""
        works = (self._python, self._asynchronous, self._triton, self._plain, self._of_what_is_unloaded)
        with ThreadPoolExecutor(len(works)) as pool:
            running = [pool.submit(self._on, work) for work in works]
            try:
                yield
            finally:
                self._enough.set()
                for one in running:
                    one.result()

    def go_on(self, eventually: Eventually) -> None:
        """Wait until they have got some more answers."""
        wanted = self.found.total() + ANSWERS
        eventually(lambda: self.found.total() >= wanted or self._enough.is_set())
        assert not self._enough.is_set(), "a client has failed"

    def all_see(self, seed: int) -> bool:
        """Return whether this version answers on connections enough to reach every worker."""

        def once() -> bool:
            with Client(self._address) as client:
                return self._version(client.predict("changing", ROWS)) == seed

        return all(once() for _ in range(CONNECTIONS))

    def _on(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            self._enough.set()

    def _check(self, model: str, outputs: list[float], bumps: list[list[float]] | None = None) -> None:
        seed = self._version(outputs)
        if bumps is not None:
            assert np.asarray(bumps, np.float32).tolist() == self._answers[seed][1], (
                f"{model}: bumps of another version"
            )
        self.found[model, seed] += 1

    def _version(self, outputs: list[float]) -> int:
        given = np.asarray(outputs, np.float32).tolist()
        found = [seed for seed, (own, _) in self._answers.items() if own == given]
        assert found, f"{given} is no version's answer; those are {self._answers}"
        return found[0]

    def _python(self) -> None:
        with Client(self._address) as client:
            while not self._enough.wait(PAUSE_SECONDS):
                for model in ("changing", "steady"):
                    self._check(model, client.predict(model, ROWS))
                    self._check(model, client.infer(model, ROWS, binary=True)["output"][:, 0].tolist())
                    why = client.explain(model, ROWS)
                    self._check(model, why.predictions, why.bumps.tolist())

    def _asynchronous(self) -> None:
        async def ask(client: AsyncClient) -> None:
            while not self._enough.is_set():
                self._check("changing", await client.predict("changing", ROWS))
                await asyncio.sleep(PAUSE_SECONDS)

        async def all_of_them() -> None:
            async with AsyncClient(self._address) as client:
                await asyncio.gather(*(ask(client) for _ in range(TASKS)))

        asyncio.run(all_of_them())

    def _triton(self) -> None:
        tensor = triton.InferInput("input", list(ROWS.shape), "FP32")
        tensor.set_data_from_numpy(ROWS)
        with triton.InferenceServerClient(httpx.URL(self._address).netloc.decode()) as client:
            while not self._enough.wait(PAUSE_SECONDS):
                try:
                    answer = client.infer("changing", [tensor]).as_numpy("output")
                except (OSError, HTTPParseError) as error:
                    self.cut.append(repr(error))
                    continue
                assert answer is not None
                self._check("changing", answer[:, 0].tolist())

    def _plain(self) -> None:
        with httpx.Client(base_url=self._address) as client:
            while not self._enough.wait(PAUSE_SECONDS):
                try:
                    reply = client.post("/v1/models/changing:predict", json={"instances": ROWS.tolist()})
                except httpx.TransportError as error:
                    self.cut.append(repr(error))
                    continue
                assert reply.status_code == 200, reply.text
                self._check("changing", reply.json()["predictions"])

    def _of_what_is_unloaded(self) -> None:
        with Client(self._address) as client:
            while not self._enough.wait(PAUSE_SECONDS):
                try:
                    self._check("away", client.predict("away", ROWS))
                except UnavailableError:
                    self.away += 1


def write(folder: Path, data: bytes) -> None:
    """Replace a version's files as copying does: one after the other, not whole."""
    (folder / repository.MODEL_FILE).write_bytes(data)
    (folder / repository.SUMS_FILE).write_text(f"{hashlib.sha256(data).hexdigest()}  {repository.MODEL_FILE}\n")


def reason(address: str, entry: str) -> str:
    index = httpx.post(f"{address}/v2/repository/index").json()
    return next(each["reason"] for each in index if f"{each['name']}/{each['version']}" == entry)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("steady", "changing", "away"):
        repository.publish_version(tmp_path / "models", name, file_of(1))
    return tmp_path / "models"


def test_every_response_is_complete_and_from_one_version(tmp_path: Path, root: Path, eventually: Eventually) -> None:
    log = tmp_path / "log"
    with command(root, log) as process:
        address = address_of(process, log, WORKERS, eventually)
        clients = Clients(address)

        def answers_now(seed: int) -> None:
            eventually(lambda: clients.all_see(seed))
            clients.go_on(eventually)

        with clients.at_work():
            clients.go_on(eventually)
            second = repository.publish_version(root, "changing", file_of(2))
            answers_now(2)
            write(second, file_of(3))
            answers_now(3)
            (second / repository.MODEL_FILE).write_bytes(file_of(1)[:1000])
            eventually(lambda: reason(address, "changing/2") != "")
            answers_now(3)
            write(second, file_of(3))
            eventually(lambda: reason(address, "changing/2") == "")
            write(repository.publish_version(root, "changing", file_of(1)), b"no model")

            httpx.post(f"{address}/v2/repository/models/away/unload", headers=HOLDER).raise_for_status()
            eventually(lambda: clients.away > 0)
            assert clients.cut == []
            killed = re.findall(r"Started server process \[(\d+)\]", log.read_text())
            for number, worker in enumerate(killed, 1):
                os.kill(int(worker), signal.SIGKILL)
                eventually(lambda number=number: log.read_text().count("startup complete") == WORKERS + number)
                clients.go_on(eventually)
            shutil.rmtree(root / "changing" / "3")
            httpx.post(f"{address}/v2/repository/models/away/load", headers=HOLDER).raise_for_status()
            answers_now(3)
            shutil.rmtree(second)
            answers_now(1)
    assert {("changing", seed) for seed in SEEDS} | {("steady", 1), ("away", 1)} == set(clients.found)
    # Each of the two that do not ask again by themselves had one connection to a worker that was killed, at most.
    assert len(clients.cut) <= 2 * WORKERS, clients.cut

"""Tests of the container, built and run from the Dockerfile and the compose file."""

import json
import os
import socket
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from enn_service.client import Client

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("ENN_TEST_CONTAINER" not in os.environ, reason="no Docker engine (ENN_TEST_CONTAINER)"),
]

Compose = Callable[..., str]


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def compose(port: int) -> Iterator[Compose]:
    command = ["docker", "compose", "--project-name", f"enn-test-{uuid.uuid4().hex[:8]}"]

    def run(*arguments: str) -> str:
        environment = os.environ | {"PORT": str(port)}
        done = subprocess.run(
            [*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        run("up", "--detach", "--build", "--wait", "--wait-timeout", "120")
        yield run
    finally:
        run("down", "--volumes", "--timeout", "5")


def test_container_predicts_and_explains(compose: Compose, port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        reply = client.post("/v1/models/ring:explain", json={"instances": [[0.1, 0.2]]})
    assert reply.status_code == 200
    assert len(reply.json()["explanations"][0]["bumps"]) == 6


def test_container_is_healthy_unprivileged_and_read_only(compose: Compose) -> None:
    container = compose("ps", "--quiet", "enn").strip()
    inspected = json.loads(subprocess.check_output(["docker", "inspect", container]))[0]
    assert inspected["State"]["Health"]["Status"] == "healthy"
    assert inspected["Config"]["User"] == "10001:10001"
    assert inspected["HostConfig"]["ReadonlyRootfs"]
    assert inspected["HostConfig"]["CapDrop"] == ["ALL"]
    assert [mount["RW"] for mount in inspected["Mounts"] if mount["Destination"] == "/mnt/models"] == [False]


def test_container_restart_loses_no_response_of_retrying_clients(compose: Compose, port: int) -> None:
    enough = threading.Event()

    def ask() -> set[str]:
        found: set[str] = set()
        with Client(f"http://127.0.0.1:{port}", retries=10, timeout=60) as client:
            while not enough.is_set():
                found.add(json.dumps(client.predict("ring", [[0.1, 0.2]])))
        return found

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        try:
            compose("restart", "enn")
            compose("up", "--detach", "--wait", "--wait-timeout", "120")
        finally:
            enough.set()
        assert len(set.union(*(each.result() for each in asking))) == 1


def test_image_has_no_torch(compose: Compose) -> None:
    found = compose("exec", "-T", "enn", "python", "-c", "from importlib.util import find_spec as f; print(f('torch'))")
    assert found.strip() == "None"


def test_image_has_sbom_and_no_build_tools(compose: Compose) -> None:
    listed = json.loads(compose("exec", "-T", "enn", "cat", "/usr/share/enn/sbom.json"))
    look = "from importlib.metadata import distributions as d; print(*(f'{x.name}=={x.version}' for x in d()))"
    installed = compose("exec", "-T", "enn", "python", "-c", look).split()
    parts = [listed["metadata"]["component"], *listed["components"]]
    assert sorted(f"{part['name']}=={part['version']}" for part in parts) == sorted(installed)
    assert len(installed) > 20

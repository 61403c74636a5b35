"""Tests of deploy/ray with two replicas on a real Ray Serve."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.serving import SHIPPED, free_port

ROOT = Path(__file__).parents[2]
RAY = "2.60.0"
BESIDES = [
    "aiohttp-cors",
    "cachetools",
    "colorful",
    "distlib",
    "google-api-core",
    "google-auth",
    "grpcio",
    "grpcio-reflection",
    "mmh3",
    "msgpack<2",
    "opencensus",
    "opencensus-context",
    "opentelemetry-exporter-prometheus",
    "platformdirs",
    "proto-plus",
    "py-spy",
    "python-discovery",
    "smart-open",
    "virtualenv",
    "watchfiles",
]
"""Packages that ray[serve] needs beside those of this environment."""
START = """
import sys
import ray
from ray import serve
ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, _temp_dir=sys.argv[2])
try:
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    from enn import app
    serve.run(app)
    status = serve.status().applications["default"].deployments["enn"]
    print(status.replica_states["RUNNING"], flush=True)
    sys.stdin.read()
finally:
    serve.shutdown()
    ray.shutdown()
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("ENN_TEST_RAY" not in os.environ, reason="Ray takes a minute to install (ENN_TEST_RAY)"),
]


@pytest.fixture(scope="module")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with Ray, which this environment does without."""
    folder = tmp_path_factory.mktemp("ray")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command = [*install, "--target", str(folder), f"ray=={RAY}", *BESIDES]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        pytest.skip(f"pip could not install it here: {done.stderr.strip().splitlines()[-1:]}")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def replicas(ray: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of two replicas."""
    port = free_port()
    settings = {
        "ENN_MODELS": str(SHIPPED),
        "HOME": str(tmp_path),
        "PYTHONPATH": f"{ray}:{ROOT / 'deploy' / 'ray'}",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_raylet_start_wait_time_s": "240",  # on a machine at work
    }
    log = tmp_path / "log"
    # Ray's sockets have short names.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as own, log.open("w") as errors:
        command = [sys.executable, "-c", START, str(port), own]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors, "text": True}
        with (
            subprocess.Popen(command, env=os.environ | settings, **pipes) as process,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
        ):
            assert process.stdout is not None
            assert process.stdout.readline() == "2\n", log.read_text()
            yield client
            process.communicate()  # it ends at the end of its input
        assert process.returncode == 0, log.read_text()


def test_two_ray_serve_replicas_equal_the_service(replicas: httpx.Client, client: httpx.Client) -> None:
    body = json.dumps({"instances": [[0.1, 0.2], [0.5, -0.1]]})
    for path in ("/v1/models/ring:predict", "/v1/models/ring:explain", "/v1/models/moon:predict"):
        wanted = client.post(path, content=body)
        for _ in range(20):
            found = replicas.post(path, content=body)
            assert (found.status_code, found.content) == (wanted.status_code, wanted.content)
    for path in ("/v1/models", "/v2/models/ring", "/v2/health/ready"):
        assert replicas.get(path).json() == client.get(path).json()

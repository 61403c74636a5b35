"""Tests with clients that two code generators make from the OpenAPI document of a service that requires API keys."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.serving import SHIPPED, serving

pytestmark = pytest.mark.slow

FOREIGN = Path(__file__).parent / "foreign"
KEY = "spring"
ROW = [0.1, 0.2]
JAVA_GENERATOR = "import sys, openapi_generator_cli as cli; sys.exit(cli.run(sys.argv[1:]).returncode)"
GENERATORS = ("with_openapi_python_client.py", "with_openapi_generator.py")


@pytest.fixture(scope="module")
def guarded() -> Iterator[httpx.Client]:
    """A client, with its key, of a service that requires one."""
    with serving(SHIPPED, api_keys=(hashlib.sha256(KEY.encode()).hexdigest(),)) as client:
        client.headers["x-api-key"] = KEY
        yield client


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both generators, which precedes the packages of this environment."""
    folder = tmp_path_factory.mktemp("generators")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--no-compile"]
    subprocess.run([*install, "--target", folder, "--requirement", FOREIGN / "generators.txt"], check=True, timeout=300)
    return folder


def run(packages: Path, *command: str | Path) -> str:
    """Return the output of a Python command that finds the generators and the clients they wrote."""
    environment = os.environ | {"PYTHONPATH": str(packages)}
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, env=environment, cwd=packages
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def generated(packages: Path, guarded: httpx.Client) -> Path:
    """The folder with both generators and the two clients they wrote."""
    document = packages / "openapi.json"
    document.write_bytes(guarded.get("/openapi.json").content)
    first = ["--path", document, "--output-path", packages / "openapi_python_client_of_enn", "--meta", "none"]
    assert "WARNING" not in run(packages, "-m", "openapi_python_client", "generate", *first)
    name = "--additional-properties=packageName=openapi_generator_client_of_enn"
    second = ["--generator-name", "python", "--input-spec", document, "--output", packages, name]
    run(packages, "-c", JAVA_GENERATOR, "generate", *second)
    return packages


@pytest.fixture(scope="module")
def expected(guarded: httpx.Client) -> dict[str, Any]:
    """Bodies that plain HTTP gets, by call."""
    tensor = {"name": "input", "shape": [1, 2], "datatype": "FP32", "data": ROW}
    sent = {
        "predict": ("/v1/models/ring:predict", {"instances": [ROW, {"x0": 0.1, "x1": 0.2}]}),
        "explain": ("/v1/models/ring:explain", {"instances": [ROW], "parameters": {"harmonics": True, "output": 1}}),
        "infer": ("/v2/models/ring/infer", {"inputs": [tensor], "outputs": [{"name": "bumps"}]}),
        "index": ("/v2/repository/index", {}),
    }
    answers = {name: guarded.post(path, json=body).json() for name, (path, body) in sent.items()}
    return answers | {"metadata": guarded.get("/v2/models/ring").json()}


def without_null(value: Any) -> Any:
    """Return a body without the fields that are null: a generated client may leave them out."""
    if isinstance(value, dict):
        return {name: without_null(each) for name, each in value.items() if each is not None}
    return [without_null(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("script", GENERATORS)
def test_generated_client_sends_typed_bodies_and_reads_answers(
    generated: Path, guarded: httpx.Client, expected: dict[str, Any], script: str
) -> None:
    found = json.loads(run(generated, FOREIGN / script, str(guarded.base_url).rstrip("/"), KEY))
    status, text = found.pop("refused")
    assert (status, "X-API-Key" in text) == (401, True)
    assert not [kind for kind in found.pop("types").values() if "Any" in kind]
    assert without_null(found) == without_null(expected)

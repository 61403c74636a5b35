"""The README is short and true: its commands run as printed and answer what it shows."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from support.documents import ADDRESS, FLOAT32_ON_ANOTHER_PROCESSOR, ROOT, Command, blocks, commands, output_equal, run

README = (ROOT / "README.md").read_text()
MAX_LINES = 150
GOOD_ACCURACY = 0.95
"""Of the circle in the README, where the majority class has .72."""


def test_readme_has_at_most_150_lines():
    assert len(README.splitlines()) <= MAX_LINES


@pytest.mark.parametrize("command", commands(README), ids=lambda command: command.line[:60])
def test_curl_command_prints_the_shown_answer(client: httpx.Client, command: Command):
    answer = run(command.line, f"127.0.0.1:{client.base_url.port}")
    assert ADDRESS in command.line
    assert output_equal(answer, command.shown, FLOAT32_ON_ANOTHER_PROCESSOR), answer


def test_training_commands_run_as_printed(tmp_path: Path):
    (block,) = [content for _, content in blocks(README, "sh") if "enn-train" in content]
    for line in block.splitlines():
        own = line.replace("--models my-models", f"--models {tmp_path}")
        assert own != line
        assert "published" in run(own, ADDRESS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my-stripes", "my-table"]


def test_python_blocks_run_as_printed(client: httpx.Client, tmp_path: Path):
    explains, trains = [content for _, content in blocks(README, "python")]
    own = explains.replace(ADDRESS, f"127.0.0.1:{client.base_url.port}")
    assert ".base_values" in python(own, tmp_path)
    assert float(python(trains, tmp_path)) > GOOD_ACCURACY
    assert (tmp_path / "my-models" / "disc" / "1" / "model.onnx").exists()


def python(text: str, folder: Path) -> str:
    """Return what Python code prints."""
    return subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True, check=True).stdout

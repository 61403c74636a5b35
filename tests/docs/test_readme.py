"""The README is true: its commands run as printed and answer what it shows, its settings are those of the service."""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from enn_service.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
GOOD_ACCURACY = 0.95
"""Of the circle in the README, where the majority class has .72."""
FLOAT32_ON_ANOTHER_PROCESSOR = 1e-5


def commands() -> list[tuple[str, str]]:
    """Return each `$ command` of the console blocks with the answer shown under it."""
    blocks = "\n".join(re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL))
    return [(part.split("\n", 1)[0], part.split("\n", 1)[1].strip()) for part in blocks.split("$ ")[1:]]


@pytest.mark.parametrize(("command", "shown"), commands(), ids=lambda text: text[:60])
def test_a_curl_line_answers_what_is_shown(client: httpx.Client, command: str, shown: str) -> None:
    own = command.replace("localhost:8080", f"127.0.0.1:{client.base_url.port}")
    answer = subprocess.run(["bash", "-c", own], capture_output=True, text=True, check=True).stdout
    assert own != command
    assert same(json.loads(answer), json.loads(shown)), answer


def same(found: object, shown: object) -> bool:
    if isinstance(shown, float):
        return found == pytest.approx(shown, rel=FLOAT32_ON_ANOTHER_PROCESSOR, abs=FLOAT32_ON_ANOTHER_PROCESSOR)
    if isinstance(shown, dict) and isinstance(found, dict):
        return list(found) == list(shown) and all(same(found[key], value) for key, value in shown.items())
    if isinstance(shown, list) and isinstance(found, list):
        return len(found) == len(shown) and all(map(same, found, shown))
    return found == shown


def test_the_settings_shown_are_those_of_the_service() -> None:
    shown = re.findall(r"^\| `ENN_(\w+)` \| (.*?) \| `(.*?)` \|$", README, flags=re.MULTILINE)
    fields = Settings.model_fields
    found = [(name.lower(), text.replace("`", "")) for name, text, _ in shown]
    assert found == [(name, field.description) for name, field in fields.items()]
    assert [default for *_, default in shown] == [str(field.default) for field in fields.values()]


def test_every_link_into_the_repository_leads_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", README) if not target.startswith("http")]
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_make_target_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?:^|`)make ([\w./-]+)", README, flags=re.MULTILINE))
    assert {"serve", "test"} <= targets
    assert [
        target for target in targets if not re.search(rf"^{re.escape(target)}:", makefile, flags=re.MULTILINE)
    ] == []


def test_the_learning_commands_run_as_printed(tmp_path: Path) -> None:
    (block,) = [text for text in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL) if "enn-train" in text]
    lines = [line for line in block.splitlines() if "enn-train" in line]
    for line in lines:
        own = line.replace("--models models/repository", f"--models {tmp_path}")
        assert own != line
        done = subprocess.run(["bash", "-c", own], cwd=ROOT, capture_output=True, text=True, check=True)
        assert "published" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my-stripes", "my-table"]


def test_the_python_lines_run_as_printed(client: httpx.Client, tmp_path: Path) -> None:
    asks, learns, adopts = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    done = subprocess.run([sys.executable, "-c", learns], capture_output=True, text=True, check=True)
    assert float(done.stdout) > GOOD_ACCURACY
    own = asks.replace("localhost:8080", f"127.0.0.1:{client.base_url.port}")
    done = subprocess.run([sys.executable, "-c", own], capture_output=True, text=True, check=True)
    assert ".base_values" in done.stdout
    subprocess.run([sys.executable, "-c", adopts], cwd=tmp_path, capture_output=True, check=True)
    assert sorted(path.name for path in (tmp_path / "my-models" / "area").iterdir()) == ["1", "2"]

"""The how-to guides are true: commands answer what they show; options, settings and make targets exist."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from enn_service.settings import Settings
from generator import command_line, errors, settings
from support.documents import ADDRESS, FLOAT32_ON_ANOTHER_PROCESSOR, ROOT, Command, blocks, commands, output_equal, run

GUIDES = {page.stem: page.read_text() for page in sorted((ROOT / "docs" / "how-to").glob("*.md"))}
DOCUMENTS = {
    str(page.relative_to(ROOT)): page.read_text() for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
}
TEST_VARIABLES = {"ENN_TEST_CONTAINER", "ENN_TEST_RAY", "ENN_FUZZ_EXAMPLES"}


def shown() -> list[Command]:
    return [command for text in GUIDES.values() for command in commands(text)]


@pytest.mark.parametrize("command", shown(), ids=lambda command: command.line[:60])
def test_guide_command_prints_the_shown_answer(client: httpx.Client, command: Command):
    answer = run(command.line, f"127.0.0.1:{client.base_url.port}")
    assert ADDRESS in command.line
    assert output_equal(answer, command.shown, FLOAT32_ON_ANOTHER_PROCESSOR), answer


@pytest.mark.parametrize("guide", [name for name, text in GUIDES.items() if "```python" in text])
def test_python_blocks_of_guide_run_in_order(client: httpx.Client, guide: str, tmp_path: Path):
    text = "\n".join(content for _, content in blocks(GUIDES[guide], "python"))
    own = text.replace(ADDRESS, f"127.0.0.1:{client.base_url.port}")
    subprocess.run([sys.executable, "-c", own], cwd=tmp_path, check=True)


def test_named_options_exist():
    known = {name: command_line.options(name) for name in command_line.commands()}
    known["enn-serve"] = {settings.option(name) for name in Settings.model_fields} | {"--help"}
    found = [(program, option) for program, line in calls() for option in re.findall(r"(?<!\S)--[a-z-]+", line)]
    assert len(found) > 10
    assert [(program, option) for program, option in found if option not in known[program]] == []


def calls() -> Iterator[tuple[str, str]]:
    """Yield name and line of each call of a program in the documents."""
    for text in DOCUMENTS.values():
        for line in re.findall(r"enn-(?:serve|score|train [a-z]+)[^`\n|]*", text):
            program = re.match(r"enn-(?:serve|score|train [a-z]+)", line)
            if program and program[0] in {"enn-serve", *command_line.commands()}:
                yield program[0], line


def test_named_settings_exist():
    known = {settings.variable(name) for name in Settings.model_fields} | TEST_VARIABLES
    found = {name for text in DOCUMENTS.values() for name in re.findall(r"\bENN_[A-Z_]+[A-Z]\b", text)}
    assert len(found) > 10
    assert found - known == set()


def test_named_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    found = {name for text in DOCUMENTS.values() for name in re.findall(r"(?:^|`)make ([\w./-]+)", text, re.MULTILINE)}
    assert {"serve", "test", "docs"} <= found
    assert [name for name in found if not re.search(rf"^{re.escape(name)}:", makefile, flags=re.MULTILINE)] == []


def test_troubleshoot_has_a_remedy_for_each_error_reason():
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", GUIDES["troubleshoot"], flags=re.MULTILINE)
    assert {(int(status), reason) for status, reason in rows} == {(k.status, k.reason) for k in errors.refusals()}

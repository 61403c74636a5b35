"""The tutorial works: its commands run in order, as printed, and print what it shows."""

from pathlib import Path

from support.documents import LEARNED_ON_ANOTHER_PROCESSOR, ROOT, commands, output_equal, walkthrough

TUTORIAL = (ROOT / "docs" / "tutorial" / "index.md").read_text()


def test_tutorial_commands_print_what_it_shows(tmp_path: Path):
    steps = commands(TUTORIAL)
    assert len(steps) >= 6
    with walkthrough(TUTORIAL, tmp_path) as reader:
        for step in steps:
            found = reader.run(step.line)
            assert output_equal(found, step.shown, LEARNED_ON_ANOTHER_PROCESSOR), f"{step.line}\n{found}"

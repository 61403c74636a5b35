"""Write the answers that README.md, the how-to guides and the tutorial show, from a real service: `make answers`."""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from support.documents import ROOT, run, walkthrough
from support.serving import SHIPPED, serving

TUTORIAL = ROOT / "docs" / "tutorial" / "index.md"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs" / "how-to").glob("*.md")))


def main() -> None:
    """Run every `$ command` of the console blocks, and replace what is shown under it."""
    with serving(SHIPPED) as client:
        address = f"127.0.0.1:{client.base_url.port}"
        for page in PAGES:
            write(page, lambda line: run(line, address))
    with tempfile.TemporaryDirectory() as folder, walkthrough(TUTORIAL.read_text(), Path(folder)) as steps:
        write(TUTORIAL, steps.run)


def write(page: Path, answer: Callable[[str], str]) -> None:
    """Replace what a page shows under each command."""

    def answered(block: re.Match[str]) -> str:
        commands = re.findall(r"^\$ (.*)$", block[1], flags=re.MULTILINE)
        outputs = ((command, answer(command)) for command in commands)
        return (
            "```console\n" + "".join(f"$ {line}\n{text}\n" if text else f"$ {line}\n" for line, text in outputs) + "```"
        )

    page.write_text(re.sub(r"```console\n(.*?)```", answered, page.read_text(), flags=re.DOTALL))


if __name__ == "__main__":
    main()

"""Write the answers that the README shows anew, from a server with the shipped models: `make answers`."""

import re
import subprocess
from pathlib import Path

from support.serving import SHIPPED, serving

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Run every `$ command` of the console blocks and replace what is shown under it."""
    readme = ROOT / "README.md"
    with serving(SHIPPED) as client:
        here = f"127.0.0.1:{client.base_url.port}"

        def answered(block: re.Match[str]) -> str:
            commands = re.findall(r"^\$ (.*)$", block[1], flags=re.MULTILINE)
            return "```console\n" + "".join(f"$ {command}\n{answer(command, here)}\n" for command in commands) + "```"

        readme.write_text(re.sub(r"```console\n(.*?)```", answered, readme.read_text(), flags=re.DOTALL))


def answer(command: str, here: str) -> str:
    """Return what a command prints, asked of the server here."""
    own = command.replace("localhost:8080", here)
    return subprocess.run(["bash", "-c", own], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()

"""Virtual environments of the peers, created once from their requirements and kept."""

import hashlib
import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from benchmarks.serving.peers import Peer

VERSIONS = (
    "import importlib.metadata, json, sys; print(json.dumps([importlib.metadata.version(n) for n in sys.argv[1:]]))"
)


class MissingPeerError(Exception):
    """Raise if a peer cannot be measured; the message contains the reason."""


def python_of(peer: Peer, folder: Path) -> Path:
    """Return the interpreter of a peer's environment; create the environment if it does not exist.

    Raises:
        MissingPeerError: The requirements cannot be installed.
    """
    key = hashlib.sha256("\n".join((sys.version, *peer.requirements)).encode()).hexdigest()[:12]
    root = folder / f"{peer.name}-{key}"
    python, complete = root / "bin" / "python", root / "whole"  # the file marks a complete installation
    if not complete.exists():
        venv.create(root, clear=True, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.requirements]
        result = subprocess.run(install, capture_output=True, text=True, check=False)
        if result.returncode:
            errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
            raise MissingPeerError(f"its environment could not be installed: {(errors or ['pip failed'])[-1][:200]}")
        complete.touch()
    return python


def versions(python: Path, requirements: Sequence[str]) -> str:
    """Return the installed versions of requirements, for the table."""
    names = [requirement.partition("==")[0].partition("[")[0] for requirement in requirements]
    output = subprocess.run([python, "-c", VERSIONS, *names], capture_output=True, text=True, check=True).stdout
    return ", ".join(f"{name} {version}" for name, version in zip(names, json.loads(output), strict=True))

"""Environments: one virtual environment a peer, made once from its requirements and kept."""

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
    """A peer cannot be measured; the text says why."""


def python_of(peer: Peer, folder: Path) -> Path:
    """Return the interpreter of a peer's environment, which is made if it is not there.

    Raises:
        MissingPeerError: Its requirements cannot be installed here.
    """
    key = hashlib.sha256("\n".join((sys.version, *peer.requirements)).encode()).hexdigest()[:12]
    root = folder / f"{peer.name}-{key}"
    python, whole = root / "bin" / "python", root / "whole"
    if not whole.exists():
        venv.create(root, clear=True, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.requirements]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise MissingPeerError(f"its environment could not be installed: {(reason or ['pip failed'])[-1][:200]}")
        whole.touch()
    return python


def versions(python: Path, requirements: Sequence[str]) -> str:
    """Return the installed versions of requirements, for the table."""
    names = [requirement.partition("==")[0].partition("[")[0] for requirement in requirements]
    found = subprocess.run([python, "-c", VERSIONS, *names], capture_output=True, text=True, check=True).stdout
    return ", ".join(f"{name} {version}" for name, version in zip(names, json.loads(found), strict=True))

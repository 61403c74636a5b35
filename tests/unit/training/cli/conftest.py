"""Command line in this process."""

import sys

import pytest

from enn_training.__main__ import main


@pytest.fixture
def enn(monkeypatch, capsys):
    """Run the command line; return exit status, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["enn-train", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        return status, *capsys.readouterr()

    return run

"""The command `enn-score`, also `python -m enn_service.scoring`: set up the process, then import and run it."""

import os
import signal
import sys

from enn_service import THREAD_VARIABLES


def main() -> None:
    """Parse the command line and score."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # temporary files are removed
    # Blocks of rows run in parallel; threads within a block would only compete with them.
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, "1")
    try:
        from enn_service.scoring.command import run
    except ModuleNotFoundError as error:
        sys.exit(f"enn-score: {error}; expected the extra score: pip install -c constraints.txt '.[score]'")
    sys.exit(run())


if __name__ == "__main__":
    main()

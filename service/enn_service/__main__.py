"""The command `enn-serve`, also `python -m enn_service`: set up the process, then import and run the server."""

import os
import signal

from enn_service import THREAD_VARIABLES


def main() -> None:
    """Parse the command line and the environment, and serve."""
    # As PID 1 of a container, a process without a handler ignores the signal. Nothing is there yet to be cleaned up.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    # The image starts the interpreter with the signal blocked, so that one that came before the handler is not lost.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    # Otherwise each worker starts one thread per core, which it does not use: requests run in parallel, not in parts.
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, "1")
    from enn_service.server.command import run

    run()


if __name__ == "__main__":
    main()

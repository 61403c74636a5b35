"""The command `enn-serve`, also `python -m enn_service`: parse the settings and start the server."""

import logging.config
import os

from pydantic_settings import CliApp

from enn_service.observability.log_config import logging_config
from enn_service.server.run_directory import RunDirectory, run_directory
from enn_service.server.server import serve
from enn_service.settings import Settings


def main() -> None:
    """Parse the command line and the environment, export the settings to the worker processes, and serve."""
    settings = CliApp.run(Settings)
    logging.config.dictConfig(logging_config(settings))
    with run_directory(settings.run) as path:
        run = RunDirectory(path)
        run.reset()
        # Worker processes create their application from the environment.
        os.environ.update(settings.model_copy(update={"run": path}).environment())
        serve(settings, run)


if __name__ == "__main__":
    main()

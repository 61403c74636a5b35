"""`python -m enn_service`, also `enn-serve`: start the server with settings from ENN_* and the command line."""

import logging.config
import os

from pydantic_settings import CliApp

from enn_service.observability import log_config as logs
from enn_service.server.run_directory import RunDirectory, run_directory
from enn_service.server.server import serve
from enn_service.settings import Settings


def main() -> None:
    """Read the settings, hand them to the worker processes through the environment, and serve."""
    settings = CliApp.run(Settings)
    logging.config.dictConfig(logs.logging_config(settings))
    with run_directory(settings.run) as run:
        folder = RunDirectory(run)
        folder.reset()
        os.environ.update(settings.model_copy(update={"run": run}).environment())
        serve(settings, folder)


if __name__ == "__main__":
    main()

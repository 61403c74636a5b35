"""Start of the service: parse and check the settings, bind the address, and serve."""

import logging.config
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from pydantic import ValidationError
from pydantic_settings import CliApp, SettingsError

from enn_service.http.auth import KeySet
from enn_service.http.hosts import allowed_hosts
from enn_service.observability.log_config import logging_config
from enn_service.observability.worker_slots import WorkerSlot
from enn_service.server.listeners import bind
from enn_service.server.run_directory import RunDirectory, run_directory
from enn_service.server.server import SingleServer, load_application, uvicorn_config
from enn_service.server.setting_faults import WrongSettingsError, describe_faults, exit_with_faults, setting_name, shown
from enn_service.server.supervisor import Supervisor
from enn_service.settings import Settings
from enn_service.settings.checks import SettingError


def run() -> None:
    """Serve with the settings of the command line and the environment, until SIGTERM or SIGINT ends the process.

    Raises:
        SystemExit: The service has ended: with status 0 after a signal, with status 2 because of a setting.
    """
    settings = _parse_settings(sys.argv[1:])
    _check_key_files(settings)
    logging.config.dictConfig(logging_config(settings))
    _check_record(settings)
    with ExitStack() as stack:
        # From here on there is something to clean up.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))
        try:
            path = stack.enter_context(run_directory(settings.run))
            run_files = RunDirectory(path)
            run_files.reset()
            WorkerSlot(run_files.counters).release()  # as each worker will do
        except OSError as error:
            exit_with_faults(
                [f"{_name('run')}: {shown('run', settings.run)}; expected a folder to write to ({error.strerror})"]
            )
        try:
            listeners = [stack.enter_context(listener) for listener in bind(settings.host, settings.port)]
        except OSError as error:
            place = f"{_name('host')}: {shown('host', settings.host)}, {_name('port')}: {settings.port}"
            exit_with_faults([f"{place}; expected an address to listen on ({error.strerror})"])
        # Worker processes create their application from the environment.
        own = {"run": path, "allowed_hosts": allowed_hosts(settings)}
        os.environ.update(settings.model_copy(update=own).environment())
        config = uvicorn_config(settings)
        if settings.workers > 1:
            sys.exit(Supervisor(config, listeners, settings.drain_seconds).run())
        try:
            load_application(config)
        except WrongSettingsError as error:
            exit_with_faults(error.faults)
        server = SingleServer(config, stack.close)
        # uvicorn shuts down gracefully, then raises the signal again for the handler above.
        server.run(listeners)


def _parse_settings(arguments: Sequence[str]) -> Settings:
    try:
        return CliApp.run(Settings, cli_args=list(arguments))
    except ValidationError as error:
        exit_with_faults(describe_faults(error, arguments))
    except SettingsError as error:
        exit_with_faults([" ".join(str(error).split())])


def _check_key_files(settings: Settings) -> None:
    """Check the files that name keys, which each worker reads."""
    checks: dict[str, Callable[[], KeySet]] = {
        "api_keys_file": lambda: KeySet((), settings.api_keys_file),
        "token_file": lambda: KeySet((), settings.token_file),
    }
    faults: list[str] = []
    for field, check in checks.items():
        try:
            check()
        except ValueError as error:
            faults.append(f"{_name(field)}: {error}")
    if faults:
        exit_with_faults(faults)


def _check_record(settings: Settings) -> None:
    """Bring the database of the record up to date before the workers start; refuse one of a newer release."""
    if settings.record is None:
        return
    from enn_service.inference.record.service import check_schema  # noqa: PLC0415  (the extra `record`)

    try:
        check_schema(settings.record.get_secret_value())
    except SettingError as error:
        exit_with_faults([str(error)])


def _name(field: str) -> str:
    """Return the name by which the user gave a setting."""
    return setting_name(field, sys.argv[1:])

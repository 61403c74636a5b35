"""Supervisor of several worker processes: it never waits for one of them."""

import logging
import os
import signal
import socket
import sys
from collections import deque
from contextlib import suppress
from multiprocessing.connection import wait
from time import monotonic

import uvicorn
from uvicorn.supervisors.multiprocess import Process

from enn_service.server.server import Server, load_application, log_address
from enn_service.server.setting_faults import WRONG_SETTING, WrongSettingsError, print_faults
from enn_service.server.shutdown import RETIRE

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.5
"""Interval at which the supervisor looks after its workers; a signal or the end of a worker wakes it earlier."""
SILENT_SECONDS = 60.0
"""Time without a sign of life after which a worker is killed and replaced."""
STOP_SILENT_SECONDS = 5.0
"""Such a time once the service is shutting down; not less than the drain period."""
STOP_EXTRA_SECONDS = 5.0
"""Time that a worker gets to end beyond the drain period and uvicorn's graceful shutdown."""
RETRY_SECONDS = 1.0
"""Pause before the replacement of a worker that ended during its start."""


class Worker(Process):
    """A worker process, which a thread of its own lets answer pings.

    Args:
        config: uvicorn's configuration.
        listeners: Sockets to accept connections from.

    Attributes:
        has_started: True once the worker has loaded its models and listens.
        faults: Lines about settings with which the worker could not start.
        replied_at: Time of the last sign of life.
        must_end_at: Time at which the worker is killed if it has not ended; infinite if it is to go on.
    """

    def __init__(self, config: uvicorn.Config, listeners: list[socket.socket]) -> None:
        super().__init__(config, listeners)
        self.has_started, self.must_end_at = False, float("inf")
        self.faults: list[str] = []
        self.replied_at, self._is_pinged = monotonic(), False
        self.start()
        # With this copy of the worker's end, the pipe of a worker that has died would seem to be open.
        self.child_conn.close()

    @property
    def server(self) -> Server:
        """Server of the worker process."""
        if not isinstance(self._server, Server):
            self._server = Server(self.config)
        return self._server

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """Run the server, in the worker process."""
        try:
            load_application(self.config)
        except WrongSettingsError as error:
            self.child_conn.send(error.faults)
            sys.exit(WRONG_SETTING)
        super().target(sockets)

    def ping(self, timeout: float = 0) -> bool:
        """Read the reply to the last ping if it is there, and send the next one; do not wait."""
        try:
            if self.parent_conn.poll(timeout):
                reply: bool | list[str] = self.parent_conn.recv()
                self.has_started, self.faults = reply is True, [] if isinstance(reply, bool) else reply
                self.replied_at, self._is_pinged = monotonic(), False
            if not self._is_pinged:
                self.parent_conn.send(b"ping")
                self._is_pinged = True
        except (OSError, EOFError):  # the worker has ended
            return False
        return True

    def signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.process.is_alive() and self.pid is not None:
            os.kill(self.pid, number)


class Supervisor:
    """Keep a number of workers running, and replace all of them, one by one, on SIGHUP.

    Args:
        config: uvicorn's configuration.
        listeners: Bound sockets, which the workers listen on.
        drain_seconds: Time that a worker goes on responding after SIGTERM.
    """

    def __init__(self, config: uvicorn.Config, listeners: list[socket.socket], drain_seconds: float) -> None:
        self._config, self._listeners = config, listeners
        self._drain_seconds = drain_seconds
        self._end_seconds = drain_seconds + (config.timeout_graceful_shutdown or 0) + STOP_EXTRA_SECONDS
        self._workers: list[Worker] = []
        self._retired: list[Worker] = []
        self._outdated: deque[Worker] = deque()
        self._fresh: Worker | None = None
        self._next_start = 0.0
        self._has_started, self._status = False, 0
        self._stopped_at: float | None = None
        self._signals: deque[int] = deque()
        self._waker, writer = socket.socketpair()
        self._waker.settimeout(0)
        writer.settimeout(0)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self._writer = writer  # closed, the descriptor could become that of another file
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda found, _: self._signals.append(found))

    def run(self) -> int:
        """Run until a signal has ended all workers.

        Returns:
            Exit status: 0 after a signal, that of a worker if no worker could start.
        """
        logger.info("supervisor [%d] starts %d workers", os.getpid(), self._config.workers)
        while True:
            self._start_missing_workers()
            self._sleep()
            while self._signals:
                self._handle_signal(self._signals.popleft())
            for worker in (*self._workers, *self._retired):
                self._look_after(worker)
            if self._stopped_at is not None and not self._workers and not self._retired:
                logger.info("supervisor [%d] ends", os.getpid())
                return self._status
            self._replace_next_worker()

    def _start_missing_workers(self) -> None:
        """Start workers until there are as many as there should be."""
        if self._stopped_at is None and monotonic() >= self._next_start:
            while len(self._workers) < self._config.workers:
                self._workers.append(Worker(self._config, self._listeners))

    def _sleep(self) -> None:
        """Wait for a signal, for the end of a worker, or for the next tick."""
        ends = [worker.process.sentinel for worker in (*self._workers, *self._retired)]
        wait([self._waker, *ends], TICK_SECONDS)
        with suppress(BlockingIOError):
            self._waker.recv(4096)

    def _handle_signal(self, number: int) -> None:
        """Replace the workers on SIGHUP; shut down on another signal, and at once on the second."""
        logger.info("received %s", signal.Signals(number).name)
        if self._stopped_at is not None:
            for worker in self._workers:
                worker.signal(signal.SIGTERM)
        elif number == signal.SIGHUP:
            self._outdated, self._fresh = deque(self._workers), None
        else:
            self._stop()

    def _stop(self) -> None:
        """Shut down; close the supervisor's sockets first, so that the port is free when the last worker has ended."""
        self._stopped_at = monotonic()
        for listener in self._listeners:
            listener.close()
        for worker in self._workers:
            worker.signal(signal.SIGTERM)
            worker.must_end_at = self._stopped_at + self._end_seconds

    def _look_after(self, worker: Worker) -> None:
        """Replace a worker that has ended, kill one that hangs, and ask another one for a sign of life."""
        if not worker.process.is_alive():
            worker.ping()  # the last message
            self._remove(worker)
            return
        worker.ping()
        if worker.has_started and not self._has_started:
            self._has_started = True
            if self._stopped_at is None:  # after that, the sockets are closed
                log_address(self._listeners)
        now = monotonic()
        silent_until = worker.replied_at + SILENT_SECONDS
        if self._stopped_at is not None:
            since = max(self._stopped_at, worker.replied_at)
            silent_until = since + max(STOP_SILENT_SECONDS, self._drain_seconds)
        if now > min(silent_until, worker.must_end_at):
            logger.error("worker [%s] does not respond; killing it", worker.pid)
            worker.process.kill()

    def _remove(self, worker: Worker) -> None:
        """Remove a worker that has ended; a missing worker is started later."""
        if worker in self._retired:
            self._retired.remove(worker)
            return
        self._workers.remove(worker)
        if worker in self._outdated:
            self._outdated.remove(worker)
        if self._stopped_at is not None:
            return
        if worker is self._fresh and not worker.has_started:
            logger.error("worker [%s] ended during its start; the other workers are not replaced", worker.pid)
            self._outdated.clear()
        elif not self._has_started and (worker.exitcode or 0) > 0:  # the next one would fail in the same way
            print_faults(worker.faults)
            logger.error("worker [%s] could not start: exit status %s", worker.pid, worker.exitcode)
            self._status = worker.exitcode or 1
            self._stop()
        else:
            logger.warning("worker [%s] died: exit status %s", worker.pid, worker.exitcode)
            if not worker.has_started:
                self._next_start = monotonic() + RETRY_SECONDS

    def _replace_next_worker(self) -> None:
        """Start a worker for the next outdated one, or retire the outdated one once the new one has started."""
        if self._stopped_at is not None or not self._outdated:
            return
        if self._fresh is None:
            if not self._retired:  # one more process at a time
                self._fresh = Worker(self._config, self._listeners)
                self._workers.append(self._fresh)
        elif self._fresh.has_started:
            old, self._fresh = self._outdated.popleft(), None
            self._workers.remove(old)
            self._retired.append(old)
            old.signal(RETIRE)
            old.must_end_at = monotonic() + self._end_seconds

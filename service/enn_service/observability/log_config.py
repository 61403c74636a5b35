"""Configuration of logging, the JSON format, and the log record of each request, which contains no secrets."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

import orjson

from enn_service.observability.event_queue import EventQueue
from enn_service.observability.events import RequestEvent
from enn_service.settings import Settings

logger = logging.getLogger(__name__)

MAX_QUEUED = 20_000
"""Finished requests that wait for the log; further ones are dropped."""
BATCH_SECONDS = 0.02
"""Time that requests are collected before they are logged, in seconds."""
AUDIT = "enn_service.audit"
"""Logger of the requests to load and unload models; it logs at every level of the settings."""
CHATTY = ("botocore", "aiobotocore", "alembic")
"""Loggers of libraries that describe each connection to the storage, or each start, at the level info."""
ESCAPES = {code: ascii(chr(code))[1:-1] for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}
"""Escape of each character that ends a line or changes what a terminal shows."""
TEXT = "request request_id=%r method=%r path=%r status=%r model=%r version=%r rows=%r seconds=%r"


def logging_config(settings: Settings) -> dict[str, Any]:
    """Return the configuration for `logging.config.dictConfig`; only this package logs at the level debug."""
    level = settings.log_level.upper()
    library_level = "INFO" if level == "DEBUG" else level
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "console": {"()": ConsoleFormatter},
            "json": {"()": JSONFormatter},
        },
        "handlers": {"stderr": {"()": BatchHandler, "formatter": settings.log_format}},
        "root": {"level": library_level, "handlers": ["stderr"]},
        "loggers": {
            "enn_service": {"level": level},
            AUDIT: {"level": "INFO"},
            **{name: {"level": "WARNING"} for name in CHATTY},
        },
    }


class BatchHandler(logging.StreamHandler[TextIO]):
    """Handler that can write many records by one call of the operating system.

    Each such call releases the interpreter lock, and the thread then waits until the event loop lets it go on.
    """

    def emit_requests(self, events: Sequence[RequestEvent]) -> None:
        """Write a line for each finished request, unless this handler's level is above debug."""
        if self.level > logging.DEBUG:
            return
        formatter = self.formatter
        if isinstance(formatter, JSONFormatter | ConsoleFormatter):
            text = formatter.format_requests(events)
        else:
            text = "".join([self.format(_record(event)) + self.terminator for event in events])
        with self.lock or nullcontext():
            self.stream.write(text)
            self.flush()


class ConsoleFormatter(logging.Formatter):
    """Format a record as text: time, level, logger, message.

    A record begins with its time and is one line, so that no name of a folder can forge another record. The lines of an
    exception are indented.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802  (base class)
        """Return the time of a record as UTC, in the format of ISO 8601 with milliseconds."""
        return _iso_time(round(record.created * 1e3) * 1_000_000)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (base class)
        """Return the record without its exception, control characters escaped."""
        return super().formatMessage(record).translate(ESCAPES)

    def formatException(self, ei: Any) -> str:  # noqa: ANN401, N802  (base class)
        """Return the lines of an exception, indented and control characters escaped."""
        return "\n".join(f"    {line.translate(ESCAPES)}" for line in super().formatException(ei).split("\n"))

    def format_requests(self, events: Sequence[RequestEvent]) -> str:
        """Return a line for each finished request, without the cost of a log record."""
        line = f"%s DEBUG {__name__}: {TEXT}\n"
        return "".join(
            [line % (_iso_time(event.began + event.nanoseconds), *_fields(event).values()) for event in events]
        )


class JSONFormatter(logging.Formatter):
    """Format a record as a JSON object: time, level, logger, message, fields of a request, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, Any] = {
            "time": _iso_time(round(record.created * 1e3) * 1_000_000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage().encode("utf-8", "backslashreplace").decode(),  # a folder may have any bytes
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()

    def format_requests(self, events: Sequence[RequestEvent]) -> str:
        """Return a line of JSON for each finished request, without the cost of a log record."""
        return b"".join([_json_line(event) for event in events]).decode()


def is_enabled() -> bool:
    """Return True if requests are logged, which is at the level debug."""
    return logger.isEnabledFor(logging.DEBUG)


def create_request_log() -> EventQueue | None:
    """Return the observer that logs requests; None if requests are not logged."""
    return EventQueue(log_requests, MAX_QUEUED, BATCH_SECONDS, "logged") if is_enabled() else None


def log_requests(events: Sequence[RequestEvent]) -> None:
    """Log finished requests at the level debug."""
    records: list[logging.LogRecord] | None = None
    for handler in _handlers():
        if isinstance(handler, BatchHandler):
            handler.emit_requests(events)
            continue
        records = records or [_record(event) for event in events]
        for record in records:
            if record.levelno >= handler.level:
                handler.handle(record)


def _json_line(event: RequestEvent) -> bytes:
    """Return a finished request as a line of JSON, in UTF-8."""
    line = {
        "time": _iso_time(event.began + event.nanoseconds),
        "level": "debug",
        "logger": __name__,
        "message": f"{event.method} {event.path} {event.status}",
        **_fields(event),
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _iso_time(nanoseconds: int) -> str:
    """Return a time in nanoseconds since 1970 as UTC, in the format of ISO 8601 with milliseconds."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{_utc(seconds)}.{rest // 1_000_000:03d}+00:00"


@lru_cache(maxsize=4)
def _utc(seconds: int) -> str:
    """Return a time in seconds since 1970 as UTC, in the format of ISO 8601; requests of a batch share their second."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()


def _fields(event: RequestEvent) -> dict[str, str | int | float]:
    """Return what is logged of a request, by name."""
    return {
        "request_id": event.id,
        "method": event.method,
        "path": event.path,
        "status": event.status,
        "model": event.model,
        "version": event.version,
        "rows": event.rows,
        "seconds": event.nanoseconds / 1e9,
    }


def _record(event: RequestEvent) -> logging.LogRecord:
    """Return the record that `logger.debug` would make, without a search for the line that called it."""
    fields = _fields(event)
    record = logger.makeRecord(logger.name, logging.DEBUG, __file__, 0, TEXT, tuple(fields.values()), None)
    record.created = (event.began + event.nanoseconds) / 1e9
    record.fields = fields
    return record


def _handlers() -> Iterator[logging.Handler]:
    """Yield the handlers that a record of this module reaches."""
    current: logging.Logger | None = logger
    while current is not None:
        yield from current.handlers
        current = current.parent if current.propagate else None

"""Logs: one line a record, for people or as JSON; each request has one at the level debug, none a secret."""

import logging
from datetime import UTC, datetime
from typing import Any

import orjson

from enn_service.observability.events import RequestEvent
from enn_service.settings import Settings

logger = logging.getLogger(__name__)


def logging_config(settings: Settings) -> dict[str, Any]:
    """Return what logging.config.dictConfig takes; libraries do not log below info."""
    level = settings.log_level.upper()
    others = "INFO" if level == "DEBUG" else level
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "console": {"format": "%(levelname)s %(name)s: %(message)s"},
            "json": {"()": "enn_service.observability.log_config.JSONFormatter"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": settings.log_format}},
        "root": {"level": others, "handlers": ["stderr"]},
        "loggers": {"enn_service": {"level": level}},
    }


class JSONFormatter(logging.Formatter):
    """Writes a record as one JSON object: time, level, logger, message, what a request's record has, the exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def is_enabled() -> bool:
    """Return whether requests are logged."""
    return logger.isEnabledFor(logging.DEBUG)


def log_request(event: RequestEvent) -> None:
    """Log a request: who it was, what it asked of which model, and what came of it."""
    fields = {
        "request_id": event.id,
        "method": event.method,
        "path": event.path,
        "status": event.status,
        "model": event.model,
        "version": event.version,
        "rows": event.rows,
        "seconds": event.nanoseconds / 1e9,
    }
    text = " ".join(f"{name}={value!r}" for name, value in fields.items())
    logger.debug("request %s", text, extra={"fields": fields})

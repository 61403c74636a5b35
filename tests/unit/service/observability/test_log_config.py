"""Logging: a JSON object per record, and debug records of this package only."""

import logging

import orjson

from enn_service.observability.events import RequestEvent
from enn_service.observability.log_config import ConsoleFormatter, JSONFormatter, logging_config
from enn_service.settings import Settings


def test_debug_level_applies_to_this_package_only() -> None:
    config = logging_config(Settings(log_level="debug"))
    assert config["loggers"]["enn_service"]["level"] == "DEBUG"
    assert config["root"]["level"] == "INFO"


def test_record_becomes_one_json_line_with_exception() -> None:
    error = ValueError("two\nlines")
    record = logging.LogRecord("name", logging.WARNING, "", 0, "text %s", ("x",), (ValueError, error, None))
    line = JSONFormatter().format(record)
    assert "\n" not in line
    found = orjson.loads(line)
    assert (found["level"], found["logger"], found["message"]) == ("warning", "name", "text x")
    assert "two\nlines" in found["exception"]


def test_json_line_of_request_has_time_of_its_end() -> None:
    event = RequestEvent("1\n", "POST", "/a\nb", {}, 200, "ring", "1", 2, 1_700_000_000_900_000_000, 104_000_000)
    text = JSONFormatter().format_requests([event, event])
    first, second = text.splitlines()
    assert first == second
    assert orjson.loads(first) == {
        "time": "2023-11-14T22:13:21.004+00:00",
        "level": "debug",
        "logger": "enn_service.observability.log_config",
        "message": "POST /a\nb 200",
        "request_id": "1\n",
        "method": "POST",
        "path": "/a\nb",
        "status": 200,
        "model": "ring",
        "version": "1",
        "rows": 2,
        "seconds": 0.104,
    }


def test_console_line_of_request_quotes_its_texts() -> None:
    event = RequestEvent("1", "GET", "/a\nb", {}, 404, "", "", 0, 0, 500_000_000)
    assert ConsoleFormatter().format_requests([event]) == (
        "DEBUG enn_service.observability.log_config: request request_id='1' method='GET' path='/a\\nb' status=404 "
        "model='' version='' rows=0 seconds=0.5\n"
    )

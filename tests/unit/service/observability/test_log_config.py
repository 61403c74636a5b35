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
        "1970-01-01T00:00:00.500+00:00 "
        "DEBUG enn_service.observability.log_config: request request_id='1' method='GET' path='/a\\nb' status=404 "
        "model='' version='' rows=0 seconds=0.5\n"
    )


def test_console_record_is_one_line_with_time() -> None:
    forged = "ring\n2026-01-01T00:00:00.000+00:00 INFO name: forged\x1b[2J\u2028"
    record = logging.LogRecord("name", logging.WARNING, "", 0, "removed %s", (forged,), None)
    record.created = 1_700_000_000.25
    (line,) = ConsoleFormatter().format(record).splitlines()
    assert line == (
        r"2023-11-14T22:13:20.250+00:00 WARNING name: removed "
        r"ring\n2026-01-01T00:00:00.000+00:00 INFO name: forged\x1b[2J\u2028"
    )


def test_lines_of_an_exception_are_indented() -> None:
    error = ValueError("two\n2026-01-01 forged")
    record = logging.LogRecord("name", logging.ERROR, "", 0, "text", (), (ValueError, error, None))
    first, *rest = ConsoleFormatter().format(record).splitlines()
    assert first.endswith("ERROR name: text")
    assert rest
    assert all(line.startswith("    ") for line in rest)

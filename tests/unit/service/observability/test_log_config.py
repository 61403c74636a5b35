"""Logging: a JSON object per record, and debug records of this package only."""

import logging

import orjson

from enn_service.observability.log_config import JSONFormatter, logging_config
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

"""Wrong settings end in one plain line each, with status 2 and without secrets."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from enn_service.server import command
from enn_service.settings import Settings

LINK = "'tcp://10.96.7.1:80'; expected a whole number from 0 to 65535; Kubernetes sets this variable"
FAULTS = [
    ("ENN_PORT", "tcp://10.96.7.1:80", LINK),
    ("ENN_PORT", "", "''; expected a whole number from 0 to 65535"),
    ("ENN_WORKERS", "0", "'0'; expected a whole number from 1 to 256"),
    ("ENN_MAX_BODY_BYTES", "http://user:secret@host/", "'http://***@host/'; expected a whole number of at least 1024"),
    ("ENN_DEADLINE_SECONDS", "inf", "'inf'; expected a finite number above 0"),
    ("ENN_DRAIN_SECONDS", "-1\nINFO forged", r"'-1\nINFO forged'; expected a finite number of at least 0"),
    ("ENN_INLINE", "perhaps", "'perhaps'; expected true or false"),
    ("ENN_LOG_LEVEL", "WARN", "'WARN'; expected one of debug, info, warning, error"),
    ("ENN_TOKEN", "", "(not shown); expected at least one character"),
    ("ENN_API_KEYS", "secret", "entry 1 (not shown); expected a SHA-256 of 64 hexadecimal digits"),
    ("ENN_API_KEYS", "[secret", "not valid JSON (unexpected character, expected a JSON value); expected a JSON list"),
    ("ENN_ALLOWED_HOSTS", "a,b c", "entry 2 'b c'; expected a host name, as example.com, *.example.com, local or *"),
    ("ENN_API_KEYS_FILE", "/absent", "the file of keys /absent cannot be read: No such file or directory"),
    ("ENN_TOKEN_FILE", __file__, f"line 1 of {__file__} is no SHA-256; expected 64 hexadecimal digits first"),
    ("ENN_PUBLIC_KEY", "/absent", "key /absent: No such file or directory"),
    ("ENN_MODELS", "", "empty; expected a value, or leave the setting unset"),
    ("ENN_MODELS", "s3://user:secret@bucket", "a URL; expected a folder; ENN_SOURCE names a remote repository"),
    ("ENN_SOURCE", "s3x://user:secret@bucket", "protocol 's3x'; expected one that fsspec knows, as in s3://bucket"),
    (
        "ENN_SOURCE",
        "gs://user:secret@host",
        "protocol 'gs' needs the package gcsfs; install this project with its extra",
    ),
    ("ENN_RUN", __file__, f"'{__file__}'; expected a folder to write to (File exists)"),
    ("ENN_HOST", "192.0.2.1", "'192.0.2.1', ENN_PORT: 0; expected an address to listen on (Cannot assign"),
    ("ENN_MIDDLEWARE", "absent:factory", "'absent:factory' cannot be imported (ModuleNotFoundError: No module named"),
]


def lines_of_a_failed_start(capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit) as end:
        command.run()
    assert end.value.code == 2
    return capsys.readouterr().err.splitlines()


@pytest.fixture(autouse=True)
def arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["enn-serve"])
    monkeypatch.setattr("logging.config.dictConfig", lambda _: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setenv("ENN_PORT", "0")


@pytest.mark.parametrize(
    ("variable", "value", "expected"), FAULTS, ids=[f"{name}={value[:9]}" for name, value, _ in FAULTS]
)
def test_wrong_setting_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(variable, value)
    (line,) = lines_of_a_failed_start(capsys)
    assert line.startswith(f"enn-serve: {variable}: {expected}")
    assert "secret" not in line


def test_every_number_switch_and_choice_has_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = {name for name, field in Settings.model_fields.items() if type(field.default) in (int, float, bool)}
    fields |= {"log_level", "log_format"}
    for name in fields:
        monkeypatch.setenv(f"ENN_{name.upper()}", "nan")
    lines = lines_of_a_failed_start(capsys)
    assert all(re.fullmatch(r"enn-serve: ENN_\w+: 'nan'; expected (a|true|one of) .+", line) for line in lines), lines
    assert {line.split(": ")[1] for line in lines} == {f"ENN_{name.upper()}" for name in fields}


def test_each_fault_has_a_line_with_the_name_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENN_WORKERS", "many")
    monkeypatch.setattr(sys, "argv", ["enn-serve", "--port", "moon"])
    names = [line.split(": ")[1] for line in lines_of_a_failed_start(capsys)]
    assert names == ["--port", "ENN_WORKERS"]


def test_upper_case_log_level_is_accepted() -> None:
    settings = Settings.model_validate({"log_level": "INFO", "log_format": "JSON"})
    assert (settings.log_level, settings.log_format) == ("info", "json")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_fault_found_by_a_worker_ends_the_command(tmp_path: Path, workers: str) -> None:
    (tmp_path / "wrong.py").write_text("def factory(app):\n    raise RuntimeError('two\\nlines')\n")
    settings = {"ENN_MIDDLEWARE": "wrong:factory", "ENN_WORKERS": workers, "ENN_PORT": "0", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "enn_service"], env=settings, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2, done.stderr
    faults = [line for line in done.stderr.splitlines() if line.startswith("enn-serve: ")]
    assert faults == ["enn-serve: ENN_MIDDLEWARE: 'wrong:factory' raised RuntimeError: two lines"]
    assert "Traceback" not in done.stderr

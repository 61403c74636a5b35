"""Faults of settings as plain lines: the variable, the value, and the expected value, without secrets."""

import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn, get_args

from annotated_types import Ge, Gt, Le
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from enn_service.settings import Settings

WRONG_SETTING = 2
"""Exit status of a service that does not start because of a setting."""
MAX_SHOWN = 100
"""Maximum number of characters of a value in a line."""
SECRETS = ("api_keys", "record", "token")
"""Settings whose values are not printed."""
ELEMENTS = {
    "api_keys": "a SHA-256 of 64 hexadecimal digits",
    "allowed_hosts": "a host name, as example.com, *.example.com, local or *",
}
"""Expected elements of each list whose elements have a pattern."""
PASSWORD = re.compile(r"//[^/\s]*@")
"""User and password in a URL."""
SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://")
"""Beginning of the values that Kubernetes sets for the ports of a Service."""
SERVICE_LINK_HINT = (
    '; Kubernetes sets this variable in the pods beside a Service named "enn": '
    "set enableServiceLinks: false in the pod, or set the variable in the container"
)


class WrongSettingsError(Exception):
    """Settings are wrong, as the application finds when it is created.

    Args:
        faults: One line for each fault.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(*faults)
        self.faults = faults


def print_faults(faults: Sequence[str]) -> None:
    """Print one line for each fault."""
    for fault in faults:
        print(f"enn-serve: {fault}", file=sys.stderr)  # noqa: T201  (for the user, whatever the log is)


def exit_with_faults(faults: Sequence[str]) -> NoReturn:
    """Print one line for each fault and exit."""
    print_faults(faults)
    sys.exit(WRONG_SETTING)


def describe_faults(error: ValidationError, arguments: Sequence[str] = ()) -> list[str]:
    """Return one line for each setting with a fault.

    Args:
        error: Faults of the settings.
        arguments: Arguments of the command.
    """
    lines: dict[str, str] = {}
    for fault in error.errors():
        field = str(fault["loc"][0]) if fault["loc"] else ""
        if field in lines:  # one of many entries of a list is enough
            continue
        name = setting_name(field, arguments)
        lines[field] = " ".join(f"{name}: {_describe(field, fault)}".split())
    return list(lines.values())


def setting_name(field: str, arguments: Sequence[str]) -> str:
    """Return the name by which the user gave a setting: that of an option if it is used, else of the variable.

    Args:
        field: Name of the field of `Settings`.
        arguments: Arguments of the command.
    """
    option, variable = f"--{field.replace('_', '-')}", f"ENN_{field.upper()}"
    given = any(argument.partition("=")[0] == option for argument in arguments)
    return option if given else variable


def shown(field: str, value: object) -> str:
    """Return a value for a line: shortened, without line feeds, and without a password."""
    if field in SECRETS:
        return "(not shown)"
    text = PASSWORD.sub("//***@", str(value))
    return repr(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}...")


def _describe(field: str, fault: Any) -> str:  # noqa: ANN401  (pydantic's dictionary of a fault)
    """Return the value of a setting and the expected one."""
    if fault["type"] == "value_error":
        return PASSWORD.sub("//***@", str(fault["ctx"]["error"]))
    value = shown(field, fault["input"])
    if len(fault["loc"]) > 1 and isinstance(fault["loc"][1], int):
        value = f"entry {fault['loc'][1] + 1} {value}"
    hint = SERVICE_LINK_HINT if field == "port" and SERVICE_LINK.match(str(fault["input"])) else ""
    info = Settings.model_fields.get(field)
    return f"{value}; expected {_expected(info, fault) if info else fault['msg']}{hint}"


def _expected(info: FieldInfo, fault: Any) -> str:  # noqa: ANN401  (as above)
    """Return the expected value of a setting."""
    if info.annotation is bool:
        return "true or false"
    if info.annotation in (int, float):
        number = "a whole number" if info.annotation is int else "a finite number"
        return f"{number} {_range(info)}".strip()
    match fault["type"]:
        case "literal_error":
            return "one of " + ", ".join(map(str, get_args(info.annotation)))
        case "string_pattern_mismatch":
            return ELEMENTS[fault["loc"][0]]
        case "too_short" | "string_too_short":
            return "at least one character"
        case _:
            return str(fault["msg"]).removeprefix("Input should be ")


def _range(info: FieldInfo) -> str:
    """Return the limits of a number."""
    rules = [rule for rule in info.metadata if isinstance(rule, Ge | Gt | Le)]
    limits = {type(rule): getattr(rule, type(rule).__name__.lower()) for rule in rules}
    if Ge in limits and Le in limits:
        return f"from {limits[Ge]} to {limits[Le]}"
    words = {Ge: "of at least", Gt: "above", Le: "of at most"}
    return " and ".join(f"{words[kind]} {limit}" for kind, limit in limits.items())

"""Write the reference page of the settings, from the class `Settings` of the service."""

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic.fields import FieldInfo

from enn_service.settings import Settings
from generator.markdown import code, table

HEAD = """# Settings

Use this page to configure the service. Each setting is an environment variable and an option of `enn-serve`; the option
wins. The service checks all settings before it starts. For each wrong one it prints a line with the setting, its value
and the expected value, and exits with status 2. It prints no key, no token and no password of a URL.

"""
SYMBOLS = {Ge: ">=", Gt: ">", Le: "<=", Lt: "<"}


def page() -> str:
    """Return the page."""
    rows = [
        [code(variable(name)), code(option(name)), field.description or "", limits(field), code(field.default)]
        for name, field in Settings.model_fields.items()
    ]
    return HEAD + table(["variable", "option", "meaning", "limits", "default"], rows) + "\n"


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"ENN_{name.upper()}"


def option(name: str) -> str:
    """Return the command line option of a setting."""
    return f"--{name.replace('_', '-')}"


def limits(field: FieldInfo) -> str:
    """Return the limits of a setting's value; empty if every value of its type is accepted."""
    found: list[str] = []
    for rule in field.metadata:
        for kind, symbol in SYMBOLS.items():
            if isinstance(rule, kind):
                found.append(f"{symbol} {getattr(rule, kind.__name__.lower())}")
        if isinstance(rule, MinLen):
            found.append(f"at least {rule.min_length} character(s)")
    return ", ".join(found)

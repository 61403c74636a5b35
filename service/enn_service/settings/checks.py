"""Checks of settings that need more than the value: modules to import, packages to be installed."""

import re
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

ANY_HOST, LOCAL_HOSTS = "*", "local"
"""Names in `allowed_hosts` that stand for every host, and for those that no page of the internet can have."""
HOST_PATTERN = r"^(\*|(\*\.)?[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?)$"
NO_ELEMENTS = {
    "api_keys": "expected at least one SHA-256; leave the setting unset to require no key",
    "middleware": "expected at least one package.module:factory; leave the setting unset to have none",
    "allowed_hosts": "expected at least one host name; leave the setting unset for its default",
    "record_exclude": "expected at least one feature; leave the setting unset to exclude none",
}
"""Text of the refusal of an empty list, by the name of the setting."""
ROOT_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
OWN_SEGMENTS = {"v1", "v2", "metrics", "explorer", "docs", "openapi.json", "static-offline-docs"}
"""First segments of the paths of the service."""


RECORD_PACKAGES = {
    "sqlite": ("sqlalchemy", "alembic"),
    "postgresql+psycopg": ("sqlalchemy", "alembic", "psycopg"),
}
"""Packages that the database of a record needs, by the scheme of its address."""
MAX_SCHEME = 30
"""Maximum number of characters of an unknown scheme in an error."""


class SettingError(ValueError):
    """A setting is wrong, as the service finds when it uses it."""


def import_factory(place: str) -> Callable[..., Any]:
    """Import the factory of a middleware.

    Args:
        place: Import path, as `package.module:factory`.

    Raises:
        ValueError: The text is no such path, or the module or the factory cannot be imported.
    """
    expected = "expected package.module:factory, where factory(app) returns an ASGI application"
    module, _, name = place.partition(":")
    if not module or not name:
        raise ValueError(f"{place!r}; {expected}")
    try:
        factory = getattr(import_module(module), name)
    except Exception as error:
        raise ValueError(f"{place!r} cannot be imported ({type(error).__name__}: {error}); {expected}") from error
    if not callable(factory):
        found = type(factory).__name__
        raise ValueError(f"{place!r} is a {found}; {expected}")  # noqa: TRY004  (pydantic reports it)
    return factory


def check_root_path(path: str) -> None:
    """Check that a prefix is a path, and cannot be taken for a path of the service.

    Args:
        path: The prefix; empty for none.

    Raises:
        ValueError: The text is no such path.
    """
    if path and (not ROOT_PATH.fullmatch(path) or path.split("/")[1] in OWN_SEGMENTS):
        raise ValueError(f"{path!r}; expected a path such as /ai/enn that does not begin as one of the service")


def check_source(url: str) -> None:
    """Check that the packages for a remote repository are installed, without importing the large ones.

    Args:
        url: Address of the repository.

    Raises:
        ValueError: A package is not installed, or no package knows this kind of address.
    """
    protocol = url.partition("://")[0] if "://" in url else "file"
    remedy = "install this project with its extra storage"
    try:
        from fsspec.registry import known_implementations, registry  # noqa: PLC0415  (the extra `storage`)
    except ImportError:
        raise ValueError(f"needs the package fsspec; {remedy}") from None
    if protocol in registry:
        return
    if (known := known_implementations.get(protocol)) is None:
        raise ValueError(f"protocol {protocol!r}; expected one that fsspec knows, as in s3://bucket/models")
    if find_spec(package := known["class"].partition(".")[0]) is None:
        raise ValueError(f"protocol {protocol!r} needs the package {package}; {remedy}")


def check_record(url: str) -> None:
    """Check that the address of a record names a database that can be opened.

    Args:
        url: Address of the database.

    Raises:
        ValueError: The text is no such address, or a package is not installed.
    """
    scheme, found, place = url.partition("://")
    if scheme not in RECORD_PACKAGES or not found or (scheme == "sqlite" and not place.startswith("//")):
        kind = scheme[:MAX_SCHEME] if found else "no address"
        raise ValueError(f"{kind!r}; expected sqlite:////path/record.db or postgresql+psycopg://user@host/name")
    for package in RECORD_PACKAGES[scheme]:
        if find_spec(package) is None:
            raise ValueError(f"needs the package {package}; install this project with its extra record")

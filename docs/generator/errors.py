"""Write the reference page of the errors, from the exception classes of the service."""

import inspect
from collections.abc import Iterator

from enn_service import errors
from generator.markdown import code, table

HEAD = """# Errors

Use this page to find out what an error response means. The body of every error is `{"error": text}`; the text names
the place, the value found, and the values that would be right. The metric `enn_requests_refused_total` counts refusals
by `reason`. [Troubleshoot](../how-to/troubleshoot.md) has the remedy for each reason.

"""
TAIL = """
An unexpected error has status 500. Its text is a reference, and the log has the details under that reference. A path
that does not exist has status 404, and a method that a path does not have has status 405. A request with more than
about 64 KiB besides its body gets status 431, and the service closes the connection.
"""


def page() -> str:
    """Return the page."""
    rows = [[str(kind.status), code(kind.reason), kind.description, headers(kind)] for kind in refusals()]
    return HEAD + table(["status", "reason", "meaning", "headers"], rows) + "\n" + TAIL


def headers(kind: type[errors.RequestError]) -> str:
    """Return the headers that the response to a refusal has besides those of every response."""
    return ", ".join(code(f"{name}: {value}") for name, value in kind.headers.items())


def refusals() -> Iterator[type[errors.RequestError]]:
    """Yield each class of refusal, by status."""
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.RequestError)]
    yield from sorted((kind for kind in kinds if kind is not errors.RequestError), key=lambda kind: kind.status)

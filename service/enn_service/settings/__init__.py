"""Settings of the service, from ENN_* environment variables or command-line options.

`service` has those of the server, `record` adds those of the record, and `checks` has the checks that need more than
the value.
"""

from enn_service.settings.record import Settings

__all__ = ["Settings"]

"""AllowedHosts: the host names that requests may name, against DNS rebinding.

A page of the internet can make its own name resolve to the address of this service. The browser then lets the page read
responses, but still sends the page's name as `Host`. An address or a name without a dot cannot be such a name.
"""

import socket
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address

from enn_service.errors import MisdirectedRequestError
from enn_service.http.request_body import Headers
from enn_service.settings import Settings
from enn_service.settings.checks import ANY_HOST, LOCAL_HOSTS

CACHE_SIZE = 256
"""Number of values of `Host` whose check is cached."""
MAX_HOST = 262
"""Maximum length of an accepted `Host`: a name of 255 bytes, a colon and a port."""


class AllowedHosts:
    """Check of the header `Host`; addresses and `localhost` are always accepted.

    Args:
        names: Accepted names; `*.example.com` stands for every name below, `local` for names without a dot, those below
            `localhost` and the name of this machine, `*` for all.
    """

    def __init__(self, names: Sequence[str]) -> None:
        lower = {name.lower() for name in names}
        self._any = ANY_HOST in lower
        self._local = LOCAL_HOSTS in lower
        machine = {socket.gethostname().lower()} if self._local else set()
        self._names = frozenset(lower | machine)
        self._suffixes = tuple(name[1:] for name in lower if name.startswith("*."))
        self._allows_cached = lru_cache(CACHE_SIZE)(self._allows_name)

    def allow(self, headers: Headers) -> bool:
        """Return True if the host that a request names is accepted; HTTP/1.0 requests may name none."""
        if self._any:
            return True
        host = headers.get(b"host", b"")
        return not host or (len(host) <= MAX_HOST and self._allows_cached(host))

    def check(self, headers: Headers) -> None:
        """Check the host that a request names.

        Args:
            headers: Headers of the request, names in lower case.

        Raises:
            MisdirectedRequestError: The host is not accepted.
        """
        if not self.allow(headers):
            host = headers[b"host"][:MAX_HOST].decode("latin-1")
            raise MisdirectedRequestError(
                f"host {host!r} is not accepted; expected an address, localhost or a name in ENN_ALLOWED_HOSTS"
            )

    def _allows_name(self, host: bytes) -> bool:
        name = _without_port(host.decode("latin-1").lower()).removesuffix(".")
        if name in self._names or name == "localhost" or name.endswith(self._suffixes):
            return True
        if self._local and ("." not in name or name.endswith(".localhost")):
            return True
        return _is_address(name)


def allowed_hosts(settings: Settings) -> tuple[str, ...]:
    """Return the names that the command `enn-serve` accepts: those of the settings, or the default of its address.

    A service that only this machine can reach, and that requires no API key, is the one that a page could read.
    """
    if settings.allowed_hosts is not None:
        return settings.allowed_hosts
    has_keys = bool(settings.api_keys) or settings.api_keys_file is not None
    return (LOCAL_HOSTS,) if _is_loopback(settings.host) and not has_keys else (ANY_HOST,)


def _without_port(host: str) -> str:
    """Return a host without its port, and an IPv6 address without its brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host.lower() == "localhost" or (_is_address(host) and ip_address(host).is_loopback)

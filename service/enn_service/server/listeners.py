"""Listening sockets: the same addresses for one worker and for several."""

import errno
import socket

ANY_ADDRESS = ("", "::")
"""Hosts that mean all IPv6 and IPv4 addresses of the machine."""
UNAVAILABLE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""Errors of one address of a host name, such as ::1 of localhost on a machine without IPv6."""


def bind(host: str, port: int) -> list[socket.socket]:
    """Bind a socket to every address of a host; the sockets do not listen yet.

    Args:
        host: Host name or IP address; an empty one and `::` mean all IPv6 and IPv4 addresses.
        port: TCP port; 0 for any free port, the same for all addresses.

    Raises:
        OSError: The host has no address, or an address is in use or not one of this machine.
    """
    if host in ANY_ADDRESS and socket.has_dualstack_ipv6():
        return [_bind(socket.AF_INET6, ("::", port), dual=True)]
    found = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)  # noqa: S104  (the user asks for it)
    bound: list[socket.socket] = []
    unavailable: OSError | None = None
    for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
        place = (address[0], bound[0].getsockname()[1] if bound else port, *address[2:])
        try:
            bound.append(_bind(family, place, dual=False))
        except OSError as error:
            if error.errno not in UNAVAILABLE:
                for each in bound:
                    each.close()
                raise
            unavailable = error
    if unavailable is not None and not bound:
        raise unavailable
    return bound


def url_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _bind(family: int, address: tuple[object, ...], *, dual: bool) -> socket.socket:
    """Bind a socket.

    Args:
        family: Address family.
        address: Address for `socket.bind`.
        dual: True to accept IPv4 connections on an IPv6 socket too.
    """
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual)
        bound.bind(address)
        bound.set_inheritable(True)
    except OSError:
        bound.close()
        raise
    return bound

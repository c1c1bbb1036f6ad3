"""The socket that the HTTP server listens on."""

from __future__ import annotations

import errno
import socket
from typing import Final

from mpathd_watch.config.listen_address import ListenAddress
from mpathd_watch.sinks.deadline import within

LOOKED_UP_WITHIN: Final = 5.0
"""Seconds that the look-up of a name may take: a name server that does not answer must not hold up the start."""
_BACKLOG: Final = 4096
"""Clients that wait to be accepted, at most net.core.somaxconn. The kernel drops one more's SYN, and that client tries
again only after 1 s. Those that have reset their connection stay in the queue, too."""


class ListenError(Exception):
    """The address can't be listened on. The text is one line with address, reason and remedy."""


def open_socket(where: ListenAddress) -> socket.socket:
    """A listening TCP socket. Raises ``ListenError`` if the address can't be listened on."""
    try:
        return _open_all(where.port) if not where.host else _open_one(where)
    except TimeoutError as error:
        raise ListenError(
            f"can't listen on {where}: looking the name up took longer than {LOOKED_UP_WITHIN:g} s; give an IP address"
        ) from error
    except socket.gaierror as error:
        raise ListenError(f"can't listen on {where}: no such address ({error.strerror}); give an IP address") from error
    except OSError as error:
        raise ListenError(f"can't listen on {where}: {_reason(error)}") from error


def _open_all(port: int) -> socket.socket:
    try:
        return _bind(socket.AF_INET6, ("::", port))
    except OSError as error:
        # This kernel has no IPv6 (ipv6.disable=1), or it is switched off for all interfaces.
        if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
        return _bind(socket.AF_INET, ("0.0.0.0", port))  # noqa: S104  # exporters listen on all addresses


def _open_one(where: ListenAddress) -> socket.socket:
    family, _, _, _, address = within(
        LOOKED_UP_WITHIN,
        lambda: socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE),
    )[0]
    return _bind(family, address)


def _bind(family: int, address: tuple[object, ...]) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A restarted daemon must not wait until the TIME_WAIT of old connections is over.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind(address)
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _reason(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                "the port is in use ('ss -ltnp' shows by which process); choose another one with --web.listen-address"
            )
        case errno.EACCES | errno.EPERM:
            return "no permission for this port; choose one above 1023 with --web.listen-address"
        case errno.EADDRNOTAVAIL:
            return "no interface of this host has this address; choose another one with --web.listen-address"
        case _:
            return f"{error.strerror or error}; choose another address with --web.listen-address"

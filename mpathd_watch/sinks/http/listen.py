"""Where to listen: ``ADDR:PORT`` and the socket for it."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from typing import Final

DEFAULT_PORT: Final = 10068
_BACKLOG: Final = 128


class ListenError(Exception):
    """Nothing can be served there; the text is one line with address, reason and remedy."""


@dataclass(frozen=True, slots=True)
class Listen:
    """An address to listen on; the empty ``host`` stands for all addresses, IPv4 and IPv6."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


ALL_ADDRESSES: Final = Listen("", DEFAULT_PORT)


def parse_listen(text: str) -> Listen:
    """Read ``:10068``, ``192.0.2.1:10068``, ``[2001:db8::1]:10068`` or ``name:10068``; ``ListenError`` otherwise.

    ``[::]`` means all addresses, IPv4 too. Port 0 lets the kernel choose one.
    """
    host, colon, port = text.strip().rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        remedy = "write for example :10068, 192.0.2.1:10068 or [::1]:10068"
        raise ListenError(f"can't listen on {text!r}: not ADDR:PORT; {remedy}")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ListenError(f"can't listen on {text!r}: an IPv6 address needs brackets; write [{host}]:{port}")
    return Listen("" if host == "::" else host, int(port))


def open_socket(where: Listen) -> socket.socket:
    """A listening TCP socket; ``ListenError`` if the address can't be had."""
    try:
        return _open_all(where.port) if not where.host else _open_one(where)
    except socket.gaierror as error:
        raise ListenError(f"can't listen on {where}: no such address ({error.strerror}); give an IP address") from error
    except OSError as error:
        raise ListenError(f"can't listen on {where}: {_reason(error)}") from error


def _open_all(port: int) -> socket.socket:
    try:
        return _bind(socket.AF_INET6, ("::", port))
    except OSError as error:
        # No IPv6 in this kernel (ipv6.disable=1), or switched off for all interfaces.
        if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
        return _bind(socket.AF_INET, ("0.0.0.0", port))  # noqa: S104  # exporters listen on all addresses


def _open_one(where: Listen) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(
        where.host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    return _bind(family, address)


def _bind(family: int, address: tuple[object, ...]) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A restarted daemon must not wait for the old connections' TIME_WAIT.
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
            return "the port is taken (ss -ltnp shows by whom); free it or choose another with --listen"
        case errno.EACCES | errno.EPERM:
            return "no permission for this port; choose one above 1023 with --listen"
        case errno.EADDRNOTAVAIL:
            return "no interface of this host has this address; choose another with --listen"
        case _:
            return f"{error.strerror or error}; choose another address with --listen"

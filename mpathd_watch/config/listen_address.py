"""``ADDRESS:PORT`` or ``unix:PATH``, the places that metrics are served on."""

from __future__ import annotations

from typing import Final, TypeAlias

from mpathd_watch.core.model.declaration import Kind
from mpathd_watch.immutable import immutable


@immutable
class ListenAddress:
    """An address to listen on. The empty ``host`` stands for all addresses, IPv4 and IPv6."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@immutable
class UnixPath:
    """A unix socket to listen on."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


Place: TypeAlias = ListenAddress | UnixPath

_LONGEST: Final = 107
"""Bytes of a path: UNIX_PATH_MAX of include/uapi/linux/un.h, without the final NUL."""
_MOST: Final = 16
"""Places."""


def read_listen_address(value: object) -> ListenAddress | None:
    """Read ``:10068``, ``192.0.2.1:10068``, ``[2001:db8::1]:10068`` or ``name:10068``; ``None`` for anything else.

    ``[::]`` stands for all addresses, IPv4 too. With port 0 the kernel chooses a port.
    """
    if not isinstance(value, str) or not value.isprintable():
        return None
    host, colon, port = value.strip().rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or len(port) > 5 or int(port) > 65535:
        return None
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:  # an IPv6 address without brackets: which colon ends it is anybody's guess
        return None
    return ListenAddress("" if host == "::" else host, int(port))


def read_place(value: object) -> Place | None:
    """Read what ``read_listen_address`` does, or ``unix:/PATH``."""
    if not isinstance(value, str) or not value.strip().startswith("unix:"):
        return read_listen_address(value)
    path = value.strip().removeprefix("unix:")
    if not path.startswith("/") or not path.isprintable() or len(path.encode()) > _LONGEST:
        return None
    return UnixPath(path)


def _read_places(value: object) -> tuple[Place, ...] | None:
    """Read one place, or a list of them."""
    texts = value if isinstance(value, list) else [value]
    places = [place for text in texts if (place := read_place(text)) is not None]
    return tuple(dict.fromkeys(places)) if 0 < len(places) == len(texts) <= _MOST else None


_WANTED: Final = "ADDRESS:PORT, for example :10068, 192.0.2.1:10068 or [2001:db8::1]:10068"
LISTEN_ADDRESS = Kind(_WANTED, read_listen_address)
LISTEN_PLACES = Kind(f"{_WANTED}, or unix:/PATH, or a list of these", _read_places)

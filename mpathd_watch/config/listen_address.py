"""``ADDRESS:PORT``, the address that metrics are served on."""

from __future__ import annotations

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


LISTEN_ADDRESS = Kind("ADDRESS:PORT, for example :10068, 192.0.2.1:10068 or [2001:db8::1]:10068", read_listen_address)

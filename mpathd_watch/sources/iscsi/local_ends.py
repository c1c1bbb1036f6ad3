"""This host's ends of the iSCSI connections: address, network interface and subnet (class iscsi_host), and ports.

Also the portal at the other end, which is not always the one that the session is called after.

They are read separately from the sessions, because addresses and ports take the socket's lock, which a connection in
trouble may hold (iscsi_sw_tcp_host_get_param() and iscsi_sw_tcp_conn_get_param() in iscsi_tcp.c).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from pathlib import Path

from mpathd_watch.core.model.identity import shortest
from mpathd_watch.immutable import immutable
from mpathd_watch.sources.iscsi.session_numbers import CONNECTIONS, HOST, SESSIONS, sids
from mpathd_watch.sources.iscsi.tcp import Answer, Connection
from mpathd_watch.sources.network.addresses import Interface
from mpathd_watch.sources.reading.attributes import Attributes, GoneError

Asking = Callable[[Mapping[int, Connection]], Mapping[int, Answer]]
"""Like ``tcp.ask`` without its clock."""
Routing = Callable[[str, str], str]
"""Like ``network.routes.interface_to``."""

_NO_NETDEV = frozenset({"", "default", "<NULL>"})
"""The names that open-iscsi writes for an iface that is not bound to a network device (usr/iface.c)."""


@immutable
class LocalEnd:
    """The local end of one session; what is not known is ``""``. ``connection`` is ``None`` if there is none.

    ``portal`` is the current portal, address and port, the last one of a session that is disconnected.
    ``routed`` is the interface by which the kernel would send to the target; without a connection the last one.
    """

    address: str = ""
    netdev: str = ""
    network: str = ""
    connection: Connection | None = None
    portal: tuple[str, int] | None = None
    routed: str = ""


@immutable
class _Reading:
    """The local end of one session as sysfs has it."""

    address: str
    bound_to: str
    connection: Connection | None
    portal: tuple[str, int] | None


class LocalEnds:
    """The local ends of all sessions below one sysfs root. What can't be read of a disconnected one is remembered."""

    def __init__(
        self, sysfs: Path, interfaces: Callable[[], Mapping[str, Interface]], route: Routing, ask: Asking
    ) -> None:
        self._sysfs = sysfs
        self._sessions = sysfs / SESSIONS
        self._connections = sysfs / CONNECTIONS
        self._hosts = sysfs / "class/iscsi_host"
        self._interfaces = interfaces
        self._route = route
        self._ask = ask
        self._known: dict[int, LocalEnd] = {}

    def read(self, attributes: Attributes) -> Mapping[int, LocalEnd]:
        """The ends by session number. Raises ``OSError`` if sysfs is not mounted."""
        readings: dict[int, _Reading | None] = {}
        for sid in sids(self._sysfs):
            try:
                readings[sid] = self._read(attributes, sid)
            except GoneError:
                continue
        # A disconnected session gives this error, which is no problem.
        del attributes.problems["ENOTCONN"]
        bound = self._bound(readings)
        interfaces = self._interfaces() if readings else {}
        found = {}
        for sid, now in readings.items():
            known = self._known.get(sid, LocalEnd())
            found[sid] = self._end(now, interfaces, bound.get(sid, ""), known) if now else known
        self._known = found
        return found

    def _read(self, attributes: Attributes, sid: int) -> _Reading | None:
        host = HOST.search(attributes.link(self._sessions / f"session{sid}"))
        if not host:
            return None
        directory, connection = self._hosts / host[1], self._connections / f"connection{sid}:0"
        address = _address(attributes, directory / "ipaddress")
        bound_to = attributes.optional(directory / "netdev")
        portal = _portal(attributes, connection)
        return _Reading(address, bound_to, _connection(attributes, connection, address, portal), portal)

    def _bound(self, readings: Mapping[int, _Reading | None]) -> Mapping[int, str]:
        """The interfaces to which sockets are bound, for those sessions for which sysfs has no interface."""
        unbound = {
            sid: now.connection
            for sid, now in readings.items()
            if now and now.connection and now.bound_to in _NO_NETDEV
        }
        try:
            answers = self._ask(unbound)
        except OSError:
            # Connections asks about the same sockets, and reports the error.
            return {sid: self._known.get(sid, LocalEnd()).netdev for sid in unbound if self._still(sid, unbound[sid])}
        return {sid: answer.bound_to for sid, answer in answers.items()}

    def _still(self, sid: int, connection: Connection) -> bool:
        return sid in self._known and self._known[sid].connection == connection

    def _end(self, now: _Reading, interfaces: Mapping[str, Interface], bound_to: str, known: LocalEnd) -> LocalEnd:
        address = now.address or known.address
        # An interface that goes down may lose its address although the connection still has it.
        before = Interface(known.netdev, known.network) if address == known.address else Interface()
        interface = interfaces.get(address, before)
        if now.connection:
            routed = self._route(now.connection.remote, now.connection.local)
        else:
            routed = known.routed if address == known.address else ""
        if now.bound_to not in _NO_NETDEV:
            netdev = now.bound_to
        elif now.connection is None and address == known.address and known.netdev:
            netdev = known.netdev  # without a connection there is nothing newer
        else:
            netdev = bound_to or routed or interface.netdev
        return LocalEnd(address, netdev, interface.network, now.connection, now.portal or known.portal, routed)


def _portal(attributes: Attributes, directory: Path) -> tuple[str, int] | None:
    """The other end of the connection; ``None`` unless address and port are known."""
    address, port = _address(attributes, directory / "address"), attributes.parsed(directory / "port", _port)
    return (address, port) if address and port is not None else None


def _connection(
    attributes: Attributes, directory: Path, local: str, portal: tuple[str, int] | None
) -> Connection | None:
    """The TCP connection; ``None`` unless both ends of it are known."""
    local_port = attributes.parsed(directory / "local_port", _port)
    return None if portal is None or not local or local_port is None else Connection(local, local_port, *portal)


def _address(attributes: Attributes, path: Path) -> str:
    """An address in its shortest form, since the kernel prints IPv6 in full; ``""`` if there is none."""
    return attributes.parsed(path, lambda text: shortest(ipaddress.ip_address(text))) or ""


def _port(text: str) -> int:
    """Raises ``ValueError``."""
    if not (text.isascii() and text.isdigit()) or not 0 < len(text) <= 5 or not 0 < int(text) < 1 << 16:
        raise ValueError(text)
    return int(text)

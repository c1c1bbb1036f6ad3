"""This host's ends of the iSCSI connections: address, network interface, subnet (class iscsi_host).

Apart from the sessions, because the address takes the socket's lock (iscsi_sw_tcp_host_get_param() in iscsi_tcp.c),
which a connection in trouble may hold.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mpathd_watch.sources.network import Interface
from mpathd_watch.sources.sysfs.attributes import Attributes, GoneError
from mpathd_watch.sources.sysfs.sids import SESSIONS, sids

_HOST = re.compile(r"/(host\d{1,10})/session\d{1,10}/", re.ASCII)
_NO_NETDEV = frozenset({"", "default", "<NULL>"})
"""What open-iscsi writes for an interface that is not bound to a network device (usr/iface.c)."""


@dataclass(frozen=True, slots=True)
class LocalEnd:
    """One session's; whatever is not known is ``""``."""

    address: str = ""
    netdev: str = ""
    network: str = ""


class LocalEnds:
    """The local ends of all sessions below one sysfs root, remembering what can't be read while one is disconnected."""

    def __init__(self, sysfs: Path, interfaces: Callable[[], Mapping[str, Interface]]) -> None:
        self._sysfs = sysfs
        self._sessions = sysfs / SESSIONS
        self._hosts = sysfs / "class/iscsi_host"
        self._interfaces = interfaces
        self._known: dict[int, LocalEnd] = {}

    def read(self, attributes: Attributes) -> Mapping[int, LocalEnd]:
        """By session number. Raises ``OSError`` if sysfs is not there."""
        numbers = sids(self._sysfs)
        interfaces = self._interfaces() if numbers else {}
        found = {}
        for sid in numbers:
            try:
                found[sid] = self._end(attributes, sid, interfaces, self._known.get(sid, LocalEnd()))
            except GoneError:
                continue
        # The answer of a session that is disconnected, and no problem.
        del attributes.problems["ENOTCONN"]
        self._known = found
        return found

    def _end(self, attributes: Attributes, sid: int, interfaces: Mapping[str, Interface], known: LocalEnd) -> LocalEnd:
        host = _HOST.search(attributes.link(self._sessions / f"session{sid}"))
        if not host:
            return known
        directory = self._hosts / host[1]
        address = _address(attributes, directory / "ipaddress") or known.address
        # An interface that goes down may lose its address while the connection still has it.
        before = Interface(known.netdev, known.network) if address == known.address else Interface()
        interface = interfaces.get(address, before)
        bound_to = attributes.optional(directory / "netdev")
        return LocalEnd(address, interface.netdev if bound_to in _NO_NETDEV else bound_to, interface.network)


def _address(attributes: Attributes, path: Path) -> str:
    """An address as ``ipaddress`` spells it: the kernel prints IPv6 in full."""
    text = attributes.optional(path)
    if not text:
        return ""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        attributes.problems["unknown_value"] += 1
        return ""

"""The IPv4 settings in force on an interface: its own, which come with the listing, and those of ``all``."""

from __future__ import annotations

import struct
from pathlib import Path

from mpathd_watch.core.model.facts import Ipv4Settings
from mpathd_watch.sources.netlink.conversation import attributes
from mpathd_watch.sources.reading.attributes import Attributes

EVERYWHERE = Path("/proc/sys/net/ipv4/conf/all")
AF_INET = 2
IFLA_INET_CONF = 1

# Positions in the array of IFLA_INET_CONF: one less than in IPV4_DEVCONF_* (include/uapi/linux/ip.h), as
# inet_fill_link_af() in net/ipv4/devinet.c packs it. The array grows only at its end.
_SETTINGS = {"rp_filter": 7, "arp_filter": 12, "arp_announce": 17, "arp_ignore": 18}
_VALUE = struct.Struct("=i")


def own(specification: bytes) -> Ipv4Settings | None:
    """The interface's settings in an attribute IFLA_AF_SPEC; ``None`` if they are not in it."""
    family = attributes(specification, 0, {AF_INET}).get(AF_INET, b"")
    values = attributes(family, 0, {IFLA_INET_CONF}).get(IFLA_INET_CONF, b"")
    if len(values) < _VALUE.size * (max(_SETTINGS.values()) + 1):
        return None
    return Ipv4Settings(**{name: _VALUE.unpack_from(values, _VALUE.size * at)[0] for name, at in _SETTINGS.items()})


def of_all(directory: Path = EVERYWHERE) -> Ipv4Settings | None:
    """The settings of ``all``; ``None`` if one of them can't be read."""
    attributes_ = Attributes()
    found = {name: attributes_.number(directory / name) for name in _SETTINGS}
    known = {name: value for name, value in found.items() if value is not None}
    return Ipv4Settings(**known) if len(known) == len(found) else None


def in_force(settings: Ipv4Settings | None, everywhere: Ipv4Settings | None) -> Ipv4Settings | None:
    """The larger of both, one by one; ``None`` unless both are known."""
    if settings is None or everywhere is None:
        return None
    return Ipv4Settings(
        max(settings.rp_filter, everywhere.rp_filter),
        max(settings.arp_filter, everywhere.arp_filter),
        max(settings.arp_announce, everywhere.arp_announce),
        max(settings.arp_ignore, everywhere.arp_ignore),
    )

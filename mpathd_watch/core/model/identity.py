"""Names that outlive devices: path and session labels that stay the same over relogins and renames of sdX.

A session number, a SCSI host and a disk name are all new after a logout and login (iscsi_tcp allocates a host for each
session, drivers/scsi/iscsi_tcp.c), so none of them can name a time series.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import groupby
from typing import Protocol, TypeAlias, TypeVar

from mpathd_watch.core.model.facts import SessionFacts

Held = TypeVar("Held", bound=Hashable)
SortKey: TypeAlias = tuple[tuple[tuple[str | tuple[int, str], ...], ...], str]
UUID_PREFIX = "mpath-"
"""What the dm uuid of a multipath map begins with, before its WWID. That of a kpartx partition begins with
``partN-mpath-`` (libmultipath/devmapper.c)."""
DEFAULT_IFACE = "default"
"""The iface of a session for which none was chosen (DEFAULT_IFACENAME in open-iscsi's usr/iscsi_settings.h)."""


class Labelled(Protocol):
    """Whatever has a label: a map, a path, a session."""

    @property
    def label(self) -> str:
        """Its lasting name."""


@lru_cache(maxsize=4096)
def portal(address: str, port: int | None) -> str:
    """``ADDRESS:PORT`` with the address in its shortest form and IPv6 in brackets.

    A node record may hold a host name or any spelling of an IPv6 address, and sysfs repeats it as it stands.
    """
    try:
        parsed = ip_address(address.strip("[]"))
        host = f"[{shortest(parsed)}]" if isinstance(parsed, IPv6Address) else shortest(parsed)
    except ValueError:
        host = address or "unknown"
    return f"{host}:{port if port is not None else 'unknown'}"


def shortest(address: IPv4Address | IPv6Address) -> str:
    """The address in its shortest form; IPv4 in IPv6 as ``::ffff:192.0.2.1`` (RFC 5952, section 5).

    Before Python 3.13 its own text is ``::ffff:c000:201``. A label must not change with the version of Python.
    """
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address.compressed if mapped is None else f"::ffff:{mapped}"


def connection_label(session: SessionFacts) -> str:
    """``ADDRESS:PORT[@IFACE]`` of the session's persistent portal."""
    return connection(portal(session.address, session.port), session.iface)


def connection(of_portal: str, iface: str) -> str:
    """``ADDRESS:PORT[@IFACE]`` of what ``portal`` returns."""
    return of_portal if iface in ("", DEFAULT_IFACE) else f"{of_portal}@{iface}"


def uid_property(name: str) -> str:
    """The udev property that holds the WWID of the disk ``name`` by multipath's default.

    The hardware table of libmultipath/hwtable.c sets uid_attribute for NVMe namespaces and DASDs, 0.9.4 to 0.15.
    """
    if name.startswith("nvme"):
        return "ID_WWN"
    return "ID_UID" if name.startswith("dasd") else "ID_SERIAL"


@lru_cache(maxsize=4096)
def in_order(label: str) -> SortKey:
    """The key by which labels are sorted: numbers in a label compare as numbers.

    ``#2`` comes before ``#10`` and ``192.168.2.1`` before ``192.168.10.1``. The parts between slashes are compared one
    by one, so a session without a number (``PORTAL/TARGET``) comes before ``PORTAL#2/TARGET``. Labels that differ only
    in leading zeros are ordered as text: no two labels are equal.
    """
    return tuple(_parts(text) for text in label.split("/")), label


def by_label(item: Labelled) -> SortKey:
    """``in_order`` of the item's label, as the key of a sort."""
    return in_order(item.label)


def _parts(text: str) -> tuple[str | tuple[int, str], ...]:
    """Text and numbers in turn, text first. A number is its length and its digits, so that it may be of any length."""
    parts: list[str | tuple[int, str]] = []
    for is_number, characters in groupby(text, _is_digit):
        run = "".join(characters)
        if is_number:
            significant = run.lstrip("0")
            parts += [(len(significant), significant)] if parts else ["", (len(significant), significant)]
        else:
            parts.append(run)
    return tuple(parts)


def _is_digit(character: str) -> bool:
    return "0" <= character <= "9"


def numbered(base: str, number: int) -> str:
    """``base`` for the first of its kind, ``base#2`` and so on for further ones."""
    return base if number == 1 else f"{base}#{number}"


def assign(
    held: Mapping[str, Held], newcomers: Iterable[tuple[Held, str]], name: Callable[[str, int], str] = numbered
) -> dict[str, Held]:
    """Give every newcomer a label of its own, built on the base it comes with, and leave the holders theirs.

    A newcomer that already holds a label of its base keeps it; any other takes the lowest number that is free, which is
    the label of whatever vanished before it: a path that logs in again is the path that logged out.
    """
    owners = {holder: label for label, holder in held.items()}
    labels: dict[str, Held] = {}
    waiting: list[tuple[Held, str]] = []
    for holder, base in newcomers:
        owned = owners.get(holder)
        if owned is not None and _is_numbered(owned, base, name):
            labels[owned] = holder
        else:
            waiting.append((holder, base))
    for holder, base in waiting:
        number = 1
        while (label := name(base, number)) in labels:
            number += 1
        labels[label] = holder
    return labels


def _is_numbered(label: str, base: str, name: Callable[[str, int], str]) -> bool:
    if label == name(base, 1):
        return True
    # The number stands behind the base's last "#"; whatever follows it (a session's /TARGET) is name()'s own.
    digits = label.removeprefix(base.partition("/")[0]).removeprefix("#").partition("/")[0]
    return digits.isascii() and digits.isdigit() and len(digits) < 5 and label == name(base, int(digits))


def session_name(base: str, number: int) -> str:
    """``ADDRESS:PORT[@IFACE][#N]/TARGETNAME`` from ``ADDRESS:PORT[@IFACE]/TARGETNAME``."""
    connection, _, target = base.partition("/")
    return f"{numbered(connection, number)}/{target}"


def session_base(session: SessionFacts) -> str:
    """The label of the first session of its kind: ``ADDRESS:PORT[@IFACE]/TARGETNAME``."""
    return f"{connection_label(session)}/{session.target}"


def connection_of(session_label: str) -> str:
    """``ADDRESS:PORT[@IFACE][#N]`` of a session's label: what paths through it are called."""
    return session_label.partition("/")[0]

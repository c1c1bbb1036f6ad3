"""Commands by which an administrator may cause the fault, and undo it. They are shown, and never run.

Each breaks the connection without a word to the other side, as a pulled cable does: this is what the timeouts are for.
"""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.drill.target import Fault, Kind, interfaces_of
from mpathd_watch.core.model.text import quoted
from mpathd_watch.core.state import State
from mpathd_watch.immutable import immutable

TABLE = "mpathd_watch_drill"
"""The table of nftables that the commands name, so that undoing them touches no other rule."""


@immutable
class Way:
    """One way to cause a fault: the commands that cause it, and those that undo it."""

    cause: tuple[str, ...]
    undo: tuple[str, ...]


def ways(state: State, fault: Fault) -> Iterator[Way]:
    """Every way to cause ``fault``, the shortest first."""
    if fault.target.kind is Kind.INTERFACE:
        yield _link(fault.target.name)
        return
    for name in interfaces_of(state, fault):
        yield _link(name)
    address, _, port = fault.target.name.rpartition(":")
    if not port.isdigit():
        return
    six = address.startswith("[")
    yield _nft(address.strip("[]"), port, six=six)
    yield _iptables(address.strip("[]"), port, six=six)


def _link(name: str) -> Way:
    word = quoted(name)
    return Way((f"ip link set {word} down",), (f"ip link set {word} up",))


def _nft(address: str, port: str, *, six: bool) -> Way:
    place, source = f"inet {TABLE}", "ip6 saddr" if six else "ip saddr"
    chain = "{ type filter hook input priority -300; }"
    return Way(
        (
            f"nft add table {place}",
            f"nft 'add chain {place} input {chain}'",
            f"nft add rule {place} input {source} {quoted(address)} tcp sport {port} drop",
        ),
        (f"nft delete table {place}",),
    )


def _iptables(address: str, port: str, *, six: bool) -> Way:
    program = "ip6tables" if six else "iptables"
    rule = f"INPUT -s {quoted(address)} -p tcp --sport {port} -j DROP"
    return Way((f"{program} -I {rule}",), (f"{program} -D {rule}",))

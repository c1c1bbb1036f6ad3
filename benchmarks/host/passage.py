"""The passage of an event: from a uevent of dm to its entry in the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle

from benchmarks.host.host import Host
from benchmarks.host.journald import Entry
from benchmarks.host.tree import Map
from benchmarks.host.uevents import Uevents

ACTIONS = (("PATH_FAILED", "path_failed"), ("PATH_REINSTATED", "path_reinstated"))
"""What dm does to a path, and the entry that reports it."""
PATIENCE = 5.0


def passage(host: Host, uevents: Uevents, map_: Map, action: str, event: str) -> float:
    """Let dm do this to the first path of a map. Returns the milliseconds to its entry; ``RuntimeError``: none came."""
    dev_t = map_.paths[0].dev_t
    host.journald.taken()
    host.multipathd.change(**{"failed" if event == "path_failed" else "active": [dev_t]})
    name = f"\nMPATHD_WATCH_MAP={map_.name}\n".encode()
    return way(
        host,
        uevents,
        uevents.message(action, map_, dev_t),
        lambda entry: entry.event == event and name in entry.data,
    )


def way(host: Host, uevents: Uevents, message: bytes, wanted: Callable[[Entry], bool]) -> float:
    """Send a uevent. Returns the milliseconds to the entry that is wanted; raises ``RuntimeError`` if none comes."""
    sent = uevents.send(message)
    entry = host.journald.first(wanted, PATIENCE)
    if entry is None:
        raise RuntimeError(f"no entry within {PATIENCE:g} s for {message!r}")
    return (entry.at - sent) / 1e6


def passages(host: Host, uevents: Uevents) -> Iterator[float]:
    """The passage of one event after the other: the first path of each map fails and returns."""
    for map_ in cycle(host.tree.maps):
        for action, event in ACTIONS:
            yield passage(host, uevents, map_, action, event)

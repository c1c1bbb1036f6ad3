"""What multipath-tools is set to for a map: by what multipathd runs with where that is known, else by the files."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.formats.multipath_conf import Document, Origin, Resolved, Resolver, resolver
from mpathd_watch.core.model.vocabulary import Transport
from mpathd_watch.core.state import MapState
from mpathd_watch.core.transports import table
from mpathd_watch.core.transports.row import TransportRow

RUNNING = Origin("running")
"""Of a value that multipathd runs with and that the files don't have."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Answers for any number of maps."""

    files: Resolver
    running: Resolver | None

    def written(self, known: MapState) -> Resolved:
        """What the files say."""
        return _resolved(self.files, known)

    def in_force(self, known: MapState) -> Resolved:
        """What multipathd goes by, each value with its line in the files if they say the same."""
        written = self.written(known)
        return written if self.running is None else _agreed(_resolved(self.running, known), written)

    @property
    def general(self) -> Resolved:
        """What multipathd goes by for a disk that no section is about."""
        anything = [
            asked.resolve(wwid="", vendor=None, product=None)
            for asked in (self.files, self.running)
            if asked is not None
        ]
        return _agreed(anything[-1], anything[0])


def rules(configuration: Configuration, running: Document | None) -> Rules:
    """Prepare to answer.

    multipathd prints all of its entries for this host's disks (show config local), those of its own table included: so
    nothing stands below them, and they stand below what the files have.
    """
    version = configuration.grammar
    return Rules(
        resolver(configuration.multipath, version=version, hardware=running),
        None if running is None else resolver(running, version=version, hardware=Document()),
    )


def transport(known: MapState) -> TransportRow:
    """How the map's disks are reached: of several transports the one of which most is known."""
    found = {path.place.transport for path in known.paths.values()}
    return next((row for row in table.ROWS.values() if row.transport in found), table.of(Transport.UNKNOWN))


def line(origin: Origin) -> str:
    """``FILE:LINE`` of a value; empty if no file of the administrator's sets it."""
    return f"{origin.file}:{origin.line}" if origin.file and origin.section != "hardware" else ""


def whence(origin: Origin) -> str:
    """Who sets a value, for people."""
    if origin.section == "hardware":
        return "multipath-tools' hardware table"
    return line(origin) or ("what multipathd runs with" if origin == RUNNING else "default")


def _resolved(asked: Resolver, known: MapState) -> Resolved:
    return asked.resolve(
        wwid=known.wwid, vendor=known.vendor or None, product=known.product or None, protocol=transport(known).protocol
    )


def _agreed(running: Resolved, written: Resolved) -> Resolved:
    values = {}
    for each in fields(Resolved):
        mine, theirs = getattr(running, each.name), getattr(written, each.name)
        values[each.name] = theirs if theirs.value == mine.value else replace(mine, origin=RUNNING)
    return replace(running, **values)

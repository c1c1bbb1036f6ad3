"""The settings that multipath-tools applies to a map: as multipathd reports them, or else as the files have them."""

from __future__ import annotations

from dataclasses import field, fields

from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.formats.multipath_conf import NEWEST, Document, Origin, Resolved, Resolver, resolver, spelled
from mpathd_watch.core.model.vocabulary import Transport
from mpathd_watch.core.state import MapState
from mpathd_watch.core.transports import table
from mpathd_watch.core.transports.row import TransportRow
from mpathd_watch.immutable import immutable, replace

RUNNING = Origin("running")
"""Origin of a value that multipathd runs with and that the files don't have."""


ASSUMED = Origin("assumed")
"""Origin of a value that multipath-tools has built in, but which it is depends on its version, and that is unknown."""


_Kind = tuple[str, str, str]
"""Vendor, product, and protocol: what settings are looked for by, apart from the WWID."""


@immutable
class Settings:
    """The settings of a map: those ``written`` in the files, and those ``in_force``, which multipathd uses.

    Each of the latter has its line in the files where those agree.
    """

    written: Resolved
    in_force: Resolved


@immutable
class Rules:
    """The settings for any number of maps; ``guessed`` if it is not known what multipath-tools has built in."""

    files: Resolver
    running: Resolver | None
    guessed: bool = False
    alike: dict[_Kind, Settings] = field(default_factory=dict, compare=False, repr=False)
    """Those of maps that no section names: a host has many maps of few products."""

    def of(self, map_: MapState) -> Settings:
        """The settings of a map."""
        if any(asked and asked.built.of_wwid(map_.wwid) for asked in (self.files, self.running)):
            return self._resolved(map_)
        kind = map_.vendor, map_.product, transport(map_).protocol
        if kind not in self.alike:
            self.alike[kind] = self._resolved(map_)
        return self.alike[kind]

    def _resolved(self, map_: MapState) -> Settings:
        written = self._marked(_resolved(self.files, map_))
        return Settings(written, written if self.running is None else _agreed(_resolved(self.running, map_), written))

    @property
    def general(self) -> Resolved:
        """The settings that multipathd uses for a disk that no section is about."""
        anything = [
            self._marked(asked.resolve(wwid="", vendor=None, product=None))
            for asked in (self.files, self.running)
            if asked is not None
        ]
        return _agreed(anything[-1], anything[0])

    def _marked(self, settings: Resolved) -> Resolved:
        """With the origin of each value that may be another one in the installed version.

        These are the hardware table's, and find_multipaths, whose default is an older version's or a distribution's.
        """
        if not self.guessed:
            return settings
        values = {each.name: getattr(settings, each.name) for each in fields(Resolved)}
        found = {
            name: replace(value, origin=ASSUMED)
            for name, value in values.items()
            if value.origin.section == "hardware" or (name == "find_multipaths" and value.origin.section == "built-in")
        }
        return replace(settings, **found)


def rules(configuration: Configuration, running: Document | None) -> Rules:
    """Prepare the settings of the files and of the running multipathd.

    "show config local" contains every entry that is about a disk of this host, including those of multipathd's own
    table. So nothing stands below these entries, and they stand below the entries of the files.
    """
    version = configuration.grammar
    return Rules(
        resolver(configuration.multipath, version=version, hardware=running),
        None if running is None else resolver(running, version=version, hardware=Document()),
        guessed=running is None and configuration.version is None,
    )


def transport(map_: MapState) -> TransportRow:
    """How the map's disks are reached: of several transports the one of which most is known."""
    found = {path.place.transport for path in map_.paths.values()}
    return next((row for row in table.ROWS.values() if row.transport in found), table.of(Transport.UNKNOWN))


def line(origin: Origin) -> str:
    """``FILE:LINE`` of a value; empty if no file of the administrator sets it."""
    return f"{origin.file}:{origin.line}" if origin.file and origin.section != "hardware" else ""


def whence(origin: Origin) -> str:
    """Who sets a value, for people."""
    if origin.section == "hardware":
        return "multipath-tools' hardware table"
    if origin == ASSUMED:
        return f"built into multipath-tools {spelled(NEWEST)}; the installed version is unknown"
    return line(origin) or ("what multipathd runs with" if origin == RUNNING else "default")


def remark(origin: Origin) -> str:
    """Who sets a value, in brackets; empty if a line does, because the finding names that itself."""
    return "" if line(origin) else f" ({whence(origin)})"


def _resolved(asked: Resolver, map_: MapState) -> Resolved:
    return asked.resolve(
        wwid=map_.wwid, vendor=map_.vendor or None, product=map_.product or None, protocol=transport(map_).protocol
    )


def _agreed(running: Resolved, written: Resolved) -> Resolved:
    values = {}
    for each in fields(Resolved):
        mine, theirs = getattr(running, each.name), getattr(written, each.name)
        values[each.name] = theirs if theirs.value == mine.value else replace(mine, origin=RUNNING)
    return replace(running, **values)

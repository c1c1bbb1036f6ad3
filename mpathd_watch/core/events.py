"""Everything a source can report to the core, one immutable type for each kind of report.

An event carries no time of its own beyond when a listing was asked for (``requested``, CLOCK_MONOTONIC seconds): the
daemon stamps each event with the ``Instant`` at which it is folded in.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Protocol

from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.formats.multipath_conf import Document
from mpathd_watch.core.model.facts import (
    DeviceFacts,
    DmStatus,
    LinkFacts,
    MapFacts,
    MapListing,
    PathListing,
    SessionFacts,
)
from mpathd_watch.core.model.memory import Memory
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.model.usage import Usage
from mpathd_watch.core.model.vocabulary import AttentionKind, DmAction, SourceName
from mpathd_watch.immutable import immutable


@immutable
class SourceUp:
    """A source answered; sent at its first answer and after an absence."""

    source: SourceName


@immutable
class SourceAnswered:
    """A source answered and had nothing new to report."""

    source: SourceName


@immutable
class SourceDown:
    """A source does not answer. ``reason`` is a short word for a label, ``detail`` one sentence with the remedy."""

    source: SourceName
    reason: str
    detail: str


@immutable
class SourceErrors:
    """Things a source could not read or understand while it answered on the whole, counted by reason."""

    source: SourceName
    reason: str
    count: int


@immutable
class EventsLost:
    """The uevent socket overflowed: what it held and what came until it was drained is gone."""


@immutable
class DmPathEvent:
    """A kernel uevent with DM_ACTION: dm failed or reinstated one path of a map.

    ``seqnum`` is DM_SEQNUM, which counts per dm device; ``None`` where the kernel's text made no sense.
    """

    action: DmAction
    wwid: str
    map_name: str
    sysfs_name: str
    dev_t: str
    seqnum: int | None


@immutable
class DmPathEvents:
    """Such uevents that came together: at most one of each map, in the order of their WWIDs."""

    events: tuple[DmPathEvent, ...]


@immutable
class BlockEvent:
    """Any other kernel uevent of a block device.

    ``reloaded``: a dm device whose table was (re)loaded (DM_COOKIE). ``resized``: the device has another size (RESIZE,
    set_capacity_and_notify() in block/genhd.c).
    """

    action: str
    sysfs_name: str
    reloaded: bool = False
    resized: bool = False


@immutable
class UnitAttention:
    """A target has reported ``kind`` about the LUN at the SCSI address ``hctl``, ``count`` times."""

    kind: AttentionKind
    hctl: str
    count: int = 1


@immutable
class UnitAttentions:
    """Kernel uevents of SCSI devices with SDEV_UA, gathered: each kind and address is in it once."""

    attentions: tuple[UnitAttention, ...]


@immutable
class SystemRead:
    """A full scan of sysfs: all multipath maps, all their member disks, all iSCSI sessions.

    ``unmapped`` are the disks of iSCSI sessions that are in no map. ``usage`` is what disks are used for, ``None`` in
    a recording that is older than it.
    """

    maps: tuple[MapFacts, ...]
    devices: tuple[DeviceFacts, ...]
    sessions: tuple[SessionFacts, ...]
    requested: float
    unmapped: tuple[DeviceFacts, ...] = ()
    usage: Usage | None = None


@immutable
class SessionsRead:
    """All iSCSI sessions. ``requested`` is 0 where it is not known when they were asked for."""

    sessions: tuple[SessionFacts, ...]
    requested: float = 0.0


@immutable
class DevicesRead:
    """Some member disks, read again; ``vanished`` names those that are gone.

    ``requested`` is 0 where it is not known when they were asked for.
    """

    devices: tuple[DeviceFacts, ...]
    vanished: tuple[str, ...] = ()
    requested: float = 0.0


@immutable
class ConnectionFailed:
    """The kernel has given up the connection of the session ``sid``; ``error`` is its number (``IscsiError``)."""

    sid: int
    error: int


@immutable
class NetworkRead:
    """All network interfaces of this host, at the start and whenever one has changed."""

    links: tuple[LinkFacts, ...]


@immutable
class PathsListed:
    """multipathd's listing of all paths, from its memory (``show paths raw format``)."""

    paths: tuple[PathListing, ...]
    requested: float


@immutable
class MapsListed:
    """multipathd's listing of all maps, refreshed from the kernel (``show maps json``)."""

    maps: tuple[MapListing, ...]
    requested: float


@immutable
class DmStatusRead:
    """The kernel's own status of all maps, which only root can read: at the start, and at a reload."""

    maps: tuple[DmStatus, ...]
    requested: float


@immutable
class ConfigurationRead:
    """The files that configure multipathd and iscsid, at the start and whenever they have changed."""

    configuration: Configuration


@immutable
class MultipathdConfigured:
    """The configuration that multipathd runs with (``show config local``), which may not be that of its files."""

    document: Document


@immutable
class SettingsChanged(Settings):
    """The administrator's settings, at the start and at each reload."""

    @classmethod
    def to(cls, settings: Settings) -> SettingsChanged:
        """The event of a change to ``settings``."""
        return cls(**{each.name: getattr(settings, each.name) for each in fields(settings)})


@immutable
class Remembered:
    """What earlier daemons knew, at the start before any source has answered."""

    memory: Memory


@immutable
class Forget:
    """The administrator does not expect a path any more, or, without ``path``, the map of this WWID.

    Of a map that exists only what is missing can be forgotten; without ``path`` that is all of it.
    """

    wwid: str
    path: str = ""


@immutable
class Tick:
    """A deadline of the core has come (see ``step.next_deadline``)."""


Event = (
    SourceUp
    | SourceAnswered
    | SourceDown
    | SourceErrors
    | EventsLost
    | DmPathEvent
    | DmPathEvents
    | BlockEvent
    | UnitAttentions
    | SystemRead
    | SessionsRead
    | DevicesRead
    | ConnectionFailed
    | NetworkRead
    | PathsListed
    | MapsListed
    | DmStatusRead
    | ConfigurationRead
    | MultipathdConfigured
    | SettingsChanged
    | Remembered
    | Forget
    | Tick
)


class Emit(Protocol):
    """Takes events that came together: each is processed, in this order, and then what they led to is shown at once."""

    def __call__(self, *events: Event) -> None:
        """Take them."""

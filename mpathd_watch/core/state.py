"""All that is known at one moment: an immutable tree of maps and their paths, sessions and sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from mpathd_watch.core.audit_report import Report
from mpathd_watch.core.catalog.findings import Finding
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.formats.multipath_conf import Document
from mpathd_watch.core.model.facts import DeviceFacts, IoFacts, LinkFacts, SessionFacts
from mpathd_watch.core.model.histogram import Histogram
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.model.vocabulary import (
    USABLE,
    Cause,
    CheckerState,
    DeviceState,
    DmState,
    Doubt,
    Health,
    IscsiError,
    MapHealth,
    Phase,
    SessionStatus,
    SourceName,
    Transport,
    Verdict,
)
from mpathd_watch.core.verdicts.error_counts import Errors
from mpathd_watch.core.verdicts.flapping import Flaps
from mpathd_watch.core.verdicts.outage import Outage
from mpathd_watch.core.verdicts.slow_path import Quality

Key = TypeVar("Key")
Value = TypeVar("Value")
COUNTER_BITS = 0xFFFFFFFF
ERROR_FRESH = 5.0
"""Seconds that may pass between an error and the look that finds its session FAILED. The kernel tells the error first
and takes the session down from a work queue (iscsi_conn_error_event() in drivers/scsi/scsi_transport_iscsi.c)."""


def frozen(items: Mapping[Key, Value]) -> Mapping[Key, Value]:
    """A read-only view of ``items``, which nobody else may hold."""
    return MappingProxyType(items if isinstance(items, dict) else dict(items))


@dataclass(frozen=True, slots=True)
class SourceState:
    """How one source fares; ``up`` is ``None`` until it has answered or failed for the first time."""

    up: bool | None = None
    reason: str = ""
    detail: str = ""
    last_success: Instant | None = None
    errors: Mapping[str, int] = field(default_factory=lambda: frozen({}))


@dataclass(frozen=True, slots=True)
class Tally:
    """A counter of ours that follows a 32-bit counter of the kernel from the value it was first seen at."""

    raw: int | None = None
    total: int = 0

    def follow(self, raw: int | None) -> Tally:
        """The tally after the kernel's counter was read as ``raw``.

        A difference of more than half the range is a step back, not a wrap: sd zeroes ``ioerr_cnt`` when it binds
        (drivers/scsi/sd.c). It moves the baseline and counts nothing.
        """
        if raw is None or raw == self.raw:
            return self
        gained = 0 if self.raw is None else (raw - self.raw) & COUNTER_BITS
        return Tally(raw, self.total + (gained if gained <= COUNTER_BITS // 2 else 0))

    def rebased(self) -> Tally:
        """The tally for another device, whose counter has nothing to do with the old one."""
        return Tally(None, self.total)


@dataclass(frozen=True, slots=True)
class PathState:
    """One expected path of a map. ``dev``, ``dev_t`` and ``hctl`` are the last known ones while it is missing.

    ``dm_changed`` and ``checker_read`` are the CLOCK_MONOTONIC seconds of dm's last uevent and of the request that the
    checker's state answers; ``dm_seqnum`` is the DM_SEQNUM of that uevent. ``announced`` is the health last told in the
    journal. ``checker_overruled``: dm has taken the path back, and the checker has not been heard to say anything else
    than that it is faulty. ``ever_up``: its health has been ``up``; ``ever_reached``: the way to its disk has been seen
    working. ``deadline``: when the phase it is in must be over, ``None`` where nothing bounds it; ``overdue``: that and
    the slack have passed. ``timeout``, ``wwid`` and ``io`` are its disk's (see ``DeviceFacts``). ``in_flight``: how
    many commands it had not answered when a close look was asked for, at ``looked`` (CLOCK_MONOTONIC seconds);
    ``counted_closely``: that look has found its error counters. ``checker_name``: how multipathd checks it.
    ``marginal`` and ``multipathd_failures`` are multipathd's own words on it (see ``PathListing``).
    """

    label: str
    since: Instant
    dev: str = ""
    dev_t: str = ""
    hctl: str = ""
    transport: Transport = Transport.UNKNOWN
    session: str = ""
    target: str = ""
    portal: str = ""
    iface: str = ""
    member: bool = True
    dm: DmState = DmState.UNKNOWN
    dm_changed: float | None = None
    dm_seqnum: int | None = None
    checker: CheckerState = CheckerState.UNKNOWN
    checker_name: str = ""
    checker_read: float | None = None
    checker_overruled: bool = False
    device: DeviceState = DeviceState.UNKNOWN
    health: Health = Health.UNKNOWN
    announced: Health = Health.UP
    ever_up: bool = False
    ever_reached: bool = False
    deadline: Instant | None = None
    overdue: bool = False
    outage: Outage | None = None
    last_outage: Outage | None = None
    failures: Mapping[Cause, int] = field(default_factory=lambda: frozen({}))
    reinstatements: int = 0
    timeout: int | None = None
    wwid: str = ""
    io: IoFacts | None = None
    io_errors: Tally = Tally()
    io_timeouts: Tally = Tally()
    errors: Errors = field(default=Errors())
    in_flight: int | None = None
    looked: float | None = None
    counted_closely: bool = False
    marginal: bool | None = None
    multipathd_failures: int | None = None
    flaps: Flaps = field(default=Flaps())
    quality: Quality = field(default=Quality())


@dataclass(frozen=True, slots=True)
class MapState:
    """One multipath map with all its expected paths, by label.

    ``label`` is the map's name, made unique. ``queues``: whether I/O waits when no path is usable, ``None`` if nobody
    says. ``announced`` is the health last told in the journal, ``troubled`` when it left ``healthy``.
    """

    wwid: str
    label: str
    name: str
    sysfs_name: str
    first_seen: Instant
    since: Instant
    suspended: bool | None = None
    queues: bool | None = None
    queueing: str = ""
    vendor: str = ""
    product: str = ""
    seqnum: int | None = None
    health: MapHealth = MapHealth.UNKNOWN
    announced: MapHealth = MapHealth.HEALTHY
    troubled: Instant | None = None
    paths: Mapping[str, PathState] = field(default_factory=lambda: frozen({}))

    @property
    def usable(self) -> int:
        """How many paths are up or suspect."""
        return sum(path.health in USABLE for path in self.paths.values())

    @property
    def present(self) -> int:
        """How many paths are in the map's table now."""
        return sum(path.member for path in self.paths.values())


@dataclass(frozen=True, slots=True)
class SessionError:
    """Why the kernel gave a session's connection up, and when it said so."""

    word: IscsiError
    at: Instant


@dataclass(frozen=True, slots=True)
class SessionState:
    """One iSCSI session under its lasting label; kept as ``missing`` while paths that used it are expected.

    ``ever_up``: it has been seen logged in. A new session starts as FREE, the same word as "recovery expired".
    ``lost``: when it was seen to be FAILED or FREE; ``None`` while it is neither. ``error``: the kernel's first word on
    what took its connection; those of the attempts to bring it back are only counted, in ``errors``.
    ``read``: when what ``facts`` hold was asked for, ``None`` if nobody knows; ``heard``: the last proof of life that
    was ever read (both CLOCK_MONOTONIC seconds; a connection that is down has no TCP left to ask).
    ``doubt``: why it is doubted though LOGGED_IN, and ``doubted`` since when. ``carried``: its interface and its
    address have been seen fit to carry it. ``told_with``: what it shares with others that went with it, as its loss was
    told. ``retransmits``: those of all its TCP connections.
    """

    label: str
    facts: SessionFacts
    status: SessionStatus
    ever_up: bool = False
    announced_lost: bool = False
    lost: Instant | None = None
    error: SessionError | None = None
    errors: Mapping[IscsiError, int] = field(default_factory=lambda: frozen({}))
    read: float | None = field(default=None, compare=False)
    heard: float | None = field(default=None, compare=False)
    doubt: Doubt | None = None
    doubted: Instant | None = None
    carried: bool = False
    told_with: str = ""
    retransmits: Tally = field(default=Tally(), compare=False)

    @property
    def silence(self) -> float | None:
        """Seconds for which nothing had been heard of it when it was read last; ``None`` if nobody knows."""
        if self.read is None or self.heard is None:
            return None
        return max(0.0, self.read - self.heard)

    @property
    def lost_to(self) -> IscsiError | None:
        """The error that took the session, while it is lost and the kernel has said so when it went."""
        if self.lost is None or self.error is None or self.lost.since(self.error.at) > ERROR_FRESH:
            return None
        return self.error.word


@dataclass(frozen=True, slots=True)
class Counters:
    """Totals since the daemon's start that belong to no map. ``verdicts`` and ``phases`` are of past outages."""

    uevents: Mapping[str, int] = field(default_factory=lambda: frozen({}))
    overflows: int = 0
    resyncs: Mapping[str, int] = field(default_factory=lambda: frozen({}))
    verdicts: Mapping[Verdict, int] = field(default_factory=lambda: frozen({}))
    phases: Mapping[Phase, Histogram] = field(default_factory=lambda: frozen({}))


@dataclass(frozen=True, slots=True)
class Auditing:
    """What the audit works with, what it came to last, and what has been told of that.

    ``configuration``: the files; ``None`` until they have been read. ``running``: what multipathd runs with; ``None``
    while it does not tell. ``fresh``: the configuration has changed since the last audit. ``standing``: since when each
    finding that is not ``told`` yet stands (CLOCK_MONOTONIC seconds). ``at``: when it was made.
    """

    configuration: Configuration | None = None
    running: Document | None = None
    report: Report = field(default_factory=Report)
    at: Instant | None = None
    fresh: bool = False
    standing: Mapping[Finding, float] = field(default_factory=lambda: frozen({}))
    told: frozenset[Finding] = frozenset()


class Wait(StrEnum):
    """What a deadline of the core is for."""

    SETTLE = "settle"
    CAUSE = "cause"
    OVERDUE = "overdue"
    AUDIT = "audit"
    SESSIONS = "sessions"
    SILENCE = "silence"
    LOOK = "look"
    STEADY = "steady"
    QUALITY = "quality"


class Due(NamedTuple):
    """Whose deadline: of a path, of a map (no ``path``), or of all there is (no ``wwid`` either)."""

    wait: Wait
    wwid: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """The whole. ``maps`` by WWID, ``sessions`` by label, ``unmapped`` iSCSI disks by name.

    ``started``: the first whole look at sysfs has been taken. ``multipathd_heard``: multipathd has listed something, or
    failed to, at least once. ``links``: the network interfaces by name, ``None`` while nobody tells.
    ``dm_doubted``: since when uevents may have been lost that no listing from the kernel has made up for
    (CLOCK_MONOTONIC seconds). ``deadlines``: what is to be looked at again, and when (CLOCK_MONOTONIC seconds).
    """

    settings: Settings = field(default=Settings())
    started: bool = False
    multipathd_heard: bool = False
    sources: Mapping[SourceName, SourceState] = field(default_factory=lambda: frozen({}))
    maps: Mapping[str, MapState] = field(default_factory=lambda: frozen({}))
    sessions: Mapping[str, SessionState] = field(default_factory=lambda: frozen({}))
    unmapped: Mapping[str, DeviceFacts] = field(default_factory=lambda: frozen({}))
    links: Mapping[str, LinkFacts] | None = None
    auditing: Auditing = Auditing()
    counters: Counters = Counters()
    dm_doubted: float | None = None
    deadlines: Mapping[Due, float] = field(default_factory=lambda: frozen({}))

    def source(self, name: SourceName) -> SourceState:
        """How the source fares; one never heard of has not answered yet."""
        return self.sources.get(name, SourceState())

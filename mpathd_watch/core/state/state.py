"""The whole state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from mpathd_watch.core.audit_report import AuditReport
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.formats.multipath_conf import Document
from mpathd_watch.core.model.facts import DeviceFacts, LinkFacts, MapFacts
from mpathd_watch.core.model.histogram import Histogram
from mpathd_watch.core.model.incident import Incident
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import empty
from mpathd_watch.core.model.memory import ExpectedMap, Memory
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.model.usage import Usage
from mpathd_watch.core.model.vocabulary import AttentionKind, Phase, SourceName, Transport, Verdict
from mpathd_watch.core.state.arrays import Arrays
from mpathd_watch.core.state.deadlines import Due
from mpathd_watch.core.state.map import MapState
from mpathd_watch.core.state.nexus import NexusState
from mpathd_watch.core.state.source import SourceState
from mpathd_watch.core.verdicts.access_use import AccessUse
from mpathd_watch.immutable import immutable


@immutable
class Counters:
    """Totals since the daemon's start that belong to no map.

    ``verdicts`` and ``phases`` are of past outages. ``attentions``: the unit attentions for disks that are in no map.
    """

    uevents: Mapping[str, int] = field(default_factory=empty)
    overflows: int = 0
    resyncs: Mapping[str, int] = field(default_factory=empty)
    verdicts: Mapping[Verdict, int] = field(default_factory=empty)
    phases: Mapping[Phase, Histogram] = field(default_factory=empty)
    attentions: Mapping[AttentionKind, int] = field(default_factory=empty)


@immutable
class Auditing:
    """What the audit works with, its last result, and what of that has been announced.

    ``configuration``: the files; ``None`` until they have been read. ``running``: what multipathd runs with; ``None``
    while it does not report that. ``at``: when the audit was made. ``fresh``: the configuration has changed since.
    ``work``: an audit (``audit.Work``) that is being made, on a large host in several steps; ``urgent``: the
    configuration had changed when it began; ``again``: when the next one is due (CLOCK_MONOTONIC seconds) if something
    has changed meanwhile.
    ``standing``: since when each part of a finding stands that is not ``announced`` yet (CLOCK_MONOTONIC seconds).
    ``access``: by WWID, which paths carry the I/O of the maps whose paths differ in their access states.
    """

    configuration: Configuration | None = None
    running: Document | None = None
    report: AuditReport = field(default_factory=AuditReport)
    at: Instant | None = None
    fresh: bool = False
    work: object | None = None
    urgent: bool = False
    again: float | None = None
    standing: Mapping[str, float] = field(default_factory=empty)
    announced: frozenset[str] = frozenset()
    access: Mapping[str, AccessUse] = field(default_factory=empty)


@immutable
class Scan:
    """A full scan of sysfs of which a part has yet to be folded.

    ``maps``: those, by WWID. ``devices``: all disks, by name. ``labels``: those of all maps, by WWID. ``requested``:
    when the scan was asked for (CLOCK_MONOTONIC seconds).
    """

    maps: Mapping[str, MapFacts]
    devices: Mapping[str, DeviceFacts]
    labels: Mapping[str, str]
    requested: float


@immutable
class State:
    """The whole. ``maps`` by WWID, ``nexuses`` by label, ``unmapped`` disks of iSCSI sessions by name.

    ``started``: the first full scan of sysfs has been taken. ``multipathd_asked``: multipathd has listed something, or
    failed to, at least once. ``usage``: what disks are used for, as of the last full scan. ``links``: the network
    interfaces by name, ``None`` while they are not known.
    ``expected``: by WWID, what is kept over restarts; a map in ``maps`` may have further paths, which are expected as
    long as the daemon runs.
    ``dm_stale``: since when uevents may have been lost that no listing from the kernel has made up for (CLOCK_MONOTONIC
    seconds). ``uevents_since``: since when uevents are received (CLOCK_MONOTONIC seconds), ``None`` while they are not.
    ``memory``: what earlier daemons knew. ``incidents``: those that go on, by their ids, the oldest first.
    ``scan``: the last full scan while a part of it has yet to be folded.
    ``settling``: by WWID, the incident that has ended before it was announced that the map has recovered from it.
    ``deadlines``: what is to be looked at again, and when (CLOCK_MONOTONIC seconds).
    """

    settings: Settings = field(default=Settings())
    started: bool = False
    multipathd_asked: bool = False
    sources: Mapping[SourceName, SourceState] = field(default_factory=empty)
    maps: Mapping[str, MapState] = field(default_factory=empty)
    nexuses: Mapping[str, NexusState] = field(default_factory=empty)
    unmapped: Mapping[str, DeviceFacts] = field(default_factory=empty)
    usage: Usage = field(default=Usage())
    links: Mapping[str, LinkFacts] | None = None
    arrays: Arrays = field(default=Arrays())
    memory: Memory = field(default=Memory())
    auditing: Auditing = Auditing()
    counters: Counters = Counters()
    expected: Mapping[str, ExpectedMap] = field(default_factory=empty)
    incidents: Mapping[str, Incident] = field(default_factory=empty)
    settling: Mapping[str, str] = field(default_factory=empty)
    scan: Scan | None = None
    dm_stale: float | None = None
    uevents_since: float | None = None
    deadlines: Mapping[Due, float] = field(default_factory=empty)

    @property
    def watches(self) -> bool:
        """Whether the present is known: sysfs has been read, and multipathd has listed its maps or failed to."""
        return self.started and self.multipathd_asked

    def nexuses_of(self, transport: Transport) -> list[NexusState]:
        """The nexuses of one transport."""
        return [nexus for nexus in self.nexuses.values() if nexus.transport is transport]

    def source(self, name: SourceName) -> SourceState:
        """Whether the source answers; one that is not there has not answered yet."""
        return self.sources.get(name, SourceState())

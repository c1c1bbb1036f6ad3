"""What follows from an event: alerts for the journal, reads that the sources shall make, and what is to be kept."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.model.incident import Incident
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.memory import ExpectedMap, KeptMap, OpenOutage
from mpathd_watch.core.model.outage import Outage, PathStates
from mpathd_watch.core.model.vocabulary import MapHealth
from mpathd_watch.immutable import immutable


@immutable
class Alert:
    """One journal entry. ``fields`` are the contract's, without the prefix ``MPATHD_WATCH_``."""

    kind: AlertKind
    priority: Priority
    message: str
    fields: Mapping[str, str]


class Scope(StrEnum):
    """What shall be read again."""

    SYSTEM = "system"
    NEXUSES = "nexuses"
    DEVICES = "devices"
    PATHS = "paths"
    MAPS = "maps"


@immutable
class Refresh:
    """Read ``scope`` again now; ``devices`` names the disks where the scope is ``DEVICES``."""

    scope: Scope
    devices: tuple[str, ...] = ()


@immutable
class OutageChanged:
    """An outage has begun, or more is known of it, at ``at``.

    ``states``: those of its path now, ``None`` if they are not known yet. ``evidence``: what the network interface and
    the other paths show as the path goes out, a clause; else empty.
    """

    open: OpenOutage
    states: PathStates | None
    at: Instant
    evidence: str = ""


@immutable
class OutageEnded:
    """A path is up again after an outage in which it was worse than suspect; ``outage`` has its verdict.

    ``states`` are those of the path now; ``incident`` is the id of the one that the outage belonged to.
    """

    wwid: str
    map: str
    path: str
    outage: Outage
    states: PathStates = PathStates("")
    incident: str = ""


@immutable
class OutageDropped:
    """The outage ``id`` will have no end: its path was only suspect and is up again, or is not expected any more.

    ``real``: the path was worse than suspect in it.
    """

    id: str
    real: bool


@immutable
class IncidentChanged:
    """An incident has begun, or more is known of it."""

    incident: Incident


@immutable
class IncidentEnded:
    """All outages of an incident are over, or have no end that anybody will see."""

    incident: Incident
    at: Instant


@immutable
class MapChanged:
    """The health of a map is another one than ``was``, or has been announced; ``map`` is its label."""

    wwid: str
    map: str
    was: MapHealth
    now: KeptMap
    at: Instant


@immutable
class MapDropped:
    """There is no such map any more."""

    wwid: str


@immutable
class NexusAnnounced:
    """The loss of a nexus was announced, with what it shares with others; ``None``: it is back, or unused."""

    label: str
    shared: str | None


@immutable
class Remember:
    """Keep what is expected of the map over restarts; ``None``: it is not expected any more."""

    wwid: str
    expected: ExpectedMap | None


@immutable
class FindingsAnnounced:
    """All that has been announced of the audit's findings, and still stands, each as one line of text."""

    findings: frozenset[str]


Kept = (
    OutageChanged
    | OutageEnded
    | OutageDropped
    | IncidentChanged
    | IncidentEnded
    | MapChanged
    | MapDropped
    | NexusAnnounced
    | Remember
    | FindingsAnnounced
)
"""What the daemon keeps on disk."""
Effect = Alert | Refresh | Kept

"""What follows from an event: alerts, reads that the sources shall make, outages that are over, what to keep."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.model.memory import ExpectedMap
from mpathd_watch.core.verdicts.outage import Outage
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
class OutageEnded:
    """A path is up again after an outage in which it was worse than suspect; ``outage`` has its verdict."""

    wwid: str
    map: str
    path: str
    outage: Outage


@immutable
class Remember:
    """Keep what is expected of the map over restarts; ``None``: it is not expected any more."""

    wwid: str
    expected: ExpectedMap | None


Effect = Alert | Refresh | OutageEnded | Remember

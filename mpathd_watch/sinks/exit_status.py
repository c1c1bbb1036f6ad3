"""The exit status of ``check`` and ``status``: that of a Nagios plugin."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum

from mpathd_watch.core.model.vocabulary import MapHealth


class Status(IntEnum):
    """The exit status of a Nagios plugin (Monitoring Plugins Development Guidelines, Plugin Return Codes)."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_WORST_FIRST = (Status.CRITICAL, Status.WARNING, Status.UNKNOWN, Status.OK)
_OF_HEALTH = {
    MapHealth.HEALTHY: Status.OK,
    MapHealth.DEGRADED: Status.WARNING,
    MapHealth.UNKNOWN: Status.UNKNOWN,
    MapHealth.LOST: Status.CRITICAL,
}


def worst(statuses: Collection[Status]) -> Status:
    """The worst of them; OK if there is none."""
    return next((status for status in _WORST_FIRST if status in statuses), Status.OK)


def of_health(health: MapHealth, at_risk: Status = Status.WARNING) -> Status:
    """The status that follows from a map's health."""
    return at_risk if health is MapHealth.AT_RISK else _OF_HEALTH[health]

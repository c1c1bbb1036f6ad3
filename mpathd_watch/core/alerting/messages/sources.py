"""Entries about the sources: who does not answer, and what is not known without it."""

from __future__ import annotations

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.events import SourceDown
from mpathd_watch.core.model.vocabulary import SourceName

_SOURCES = {
    SourceName.UEVENT: "the kernel's uevents",
    SourceName.SYSFS: "sysfs",
    SourceName.MULTIPATHD: "multipathd's paths and maps",
    SourceName.CONFIG: "the configuration",
    SourceName.ISCSI: "the kernel's iSCSI errors",
    SourceName.NETWORK: "the network interfaces",
}
_UNKNOWN_WITHOUT = {
    SourceName.UEVENT: "Failures are seen later, when multipathd is asked",
    SourceName.SYSFS: "Device and session states are unknown",
    SourceName.MULTIPATHD: "Checker states and queueing are unknown; failures still arrive from the kernel",
    SourceName.CONFIG: "The settings from before stay in force",
    SourceName.ISCSI: "Why a connection failed is not known; that it did is seen all the same",
    SourceName.NETWORK: "A lost carrier is not seen; the silence that it leads to is, a little later",
}
_HELPERS = frozenset({SourceName.ISCSI, SourceName.NETWORK})
"""What they tell comes earlier and is more exact; nothing is missed without them."""


def source_down(event: SourceDown) -> Alert:
    """The alert for a source that stopped answering."""
    kind = AlertKind.SOURCE_DOWN
    return Alert(
        kind,
        Priority.NOTICE if event.source in _HELPERS else kind.value.priority,
        f"Can't read {_SOURCES[event.source]}: {event.detail.rstrip('.')}. {_UNKNOWN_WITHOUT[event.source]}.",
        {"SOURCE": event.source.value, "REASON": event.reason},
    )


def source_up(source: SourceName) -> Alert:
    """The alert for a source that answers again."""
    kind = AlertKind.SOURCE_UP
    return Alert(
        kind,
        kind.value.priority,
        f"Can read {_SOURCES[source]} again.",
        {"SOURCE": source.value},
    )


def events_lost(overflows: int) -> Alert:
    """The alert for a uevent socket that overflowed; ``overflows`` counts how often since the start."""
    kind = AlertKind.EVENTS_LOST
    often = "" if overflows == 1 else f" ({overflows} times since the start)"
    return Alert(
        kind,
        kind.value.priority,
        f"The kernel sent uevents faster than they could be read and dropped some{often}; everything is read anew.",
        {},
    )

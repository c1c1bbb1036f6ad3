"""Entries about the sources: which one does not answer, and what is not known without it."""

from __future__ import annotations

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.events import SourceDown
from mpathd_watch.core.model.vocabulary import SourceName

_SOURCES = {
    SourceName.UEVENT: "the kernel's uevents",
    SourceName.SYSFS: "sysfs",
    SourceName.MULTIPATHD: "multipathd's paths and maps",
    SourceName.CONFIG: "the configuration of mpathd-watch",
    SourceName.CONFIGURATION: "the configuration of multipath and iSCSI",
    SourceName.ISCSI: "the kernel's iSCSI errors",
    SourceName.NETWORK: "the network interfaces",
    SourceName.STORE: "or write the stored state",
    SourceName.WEB: "or apply the web configuration",
}
_UNKNOWN_WITHOUT = {
    SourceName.UEVENT: "Failures are detected later, when multipathd is asked",
    SourceName.SYSFS: "Device and session states are unknown",
    SourceName.MULTIPATHD: "Checker states and queueing are unknown; failures still arrive from the kernel",
    SourceName.CONFIG: "The previous settings stay in force",
    SourceName.CONFIGURATION: "The audit uses what was read before",
    SourceName.ISCSI: "Failed connections are still detected, but not why they failed",
    SourceName.NETWORK: "A lost carrier is detected later, by the silence that follows",
    SourceName.WEB: "TLS and passwords stay as they are",
    SourceName.STORE: "What happens now is missing in the history, and is not known after a restart",
}
_HELPERS = frozenset({SourceName.ISCSI, SourceName.NETWORK})
"""What they report comes earlier and is more exact; nothing is missed without them."""


def source_down(event: SourceDown) -> Alert:
    """The alert for a source that stopped answering."""
    kind = AlertKind.SOURCE_DOWN
    return Alert(
        kind,
        Priority.NOTICE if event.source in _HELPERS else kind.value.priority,
        f"Cannot read {_SOURCES[event.source]}: {event.detail.rstrip('.')}. {_UNKNOWN_WITHOUT[event.source]}.",
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
        f"The kernel dropped uevents{often}: they came faster than they were read. Reading the whole state again.",
        {},
    )

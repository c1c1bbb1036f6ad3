"""Folding the kernel's reports of connections that failed."""

from __future__ import annotations

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import Event
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.state import ERROR_FRESH, Due, NexusError, NexusState, Wait
from mpathd_watch.core.transports import table
from mpathd_watch.core.verdicts.outage import CAUSE_GRACE
from mpathd_watch.immutable import replace

LOOK_AGAIN = 0.1
"""Seconds after an error at which the nexuses are read once more: the kernel reports it, and then takes an iSCSI
session down from a work queue, so that the first look may come too early (iscsi_cleanup_conn_work_fn())."""


def connection_failed(draft: Draft, event: Event) -> None:
    """Count an error, keep it if it may be why the nexus goes, and have its state and its disks read at once."""
    draft.refresh(Scope.NEXUSES)
    for row, failure in table.failures(event):
        present = (nexus for nexus in draft.nexuses.values() if nexus.present and nexus.transport is row.transport)
        nexus = next((nexus for nexus in present if nexus.facts.handle == failure.handle), None)
        if nexus is not None:
            _fold(draft, nexus, NexusError(failure.reason, draft.now))


def _fold(draft: Draft, nexus: NexusState, error: NexusError) -> None:
    label = nexus.label
    if nexus.lost is None:
        draft.deadlines[Due(Wait.NEXUSES)] = draft.now.monotonic + LOOK_AGAIN
    draft.nexuses[label] = replace(
        nexus,
        error=_first(nexus, error),
        errors=frozen({**nexus.errors, error.reason: nexus.errors.get(error.reason, 0) + 1}),
    )
    draft.touch_paths_through(label)
    disks = [path.place.dev for _, path in draft.paths_through(label) if path.member]
    if disks:
        draft.refresh_devices(disks)


def _first(nexus: NexusState, new: NexusError) -> NexusError | None:
    """The error to keep: the first of a burst, and of a lost nexus the one that took it."""
    if nexus.lost is None:
        recent = nexus.error is not None and new.at.since(nexus.error.at) <= ERROR_FRESH
        return nexus.error if recent else new
    late = new.at.since(nexus.lost) > CAUSE_GRACE
    return nexus.error if late or nexus.lost_to else new

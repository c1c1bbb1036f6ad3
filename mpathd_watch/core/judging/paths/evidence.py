"""What is known of a path now, as the verdict on its health takes it."""

from __future__ import annotations

from mpathd_watch.core.catalog.causes import CAUSES
from mpathd_watch.core.draft import Draft
from mpathd_watch.core.judging.paths.disk_counters import cause_by_counters, is_managed
from mpathd_watch.core.layers.row import LayerRow
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import AccessState, Cause, DmState, SourceName, Standing
from mpathd_watch.core.state import NexusState, PathState
from mpathd_watch.core.transports import table
from mpathd_watch.core.verdicts import carrier
from mpathd_watch.core.verdicts.health import CLOSED, RawStates

STANDBY_EXPLAINS = 60.0
"""Seconds before an outage within which a path must have gone into standby for that to be the reason. multipathd checks
a path every 20 s at most unless it is configured otherwise (max_polling_interval)."""


def raw_states(draft: Draft, wwid: str, path: PathState) -> RawStates:
    """All that is known of the path."""
    nexus, layer = draft.nexus_of(path), draft.layer_of(wwid)
    standing = layer.standing(path.dm, path.disk)
    return RawStates(
        member=path.member,
        standing=standing,
        checker=path.checker.verdict,
        device=path.disk.state,
        nexus=None if nexus is None else nexus.liveness,
        nexus_cause=Cause.UNKNOWN if nexus is None or not nexus.liveness.lost else _nexus_cause(draft, nexus),
        suspicion=None if nexus is None else nexus.suspicion,
        counters=cause_by_counters(path, nexus, standing, managed=is_managed(draft, layer, path.outage)),
        unmanaged=_unmanaged(draft, layer, path),
        unread=not draft.is_up(SourceName.SYSFS),
        closed=_closed(path, draft.now),
        confirmed=_confirmed(path, standing, draft.now),
        awaited=path.awaited,
    )


def _confirmed(path: PathState, standing: Standing, now: Instant) -> bool:
    """Whether what the array says of the path was read since the path failed, if it has."""
    failed = None if path.outage is None else path.outage.failed
    if failed is None and standing is Standing.FAILED:
        failed = now
    return failed is None or path.access_read_since(failed.monotonic)


def _closed(path: PathState, now: Instant) -> AccessState | None:
    """What the array says of the path, if that explains why it takes no I/O.

    A path to a passive controller is in standby all the time, and usable: multipathd calls it ghost. If it fails then,
    or its connection does, standby is not why. And a path that dm has reinstated since is one that multipathd has found
    usable.
    """
    state, since, outage = path.disk.access.state, path.disk.access_since, path.outage
    if state is None or state not in CLOSED or _reinstated_since(path, since):
        return None
    began = now if outage is None else outage.began
    old = since is not None and began.monotonic - since > STANDBY_EXPLAINS
    other = outage is not None and CAUSES[outage.cause].connection
    return None if state is AccessState.STANDBY and (old or other) else state


def _reinstated_since(path: PathState, moment: float | None) -> bool:
    changed = path.dm.changed
    return path.dm.state is DmState.ACTIVE and changed is not None and moment is not None and changed > moment


def _unmanaged(draft: Draft, layer: LayerRow, path: PathState) -> bool:
    """Whether the path's standing has never been known, since who knows it does not answer, and has not changed since.

    It may have changed where uevents are missed, or before the path was known. In an outage that began before the path
    was first seen, or went on while no daemon ran, it may have changed unseen; in another one a uevent would have
    reported it.
    """
    missed = path.dm.missed or draft.rest.dm_stale is not None or draft.source(SourceName.UEVENT).up is False
    inherited = path.outage is not None and (path.outage.inherited or bool(path.outage.unwatched))
    silent = layer.manager is not None and draft.source(layer.manager).up is False
    return silent and path.dm.changed is None and not (missed or inherited)


def _nexus_cause(draft: Draft, nexus: NexusState) -> Cause:
    """What took the nexus, if something did."""
    return table.of(nexus.transport).causes.of(nexus.liveness, nexus.lost_to, unreachable=is_unreachable(draft, nexus))


def is_unreachable(draft: Draft, nexus: NexusState) -> bool:
    """Whether no network interface carries the nexus now, as far as that is known."""
    links = draft.rest.links
    return nexus.carried and links is not None and carrier.lost(nexus.facts.local, links)

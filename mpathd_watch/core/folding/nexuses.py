"""Folding what is read of I_T nexuses: which are there, and which are the same as before."""

from __future__ import annotations

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import NexusAnnounced, Scope
from mpathd_watch.core.events import Event
from mpathd_watch.core.judging import restarts, suspicion
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.tally import Tally
from mpathd_watch.core.model.vocabulary import Liveness
from mpathd_watch.core.state import NexusState
from mpathd_watch.core.transports import table
from mpathd_watch.core.transports.row import Nexus, Reading, TransportRow
from mpathd_watch.immutable import replace

UNREAD = 3.0
"""Seconds between two readings of a nexus from which on it may have been back and gone again. Sessions are read twice
a second, and once a second if there are many; iscsid tries to bring one back 2 s after its loss."""


def nexuses_read(draft: Draft, event: Event) -> None:
    """Take over all nexuses of a transport; a new or vanished one means that disks came or went, too."""
    before = handles(draft)
    take_over(draft, event)
    touch_changed(draft)
    if before != handles(draft):
        _leave_behind(draft)
        # What a scan shows of disks whose nexuses are others now is out of date.
        draft.rest = replace(draft.rest, scan=None)
        draft.refresh(Scope.SYSTEM)
    suspicion.reassess(draft)


def take_over(draft: Draft, event: Event) -> None:
    """Take over the nexuses that the event shows."""
    for row, reading in table.read(event):
        _fold(draft, row, reading)


def touch_changed(draft: Draft) -> None:
    """Have every path judged again whose nexus differs from what it was before the event."""
    before = draft.before.nexuses
    draft.touch_paths_through(*(label for label, nexus in draft.nexuses.items() if before.get(label) != nexus))


def drop_unused(draft: Draft) -> None:
    """A vanished nexus stays only as long as a path that came through it is expected."""
    used = {path.nexus for wwid in draft.maps for path in draft.paths(wwid).values()}
    for label, nexus in tuple(draft.nexuses.items()):
        if not nexus.present and label not in used:
            if nexus.announced_lost:
                draft.emit(NexusAnnounced(label, None))
            del draft.nexuses[label]


def forget_status(draft: Draft) -> None:
    """Whether nexuses carry anything is not known any more."""
    for label, nexus in tuple(draft.nexuses.items()):
        unknown = table.of(nexus.transport).states.parse("unknown")
        draft.nexuses[label] = replace(nexus, status=unknown, liveness=Liveness.UNKNOWN)


def handles(draft: Draft) -> set[object]:
    """Which nexuses are there, by transport and handle."""
    return {(nexus.transport, nexus.facts.handle) for nexus in draft.nexuses.values() if nexus.present}


def _leave_behind(draft: Draft) -> None:
    """A nexus that took another's place has disks of its own: what was known of the old one's counts no more.

    The kernel gives the free names again, perhaps in another order: a path must not be taken for up because a disk of
    the same name, which may be another LUN, is there before sysfs has been read. A path that was out stays missing
    until then; of one whose nexus was never seen to be gone, it is not known.
    """
    known = draft.before.nexuses
    fresh = {
        label
        for label, nexus in draft.nexuses.items()
        if nexus.present and label in known and known[label].facts.handle != nexus.facts.handle
    }
    for wwid, map_ in tuple(draft.maps.items()) if fresh else ():
        for path in map_.paths.values():
            if path.member and path.nexus in fresh:
                draft.set_path(wwid, path.forgotten(member=path.outage is None))


def _fold(draft: Draft, row: TransportRow, reading: Reading) -> None:
    found = {nexus.identity: nexus for nexus in reading.nexuses}
    own = {label: known for label, known in draft.nexuses.items() if known.transport is row.transport}
    held = {label: known.facts.identity for label, known in own.items() if known.present}
    labels = identity.assign(held, ((key, nexus.base) for key, nexus in found.items()), row.name)
    missing = row.states.parse("missing")
    for label, known in own.items():
        if label not in labels:
            draft.nexuses[label] = replace(
                known, status=missing, liveness=Liveness.GONE, lost=None, down_since=None, error=None, read=None
            )
    for label, key in labels.items():
        nexus = found[key]
        before = own.get(label) or restarts.nexus_as_announced(
            draft, NexusState(label, row.transport, nexus, nexus.status, Liveness.UNKNOWN)
        )
        liveness = row.liveness.get(nexus.status, Liveness.UNKNOWN)
        draft.nexuses[label] = _polled(draft, before, nexus, liveness, reading.requested)


def _polled(draft: Draft, before: NexusState, nexus: Nexus, liveness: Liveness, requested: float) -> NexusState:
    """The nexus as it was read; one that is back has nothing more to do with what had taken it."""
    lost, down_since, error = before.lost, before.down_since, before.error
    if liveness.down:
        lost = lost or draft.now
        down_since = draft.now if down_since is None or _may_have_returned(before, requested) else down_since
    elif liveness is not Liveness.UNKNOWN and lost is not None:
        lost = down_since = error = None
    return replace(
        before,
        facts=nexus,
        status=nexus.status,
        liveness=liveness,
        lost=lost,
        down_since=down_since,
        error=error,
        heard=_heard(draft, before, nexus),
        # A full scan reads the nexuses last, long after it was asked for.
        read=max(requested, before.read or 0.0) or None,
        retransmits=_retransmits(before, nexus),
        # The address is another one after a login: it has yet to be seen carrying.
        carried=before.carried and nexus.local.address == before.facts.local.address,
    )


def _may_have_returned(before: NexusState, requested: float) -> bool:
    """Whether a nexus that was down before, and is now, went unread for so long that it may have been back."""
    return before.read is not None and requested - before.read > UNREAD


def _heard(draft: Draft, before: NexusState, nexus: Nexus) -> float | None:
    """The latest proof of life; one that lies ahead of us is none."""
    proofs = (before.heard if before.facts.handle == nexus.handle else None, nexus.heard)
    return max((proof for proof in proofs if proof is not None and proof <= draft.now.monotonic), default=None)


def _retransmits(before: NexusState, nexus: Nexus) -> Tally:
    """The retransmissions of a nexus; a new connection counts from 0, which shows as a step back."""
    tally, now = before.retransmits, nexus.tcp.retransmits if nexus.tcp else None
    if now is not None and tally.raw is not None and now < tally.raw:
        tally = Tally(0, tally.total)
    return tally.follow(now)

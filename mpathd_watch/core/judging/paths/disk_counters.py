"""What the counters of a path's disk show of its outage: who has failed it, and what was counted before."""

from __future__ import annotations

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.layers.row import LayerRow
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.outage import Count, Outage
from mpathd_watch.core.model.vocabulary import NOT_RUNNING, Cause, CheckerState, Standing
from mpathd_watch.core.state import NexusState, PathState
from mpathd_watch.core.verdicts.error_counts import COLLECTED, SETTLED

_NO_REASON = frozenset({CheckerState.READY, CheckerState.GHOST, CheckerState.FAULTY, CheckerState.UNKNOWN})
"""Checker states beside which dm may have failed a path by hand: once it has, multipathd calls it faulty for that."""
_BY_COMMANDS = frozenset({"tur", "directio", "readsector0"})
"""Checkers that find fault only with a command that fails or hangs; others read it in an answer that came back well."""
UNSEEN_LOSS = 60.0
"""Seconds before a failure within which a connection error shows that its session was lost, even if it was not read so.
Reading sysfs may hang for as long."""


def cause_by_counters(path: PathState, nexus: NexusState | None, standing: Standing, *, managed: bool) -> Cause:
    """What the disk's own counters show of an outage that what joins the paths alone has brought about.

    The disk refused commands, and multipathd calls it faulty: the checker. Nothing was refused, nothing is in flight
    that could be: whoever failed the path had no reason in the disk, and asked dm to.
    """
    outage, errors = path.outage, path.disk_errors
    last = errors.counts.last
    if outage is None or outage.failed is None or outage.transport_lost or outage.errors is None or last is None:
        return Cause.UNKNOWN
    if standing is not Standing.FAILED or errors.looked is None or errors.looked < outage.failed.monotonic:
        return Cause.UNKNOWN
    suspect = nexus is not None and nexus.suspicion is not None
    if not errors.closely or suspect or last.timeouts != outage.errors.timeouts:
        return Cause.UNKNOWN
    if last.errors != outage.errors.errors:
        return Cause.CHECKER if path.checker.state is CheckerState.FAULTY else Cause.UNKNOWN
    checker = path.checker
    silent = checker.state is CheckerState.UNKNOWN
    fresh = silent or checker.read is None or checker.read >= outage.failed.monotonic
    on_purpose = errors.in_flight == 0 and checker.state in _NO_REASON and checker.name in _BY_COMMANDS
    # Without its uevent it is not known when dm failed the path. A check that was under way before the path was up may
    # fail it afterwards, for a reason that is over.
    timed = managed and path.dm.changed is not None and path.dm.changed >= outage.failed.monotonic
    timed = timed and outage.failed.monotonic - outage.errors.at >= COLLECTED
    if nexus is not None and nexus.error is not None and outage.failed.since(nexus.error.at) < UNSEEN_LOSS:
        # The kernel has dropped the connection, and the session was back before it was read: multipathd fails a path
        # whose disk is transport-offline without a command (path_offline() in libmultipath/discovery.c).
        return Cause.UNKNOWN
    return Cause.ADMINISTRATOR if on_purpose and fresh and timed and not outage.soon else Cause.UNKNOWN


def is_managed(draft: Draft, layer: LayerRow, outage: Outage | None) -> bool:
    """Whether a check that fails a path in this outage has only just been made, if one does.

    A multipathd that was stopped, or hung, collects the answers of old checks when it goes on, long after the disks
    have counted them. One that does not run fails nothing.
    """
    source = None if layer.manager is None else draft.source(layer.manager)
    if source is None or outage is None or outage.failed is None or source.reason == NOT_RUNNING:
        return True
    return source.up_since is not None and outage.failed.since(source.up_since) >= SETTLED


def counted_before(path: PathState, now: Instant) -> Count | None:
    """What the path's disk had counted before an outage that begins now; ``None`` where that can't be known.

    What it has counted only just now is this outage's, unless the path has been up for no longer than that: then it may
    be of the one before.
    """
    counts = path.disk_errors.counts
    settled = counts.up_to(now.monotonic)
    if settled is not None and counts.last != settled and path.verdict.since.monotonic > settled.at:
        return None
    return settled

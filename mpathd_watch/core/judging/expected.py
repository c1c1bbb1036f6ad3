"""What holds back a verdict on what is expected: a start that is not over, a map that is being removed.

A path that did not come back after a restart is ``missing`` at once. Its outage, and so its alert, begins when the time
to come back is over. A map that was taken away on purpose loses its disks and sessions a moment later: from the
kernel's report of its removal until sysfs has been read again, nothing is concluded from that.
"""

from __future__ import annotations

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import ExpectedPath
from mpathd_watch.core.state import Due, PathState, Wait
from mpathd_watch.immutable import replace

CONFIRMED_WITHIN = 10.0
"""Seconds within which a full scan shows that a map whose removal was reported is gone."""
GRACE = Due(Wait.GRACE)


def may_still_come(draft: Draft, wwid: str, path: PathState) -> bool:
    """Whether the time is not over that a path has to come back after a start, or to join a map made just now."""
    return path.awaited and (GRACE in draft.deadlines or Due(Wait.SETTLE, wwid) in draft.deadlines)


def removal_reported(draft: Draft, wwid: str) -> bool:
    """Whether the kernel has reported the map's removal, and no full scan has confirmed or refuted it yet."""
    return Due(Wait.REMOVED, wwid) in draft.deadlines


def as_expected(path: PathState) -> ExpectedPath:
    """What is kept of a path over restarts."""
    place = path.place
    return ExpectedPath(place.transport, place.nexus, place.target, place.portal, place.iface, path.proven)


def keep_proof(draft: Draft, wwid: str, path: PathState) -> PathState:
    """The path, whose failover has just kept its budget; that is kept over restarts."""
    path = replace(path, proven=draft.now.wall)
    known = draft.rest.expected.get(wwid)
    if known is not None and path.label in known.paths:
        paths = frozen({**known.paths, path.label: replace(known.paths[path.label], proven=path.proven)})
        draft.remember({wwid: replace(known, paths=paths)})
    return path

"""Which sessions are watched closely: those that changed a short time ago."""

from __future__ import annotations

from collections.abc import Callable

from mpathd_watch.core.model.facts import SessionFacts
from mpathd_watch.core.model.vocabulary import DOWN_SESSION

TRAIL = 3.0
"""Seconds for which a session is watched closely after a change: the kernel unblocks its disks, or takes them offline,
from a work queue, after the session's state has changed (session_recovery_timedout())."""
OUTAGE_TRAIL = 130.0
"""The same for a session that went down: until its replacement timeout, 120 s by default, has passed. After that it is
polled as often as the others; it may be down for a week."""


class CloseWatch:
    """The numbers of the sessions that are watched closely, by ``clock``."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[int, float] = {}

    def begin(self, session: SessionFacts) -> None:
        """Start to watch a session closely, because it changed."""
        self._until[session.sid] = self._clock() + (OUTAGE_TRAIL if session.state in DOWN_SESSION else TRAIL)

    def sids(self) -> set[int]:
        """The numbers of the sessions that are watched closely now."""
        now = self._clock()
        self._until = {sid: until for sid, until in self._until.items() if until > now}
        return set(self._until)

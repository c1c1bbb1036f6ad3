"""Which sessions are watched closely: those that have just changed, and those that are down and not for long yet."""

from __future__ import annotations

from collections.abc import Callable

from mpathd_watch.core.model.facts import SessionFacts
from mpathd_watch.core.model.vocabulary import DOWN_SESSION

TRAIL = 3.0
"""Seconds for which a session that has changed is watched closely: the kernel unblocks or gives up its disks from a
work queue of its own, after the session's state has changed (session_recovery_timedout())."""
STORY = 130.0
"""The same for a session that has gone down: until its replacement timeout, 120 s by default, has passed. What happens
to it later is polled as often as everything else; it may be down for a week."""


class CloseWatch:
    """The numbers of the sessions that are watched closely, by ``clock``."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[int, float] = {}

    def begin(self, session: SessionFacts) -> None:
        """Watch a session closely that has just changed."""
        self._until[session.sid] = self._clock() + (STORY if session.state in DOWN_SESSION else TRAIL)

    def sids(self) -> set[int]:
        """The numbers of those that are watched closely now."""
        now = self._clock()
        self._until = {sid: until for sid, until in self._until.items() if until > now}
        return set(self._until)

"""When a session gave a sign of life, of which two readings show that it has given one in between."""

from __future__ import annotations

from collections.abc import Mapping

from mpathd_watch.core.model.facts import TcpFacts

LONG_AGO = 1.25
"""Seconds between two readings from which on the later one is no good measure of what was in between. Busy sessions are
read every second. On a host so busy that a poll came 1.7 s late, a silent session looked that much younger, and with
noop timeouts of 2 and 3 s the warning did not come before the kernel's own verdict (silent_cuts_many in the lab)."""


class SignsOfLife:
    """The moments of the readings, in CLOCK_MONOTONIC seconds.

    At the usual pace the moment of the later reading is good enough. After a read that hung, the session may have been
    silent for most of that time: then only the TCP facts of a request since then show when data came last.
    """

    def __init__(self) -> None:
        self.before_gap: float | None = None
        """The moment of the last reading before a gap, as long as nothing shows what was in it."""
        self._read_at: float | None = None

    def begin(self, now: float) -> None:
        """A reading begins."""
        if self.before_gap is None and self._read_at is not None and now - self._read_at > LONG_AGO:
            self.before_gap = self._read_at

    def moment(self, now: float, sid: int, tcp: Mapping[int, TcpFacts] | None) -> float | None:
        """When session ``sid`` gave its sign of life; ``None`` if only a request for TCP facts can show it.

        ``tcp`` are the facts of a request for this reading, ``None`` if there was none.
        """
        if self.before_gap is None:
            return now
        if tcp is None:
            return None
        facts = tcp.get(sid)
        return now if facts is None or facts.heard is None else min(now, max(self.before_gap, facts.heard))

    def end(self, now: float, *, asked: bool) -> None:
        """The reading has ended; ``asked``: with TCP facts of a request for it."""
        self._read_at = now
        if asked:
            self.before_gap = None

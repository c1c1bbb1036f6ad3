"""Reports to the core whether a source answers, and what it could not read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mpathd_watch.core.events import Event, SourceAnswered, SourceDown, SourceErrors, SourceUp
from mpathd_watch.core.model.vocabulary import SourceName

ANSWER_EVERY = 5.0
"""Seconds without any news after which an answer is reported as an event of its own."""


class Availability:
    """Reports that a source is up or down, once for each change.

    ``up`` is ``None`` until the first report.
    """

    def __init__(self, emit: Callable[[Event], None], source: SourceName) -> None:
        self.up: bool | None = None
        self._emit = emit
        self._source = source
        self._reason = ""

    def report_up(self) -> None:
        """Report that the source answers, unless that was the last report."""
        if not self.up:
            self.up = True
            self._reason = ""
            self._emit(SourceUp(self._source))

    def report_down(self, reason: str, detail: str) -> None:
        """Report that the source does not answer, unless the last report gave the same reason; see ``SourceDown``."""
        self.up = False
        if reason != self._reason:
            self._reason = reason
            self._emit(SourceDown(self._source, reason, detail))

    def report_problems(self, problems: Mapping[str, int]) -> None:
        """Report what the source could not read or understand although it answered, counted by reason."""
        for reason, count in sorted(problems.items()):
            self._emit(SourceErrors(self._source, reason, count))


class Heartbeat:
    """Shows the core that a source still answers: by its news, or by ``SourceAnswered`` if there is none."""

    def __init__(self, emit: Callable[[Event], None], clock: Callable[[], float], source: SourceName) -> None:
        self._emit = emit
        self._clock = clock
        self._source = source
        self._last = float("-inf")

    def report(self, news: Event) -> None:
        """Emit an event of the source."""
        self._last = self._clock()
        self._emit(news)

    def report_unchanged(self) -> None:
        """Report that the source answered without news, unless it reported anything in the last ``ANSWER_EVERY`` s."""
        now = self._clock()
        if now - self._last >= ANSWER_EVERY:
            self._last = now
            self._emit(SourceAnswered(self._source))

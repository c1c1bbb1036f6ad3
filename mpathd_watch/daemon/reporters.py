"""Where the daemon's words go: the journal, and the terminal of whoever runs it by hand."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.sinks.console import ConsoleSink
from mpathd_watch.sinks.journal import JournalSink

JOURNAL_SOCKET = Path("/run/systemd/journal/socket")


class Reporter(Protocol):
    """One place where words go, without making the loop wait."""

    def alert(self, alert: Alert) -> None:
        """Tell an alert."""

    def log(self, priority: Priority, text: str) -> None:
        """Tell something about the daemon itself, in one line. From any thread."""

    def stop(self, deadline: float = 2.0) -> bool:
        """Get out what waits, for at most ``deadline`` seconds."""


class Reporters:
    """All the places at once."""

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self._reporters = tuple(reporters)

    def alert(self, alert: Alert) -> None:
        """Tell an alert everywhere."""
        for reporter in self._reporters:
            reporter.alert(alert)

    def log(self, priority: Priority, text: str) -> None:
        """Tell something about the daemon itself everywhere. From any thread."""
        for reporter in self._reporters:
            reporter.log(priority, text)

    def stop(self) -> None:
        """Get out what waits."""
        for reporter in self._reporters:
            reporter.stop()


@contextmanager
def reporting() -> Iterator[Reporters]:
    """The journal where there is one; and a terminal, or standard error where there is no journal.

    Under systemd standard error goes to the journal, too, so nothing is printed there: each line would stand twice.
    """
    places: list[Reporter] = []
    if JOURNAL_SOCKET.exists():
        places.append(JournalSink())
    if sys.stderr.isatty() or not places:
        places.append(ConsoleSink(sys.stderr, time.time, colour=sys.stderr.isatty()))
    reporters = Reporters(places)
    try:
        yield reporters
    finally:
        reporters.stop()

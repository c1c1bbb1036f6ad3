"""Where the daemon reports: the journal, and the terminal if it is started by hand."""

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
    """One place to report to. No method makes the loop wait, except ``stop``."""

    def alert(self, alert: Alert) -> None:
        """Report an alert."""

    def log(self, priority: Priority, text: str) -> None:
        """Log one line about the daemon itself. May be called from any thread."""

    def stop(self, deadline: float = 2.0) -> bool:
        """Write what is queued, for at most ``deadline`` seconds."""


class Reporters:
    """Reports to several places at once."""

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self._reporters = tuple(reporters)

    def alert(self, alert: Alert) -> None:
        """Report an alert everywhere."""
        for reporter in self._reporters:
            reporter.alert(alert)

    def log(self, priority: Priority, text: str) -> None:
        """Log one line about the daemon itself everywhere. May be called from any thread."""
        for reporter in self._reporters:
            reporter.log(priority, text)

    def stop(self) -> None:
        """Write what is queued."""
        for reporter in self._reporters:
            reporter.stop()


@contextmanager
def reporting() -> Iterator[Reporters]:
    """The journal if there is one, and standard error if it is a terminal or there is no journal.

    Under systemd standard error is sent to the journal as well: each line would be there twice.
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

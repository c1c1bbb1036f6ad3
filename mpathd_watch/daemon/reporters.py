"""Where the daemon reports: the journal, and the terminal if it is started by hand."""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, TextIO, cast

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.sinks.backlog import Outlet
from mpathd_watch.sinks.console import ConsoleSink
from mpathd_watch.sinks.journal import JournalSink
from mpathd_watch.sinks.journald import SOCKET
from mpathd_watch.sinks.standard_error import StandardError


class Reporter(Protocol):
    """One place to report to. No method makes the loop wait, except ``stop``."""

    @property
    def outlet(self) -> Outlet:
        """How many reports have not arrived."""

    def alert(self, alert: Alert) -> None:
        """Report an alert."""

    def log(self, priority: Priority, text: str) -> None:
        """Log one line about the daemon itself. May be called from any thread."""

    def stop(self, deadline: float = 2.0) -> bool:
        """Write what is queued, for at most ``deadline`` seconds. Returns whether all of it was written."""


class Reporters:
    """Reports to several places at once, each by the name of its outlet."""

    def __init__(self, reporters: Mapping[str, Reporter]) -> None:
        self._reporters = dict(reporters)

    def alert(self, alert: Alert) -> None:
        """Report an alert everywhere."""
        for reporter in self._reporters.values():
            reporter.alert(alert)

    def log(self, priority: Priority, text: str) -> None:
        """Log one line about the daemon itself everywhere. May be called from any thread."""
        for reporter in self._reporters.values():
            reporter.log(priority, text)

    def outlets(self) -> dict[str, Outlet]:
        """What each place has not accepted."""
        return {name: reporter.outlet for name, reporter in self._reporters.items()}

    def stop(self) -> None:
        """Write what is queued. What the journal does not accept now is reported on standard error."""
        for name, reporter in self._reporters.items():
            before = reporter.outlet.lost
            if not reporter.stop() and name == "journal":
                lost = reporter.outlet.lost - before
                print(f"mpathd-watch: journald accepted nothing at the end; entries lost: {lost}", file=sys.stderr)


@contextmanager
def reporting() -> Iterator[Reporters]:
    """The journal if there is one, and standard error if it is a terminal or there is no journal.

    Under systemd standard error is sent to the journal as well: each line would be there twice. Inside the block no one
    who writes to standard error waits for its reader.
    """
    with _standard_error() as (stderr, queued):
        places: dict[str, Reporter] = {}
        if SOCKET.exists():
            places["journal"] = JournalSink()
        if stderr.isatty() or not places:
            terminal = stderr.isatty()
            places["console"] = ConsoleSink(stderr, time.time, colour=terminal, complete=not terminal, below=queued)
        reporters = Reporters(places)
        try:
            yield reporters
        finally:
            reporters.stop()


@contextmanager
def _standard_error() -> Iterator[tuple[TextIO, Callable[[], Outlet]]]:
    """Standard error, replaced by one that writes on a thread if it has a descriptor; and what that one queues."""
    try:
        descriptor = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # closed by the parent process, or replaced by a test
        yield sys.stderr or io.StringIO(), lambda: Outlet(0, 0, stalled=False)
        return
    stream = StandardError(descriptor)
    with contextlib.redirect_stderr(cast("TextIO", stream)):
        try:
            yield sys.stderr, lambda: stream.outlet
        finally:
            stream.stop()

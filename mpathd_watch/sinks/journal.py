"""The journal: native entries with fields, sent from a thread of its own so that a hung journald stalls nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.catalog.fields import DAEMON_EVENT, PREFIX
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.text import clean, duration
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.backlog import CAPACITY, Backlog, Outlet, Stall
from mpathd_watch.sinks.journald import SOCKET, Journald, encode

IDENTIFIER: Final = "mpathd-watch"
PATIENCE: Final = 0.25
"""Seconds that one attempt waits for room in journald's queue. Then the thread looks whether the daemon ends."""
LATE: Final = 1.0
"""Seconds of delay from which on an entry says how long it waited: journald stamps it only when it arrives."""
REPORTED: Final = 5.0
"""Seconds of a stall that is reported although nothing was lost."""


@immutable
class Entry:
    """The fields of one entry in the native format, and when it was made, in CLOCK_MONOTONIC seconds."""

    raw: bytes
    made: float


def alert_entry(alert: Alert) -> bytes:
    """The fields of an alert."""
    return _entry(
        ("MESSAGE", clean(alert.message)),
        ("MESSAGE_ID", alert.kind.value.message_id),
        ("PRIORITY", str(int(alert.priority))),
        (f"{PREFIX}EVENT", alert.kind.event),
        *[(PREFIX + name, _shown(value)) for name, value in alert.fields.items()],
    )


def line_entry(priority: Priority, text: str) -> bytes:
    """The fields of a line about the daemon itself."""
    return _entry(("MESSAGE", clean(text)), ("PRIORITY", str(int(priority))), (f"{PREFIX}EVENT", DAEMON_EVENT))


def _entry(*fields: tuple[str, str]) -> bytes:
    return encode([*fields, ("SYSLOG_IDENTIFIER", IDENTIFIER)])


def _shown(value: str) -> str:
    """The value of a field, whole: what can't be printed is escaped, in case that a source has not done so."""
    return value if value.isprintable() else clean(value)


class JournalSink:
    """Sends alerts and lines to the journald that reads ``path``, in order.

    While journald accepts nothing, or there is none, up to ``capacity`` entries wait. Those that find no room are
    dropped and counted; where they are missing, one entry reports how many. When a stall is over, an entry reports how
    long it lasted and how many entries came late.
    """

    def __init__(self, path: Path = SOCKET, capacity: int = CAPACITY) -> None:
        self._journald = Journald(path)
        self._backlog: Backlog[Entry] = Backlog("journal", self._deliver, _loss, capacity, over=_over)

    @property
    def outlet(self) -> Outlet:
        """How many entries journald has not accepted."""
        return self._backlog.outlet

    def alert(self, alert: Alert) -> None:
        """Queue an alert. Returns at once."""
        self._backlog.put(Entry(alert_entry(alert), time.monotonic()))

    def log(self, priority: Priority, text: str) -> None:
        """Queue a line about the daemon itself. Returns at once. May be called from any thread."""
        self._backlog.put(_line(priority, text))

    def stop(self, deadline: float = 2.0) -> bool:
        """Send what is queued, for at most ``deadline`` seconds. Returns whether all of it was sent."""
        sent = self._backlog.stop(deadline)
        if sent:  # otherwise the thread may still use the socket
            self._journald.close()
        return sent

    def _deliver(self, entry: Entry) -> None:
        delay = time.monotonic() - entry.made
        raw = entry.raw
        if delay >= LATE:
            raw += encode([(f"{PREFIX}DELAY_SEC", f"{delay:.1f}")])
        self._journald.send(raw, PATIENCE)


def _line(priority: Priority, text: str) -> Entry:
    return Entry(line_entry(priority, text), time.monotonic())


def _loss(count: int) -> Entry:
    return _line(
        Priority.WARNING,
        f"journald did not accept all entries of mpathd-watch in time; dropped here: {count}",
    )


def _over(stall: Stall) -> Entry | None:
    if stall.seconds < REPORTED and not stall.lost:
        return None
    return _line(
        Priority.WARNING if stall.lost else Priority.NOTICE,
        f"journald accepts entries again. It accepted none for {duration(stall.seconds)}; "
        f"late: {stall.late}, dropped: {stall.lost}",
    )

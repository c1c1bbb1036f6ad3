"""The journal: native entries with fields, sent from a thread of its own so that a hung journald stalls nothing.

systemd's native protocol sends a value that holds a line break with its length, so no text can forge a field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from systemd.journal import sendv

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.text import clean
from mpathd_watch.sinks.backlog import CAPACITY, Backlog

IDENTIFIER: Final = "mpathd-watch"
PREFIX: Final = "MPATHD_WATCH_"
DAEMON_EVENT: Final = "daemon"
"""``MPATHD_WATCH_EVENT`` of the daemon's lines about itself, which have no MESSAGE_ID."""

Entry = tuple[bytes, ...]
"""``FIELD=value`` for every field of one entry."""


def alert_entry(alert: Alert) -> Entry:
    """The fields of an alert."""
    return _entry(
        {
            "MESSAGE": clean(alert.message),
            "MESSAGE_ID": alert.kind.value.message_id,
            "PRIORITY": str(int(alert.priority)),
            f"{PREFIX}EVENT": alert.kind.event,
            **{f"{PREFIX}{name}": value for name, value in alert.fields.items()},
        }
    )


def line_entry(priority: Priority, text: str) -> Entry:
    """The fields of a line about the daemon itself."""
    return _entry({"MESSAGE": clean(text), "PRIORITY": str(int(priority)), f"{PREFIX}EVENT": DAEMON_EVENT})


def _entry(fields: Mapping[str, str]) -> Entry:
    return tuple(_encoded({**fields, "SYSLOG_IDENTIFIER": IDENTIFIER}))


def _encoded(fields: Mapping[str, str]) -> Iterator[bytes]:
    for name, value in fields.items():
        yield name.encode("ascii") + b"=" + value.encode("utf-8", "backslashreplace")


class JournalSink:
    """Sends alerts and lines to journald. What it does not accept in time is dropped, and the number is reported."""

    def __init__(self, send: Callable[..., None] = sendv, capacity: int = CAPACITY) -> None:
        self._send = send
        self._backlog: Backlog[Entry] = Backlog("journal", self._deliver, self._report_loss, capacity)

    @property
    def dropped(self) -> int:
        """How many entries never reached journald."""
        return self._backlog.dropped

    def alert(self, alert: Alert) -> None:
        """Queue an alert. Returns at once."""
        self._backlog.put(alert_entry(alert))

    def log(self, priority: Priority, text: str) -> None:
        """Queue a line about the daemon itself. Returns at once. May be called from any thread."""
        self._backlog.put(line_entry(priority, text))

    def stop(self, deadline: float = 2.0) -> bool:
        """Send what is queued, for at most ``deadline`` seconds. Returns whether all of it was sent."""
        return self._backlog.stop(deadline)

    def _deliver(self, entry: Entry) -> None:
        self._send(*entry)

    def _report_loss(self, count: int) -> None:
        text = f"journald did not accept all entries of mpathd-watch in time; dropped: {count}"
        self._send(*line_entry(Priority.WARNING, text))

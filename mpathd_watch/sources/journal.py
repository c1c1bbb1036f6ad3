"""The journal's entries about one outage, through python-systemd. Used by ``history``; the daemon reads no journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.catalog.fields import PREFIX
from mpathd_watch.immutable import immutable

MOST: Final = 500
"""Entries that are read of one outage; a path that flaps for long has more."""
_EARLIER: Final = 3600.0
"""Seconds before an outage from which on the journal is searched: the wall clock may have been set meanwhile."""


class JournalError(Exception):
    """The journal can't be read. The text is one line with the remedy."""


@immutable
class JournalEntry:
    """One entry: when journald received it (seconds since 1970), its priority in a word, its event and its message."""

    at: float
    priority: str
    event: str
    message: str


def entries_of(outage: str, began: float, directory: str | None = None) -> list[JournalEntry]:
    """The entries with this id of an outage that began at this wall clock second, the oldest first.

    ``directory`` holds the journal's files, if it is not this host's. Raises ``JournalError``.
    """
    try:
        from systemd.journal import Reader  # noqa: PLC0415  # a library that only this function needs
    except ImportError:
        raise JournalError("python3-systemd is not installed, so the journal can't be read") from None
    try:
        with Reader(path=directory) as reader:
            if not reader.get_previous() and not reader.get_next():
                raise JournalError(
                    "there is no journal that this user may read; root and members of the group systemd-journal may"
                )
            reader.add_match(f"{PREFIX}OUTAGE={outage}")
            reader.seek_realtime(max(0.0, began - _EARLIER))
            return [_entry(fields) for fields in islice(reader, MOST)]
    except (OSError, ValueError) as error:
        raise JournalError(f"the journal can't be read: {error}") from None


def _entry(fields: Mapping[str, Any]) -> JournalEntry:
    at, priority = fields.get("__REALTIME_TIMESTAMP"), fields.get("PRIORITY")
    return JournalEntry(
        at.timestamp() if isinstance(at, datetime) else 0.0,
        Priority(priority).name.lower() if isinstance(priority, int) and priority in set(Priority) else "",
        _text(fields.get(f"{PREFIX}EVENT")),
        _text(fields.get("MESSAGE")),
    )


def _text(value: object) -> str:
    """One value as text. An entry may have a field several times, or with bytes that are not UTF-8."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else ""

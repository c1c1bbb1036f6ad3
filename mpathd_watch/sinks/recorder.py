"""Write a recording (``--record``): every event, as the daemon has processed it.

A thread of its own makes the lines, compresses and writes them: neither that work nor a file system that hangs may
stop the loop.
"""

from __future__ import annotations

import contextlib
import errno
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Final

from mpathd_watch.core.events import Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.sinks.backlog import Backlog, Outlet
from mpathd_watch.sinks.deadline import within
from mpathd_watch.sinks.recording_file import RecordingFile

CAPACITY: Final = 64 << 20
"""Bytes of events that may wait for the file system. A whole host with 10,000 paths is one event of about 10 MB."""
EVENT, RECORD = 200, 500
"""Bytes that an event, and each record in it, takes in memory, roughly."""
OPENED_WITHIN: Final = 5.0
"""Seconds that it may take to create the file."""
CLOSED_WITHIN: Final = 2.0
"""Seconds that the rest of the recording may take at the end."""


class RecorderError(Exception):
    """The recording can't be written, or can't continue. The text is one line that says why."""


class _Wish(Enum):
    """What the thread is to do besides adding events."""

    WRITE = "write"
    END = "end"


_Item = tuple[Event, Instant] | _Wish


class Recorder:
    """Writes one recording, in two parts of half of ``most`` bytes each.

    Raises ``RecorderError`` if the file can't be created, also if that takes too long.
    """

    def __init__(self, path: Path, version: str, most: int, capacity: int = CAPACITY) -> None:
        self._path = path
        try:
            self._file = within(OPENED_WITHIN, lambda: RecordingFile(path, version, most // 2))
        except TimeoutError:
            reason = f"it could not be opened within {OPENED_WITHIN:g} s"
            raise RecorderError(f"{path}: the recording can't be written: {reason}") from None
        except OSError as error:
            raise RecorderError(f"{path}: the recording can't be written: {error.strerror}") from error
        self._failure = ""
        self._broken = self._ended = False
        self._backlog: Backlog[_Item] = Backlog(
            "recording", self._deliver, lambda _: _Wish.WRITE, capacity, weigh=_weight
        )

    @property
    def outlet(self) -> Outlet:
        """How many events are not written; after the end of the recording none is counted."""
        return self._backlog.outlet

    def add(self, event: Event, now: Instant) -> None:
        """Add one event. It is written within seconds, or at once at the next ``write``.

        Raises ``RecorderError`` once if the file can't be written. The recording ends there; later calls do nothing.
        """
        if self._ended:
            return
        if not self._failure and not self._backlog.put((event, now)):
            # One event less, and a replay comes to another state: a recording has no gaps.
            self._failure = "the file system accepts the events too slowly, or hangs"
        if self._failure:
            self._ended = True
            if self._broken:
                self.close()
            raise RecorderError(f"{self._path}: the recording ends here: {self._failure}")

    def write(self) -> None:
        """Have all events written as soon as the file system allows: something has happened."""
        if not self._ended and not self._failure:
            self._backlog.put(_Wish.WRITE)

    def close(self) -> None:
        """Write what is queued, for at most ``CLOSED_WITHIN`` seconds, and end the recording."""
        self._ended = True
        if not self._failure:
            self._backlog.put(_Wish.END)
        if self._backlog.stop(CLOSED_WITHIN):
            self._file.abandon()

    def _deliver(self, item: _Item) -> None:
        if self._broken:
            raise OSError(errno.EIO, self._failure)
        try:
            match item:
                case _Wish.WRITE:
                    self._file.write()
                case _Wish.END:
                    self._file.end()
                case event, now:
                    self._file.add(event, now)
        except (OSError, ValueError) as error:
            with contextlib.suppress(OSError):
                self._file.abandon()
            self._broken = True
            self._failure = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise


def _weight(item: _Item) -> int:
    if isinstance(item, _Wish):
        return 0
    event, _now = item
    values = (getattr(event, field.name) for field in fields(event))
    return EVENT + RECORD * sum(len(value) for value in values if isinstance(value, tuple))

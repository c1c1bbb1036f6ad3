"""Write a recording (``--record``): every event, at the moment when the daemon processes it.

The file is written by a thread of its own: a file system that hangs must not stop the loop.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from mpathd_watch.core.events import Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.recording.lines import event_line, header
from mpathd_watch.sinks.backlog import Backlog, Outlet
from mpathd_watch.sinks.deadline import within

CAPACITY: Final = 64 << 20
"""Bytes that may wait for the file system. A whole host with 10,000 paths is one event of about 5 MB."""
OPENED_WITHIN: Final = 5.0
"""Seconds that it may take to create the file."""
CLOSED_WITHIN: Final = 2.0
"""Seconds that the rest of the recording may take at the end."""


class RecorderError(Exception):
    """The recording can't be written, or can't continue. The text is one line that says why."""


class Recorder:
    """Writes one recording. Raises ``RecorderError`` if the file can't be created, also if that takes too long."""

    def __init__(self, path: Path, version: str, capacity: int = CAPACITY) -> None:
        self._path = path
        try:
            self._descriptor = within(OPENED_WITHIN, lambda: _create(path))
        except TimeoutError:
            reason = f"it could not be opened within {OPENED_WITHIN:g} s"
            raise RecorderError(f"{path}: the recording can't be written: {reason}") from None
        except OSError as error:
            raise RecorderError(f"{path}: the recording can't be written: {error.strerror}") from error
        self._failure = ""
        self._broken = self._ended = False
        self._backlog: Backlog[bytes] = Backlog("recording", self._deliver, lambda _: b"", capacity, weigh=len)
        self._put(header(version))

    @property
    def outlet(self) -> Outlet:
        """How many events are not written; after the end of the recording none is counted."""
        return self._backlog.outlet

    def write(self, event: Event, now: Instant) -> None:
        """Add one event. It is written as soon as the file system allows, so that a recording of a crash has it.

        Raises ``RecorderError`` once if the file can't be written. The recording ends there; later calls do nothing.
        """
        if self._ended:
            return
        if not self._failure:
            self._put(event_line(event, now))
        if self._failure:
            self._ended = True
            if self._broken:
                self.close()
            raise RecorderError(f"{self._path}: the recording ends here: {self._failure}")

    def close(self) -> None:
        """Write what is queued, for at most ``CLOSED_WITHIN`` seconds, and end the recording."""
        self._ended = True
        if self._backlog.stop(CLOSED_WITHIN) and self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _put(self, line: str) -> None:
        # UTF-8 has no half of a surrogate pair; it is written as the escape that JSON has for it.
        if not self._backlog.put(line.encode("utf-8", "backslashreplace")):
            # One event less, and a replay comes to another state: a recording has no gaps.
            self._failure = "the file system accepts the events too slowly, or hangs"

    def _deliver(self, line: bytes) -> None:
        if self._broken:
            raise OSError(errno.EIO, self._failure)
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self._broken, self._failure = True, error.strerror or str(error)
            raise


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)

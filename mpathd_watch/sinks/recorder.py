"""Write a recording (``--record``): every event, at the moment when the daemon processes it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TextIO

from mpathd_watch.core.events import Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.recording.lines import event_line, header


class RecorderError(Exception):
    """The recording can't be written, or can't continue. The text is one line that says why."""


class Recorder:
    """Writes one recording. Raises ``RecorderError`` if the file can't be created."""

    def __init__(self, path: Path, version: str) -> None:
        self._path = path
        try:
            # UTF-8 has no half of a surrogate pair; it is written as the escape that JSON has for it.
            self._file: TextIO | None = path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n")
            self._file.write(header(version))
        except OSError as error:
            raise RecorderError(f"{path}: the recording can't be written: {error.strerror}") from error

    def write(self, event: Event, now: Instant) -> None:
        """Add one event, and flush it: the recording of a crash is the one that matters.

        Raises ``RecorderError`` if the file can't be written. The recording ends there, and later calls do nothing.
        """
        if self._file is None:
            return
        try:
            self._file.write(event_line(event, now))
            self._file.flush()
        except OSError as error:
            self.close()
            raise RecorderError(f"{self._path}: the recording ends here: {error.strerror}") from error

    def close(self) -> None:
        """End the recording."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # what could not be flushed was reported by write()
                self._file.close()
            self._file = None

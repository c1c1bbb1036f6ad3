"""The files of a recording: compressed lines, in parts of a limited size.

Each part is one gzip file (RFC 1952). Only whole lines are written, in a way that they can be decompressed without what
follows. So a recording is readable up to the last time it was written, whatever ended the daemon. A part that is full
is renamed to ``NAME.1``, which replaces the one before.
"""

from __future__ import annotations

import contextlib
import os
import stat
import zlib
from pathlib import Path
from typing import Final

from mpathd_watch.core.events import (
    BlockEvent,
    ConnectionFailed,
    DmPathEvent,
    DmPathEvents,
    DmStatusRead,
    Event,
    EventsLost,
    MapsListed,
    PathsListed,
    Remembered,
    SourceAnswered,
    SourceDown,
    SourceErrors,
    SourceUp,
    Tick,
    UnitAttentions,
)
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.memory import Memory
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.recording.lines import Writer, header_line

WRITTEN_EVERY: Final = 10.0
"""Seconds for which events are gathered. Each write costs some 20 bytes, every 5 s an eighth of an idle day's."""
GROWN_BY: Final = 2
"""A part is not full before it is this many times as large as its beginning, whatever the limit is."""

_GZIP: Final = 31
"""``wbits`` of zlib for a gzip file with the largest window."""
_HAPPENINGS: Final = (
    BlockEvent,
    ConnectionFailed,
    DmPathEvent,
    DmPathEvents,
    EventsLost,
    SourceAnswered,
    SourceErrors,
    Tick,
    UnitAttentions,
)
"""Events that show no state: the next part repeats none of them."""
_LISTINGS: Final = (DmStatusRead, MapsListed, PathsListed)
"""Readings about maps that must be known from others. Those of multipathd are reported only when they have changed."""


class RecordingFile:
    """Writes one recording. Not thread-safe, and each method may block. Each raises ``OSError`` if it can't write.

    A file that is there becomes ``NAME.1``. Each part takes ``most`` bytes; what is no regular file has only one part.
    """

    def __init__(self, path: Path, version: str, most: int) -> None:
        self._path = path = path.resolve()
        self._version = version
        self._readings: dict[object, tuple[Event, Instant]] = {}
        # What can't be renamed is overwritten: a file may be writable in a directory that is not.
        with contextlib.suppress(OSError):
            if path.stat().st_size and path.is_file():
                self._set_aside()
        self._number = 1
        self._part = _Part(path, header_line(version))
        self._most = most if self._part.is_regular else None

    def add(self, event: Event, now: Instant) -> None:
        """Add one event. All are written with the first that comes ``WRITTEN_EVERY`` seconds after the last write."""
        if self._most is not None and self._part.is_full(self._most):
            self._begin_next_part(now)
        self._part.add(event, now)
        self._part.write_if_due(now)
        if not isinstance(event, _HAPPENINGS):
            self._remember(event, now)

    def write(self) -> None:
        """Write what has been added."""
        self._part.write()

    def end(self) -> None:
        """Write the rest, and close the file."""
        self._part.end()

    def abandon(self) -> None:
        """Close the file as it is."""
        self._part.abandon()

    def _remember(self, event: Event, now: Instant) -> None:
        """Keep a reading in place of the last one of its kind; they are in the order of their instants."""
        if isinstance(event, Remembered):
            # The outages that went on then may be over by now.
            event = Remembered(Memory(event.memory.expected))
        key = (SourceUp, event.source) if isinstance(event, SourceUp | SourceDown) else type(event)
        self._readings.pop(key, None)
        self._readings[key] = event, now
        if isinstance(event, SourceDown) and event.source is SourceName.MULTIPATHD:
            for kind in _LISTINGS:
                self._readings.pop(kind, None)

    def _begin_next_part(self, now: Instant) -> None:
        """Begin another file with the last reading of each kind, at the instant when it came.

        That is what the core needs: whatever came before, it goes by the last readings. The listings come last, as if
        they had come with the reading before them: what is listed must be known by then.
        """
        self._part.end()
        self._set_aside()
        self._number += 1
        self._part = _Part(self._path, header_line(self._version, self._number, len(self._readings)))
        latest = Instant(float("-inf"), 0.0)
        for event, at in sorted(self._readings.values(), key=lambda reading: isinstance(reading[0], _LISTINGS)):
            latest = max(latest, at)
            self._part.add(event, latest)
        self._part.write(now)
        self._part.begun()

    def _set_aside(self) -> None:
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))


class _Part:
    """One file. Methods and errors are as those of ``RecordingFile``."""

    def __init__(self, path: Path, header: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        self._packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
        self._lines = Writer()
        self._packed = bytearray()
        self._size = self._begun_with = 0
        self._written_at = float("-inf")
        self._waits = False
        self._pack(header)

    @property
    def is_regular(self) -> bool:
        """Whether it is a file that can be renamed and begun again."""
        return stat.S_ISREG(os.fstat(self._descriptor).st_mode)

    def is_full(self, most: int) -> bool:
        """Whether it has ``most`` bytes, and more than what it began with."""
        return self._size >= max(most, GROWN_BY * self._begun_with)

    def begun(self) -> None:
        """What has been written is its beginning."""
        self._begun_with = self._size

    def add(self, event: Event, now: Instant) -> None:
        """Add one event."""
        self._pack(self._lines.line(event, now))

    def write_if_due(self, now: Instant) -> None:
        """Write if the last time is ``WRITTEN_EVERY`` seconds ago."""
        if now.monotonic - self._written_at >= WRITTEN_EVERY:
            self.write(now)

    def write(self, now: Instant | None = None) -> None:
        """Write what has been added. ``now``: the present moment, if it is known."""
        if now is not None:
            self._written_at = now.monotonic
        if self._waits:
            self._packed += self._packer.flush(zlib.Z_SYNC_FLUSH)
            self._send()

    def end(self) -> None:
        """Write the rest, and close the file."""
        self._packed += self._packer.flush()
        self._send()
        self.abandon()

    def abandon(self) -> None:
        """Close the file as it is."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _pack(self, line: str) -> None:
        # UTF-8 has no half of a surrogate pair; it is written as the escape that JSON has for it.
        self._packed += self._packer.compress(line.encode("utf-8", "backslashreplace"))
        self._waits = True

    def _send(self) -> None:
        rest = memoryview(bytes(self._packed))
        self._size += len(rest)
        self._packed.clear()
        self._waits = False
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

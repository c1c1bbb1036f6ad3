"""A recording as a source: its events, in the order and with the instants they had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mpathd_watch.core.events import Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.recording.codec import CodecError
from mpathd_watch.core.recording.lines import NO_RECORDING, check_header, parse_event

MAX_LINE = 64 * 1024 * 1024
"""Bytes of one line: a whole look at 10,000 paths takes some 4 MiB."""


class RecordingError(Exception):
    """One line that names the file, the place in it and what is wrong there."""


def read(path: Path) -> Iterator[tuple[Event, Instant]]:
    """Every event of the recording in ``path``. Raises ``RecordingError`` where it can't go on.

    A recording that was cut in the middle of a line yields all the events before.
    """
    number = 0
    try:
        # Decoded line by line: decoding in blocks would lose whole lines before a byte that is not UTF-8.
        with path.open("rb") as lines:
            number = 1
            check_header(lines.readline(MAX_LINE).decode("utf-8"))
            while line := lines.readline(MAX_LINE):
                number += 1
                yield parse_event(line.decode("utf-8"))
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from error
    except (CodecError, UnicodeDecodeError) as error:
        what = error if isinstance(error, CodecError) else NO_RECORDING if number == 1 else "not UTF-8"
        before = f"; the {number - 2} events before it are whole" if number > 1 else ""
        raise RecordingError(f"{path}: line {number}: {what}{before}") from error

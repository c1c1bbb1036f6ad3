"""A recording as a source: its events in their order, with their instants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mpathd_watch.core.events import Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.recording.codec import CodecError
from mpathd_watch.core.recording.lines import NO_RECORDING, check_header, parse_event

MAX_LINE = 64 * 1024 * 1024
"""Bytes of one line. A full scan of 10,000 paths takes about 4 MiB."""


class RecordingError(Exception):
    """A recording can't be read; one line with the file, the place in it and the reason."""


def read(path: Path) -> Iterator[tuple[Event, Instant]]:
    """Every event of the recording in ``path``. Raises ``RecordingError`` at the first line that can't be read.

    A recording that ends in the middle of a line yields all events before that line.
    """
    number = 0
    try:
        # Decode line by line: decoding in blocks would lose the lines before a byte that is not UTF-8.
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
        count = number - 2
        complete = "1 event before it is" if count == 1 else f"{count} events before it are"
        before = f"; the {complete} complete" if number > 1 else ""
        raise RecordingError(f"{path}: line {number}: {what}{before}") from error

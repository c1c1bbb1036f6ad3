"""The events of a recording in their order, with their instants."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path
from typing import IO, cast

from mpathd_watch.core.events import Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.recording.codec import CodecError
from mpathd_watch.core.recording.lines import NO_RECORDING, Header, parse_header, parser
from mpathd_watch.sources.recording.unpacked import MAGIC, DamagedError, Unpacked

MAX_LINE = 64 * 1024 * 1024
"""Bytes of one line. A full scan of 10,000 paths takes about 4 MiB."""


class RecordingError(Exception):
    """A recording can't be read; one line with the file, the place in it and the reason."""


def read(*paths: Path) -> Iterator[tuple[Event, Instant]]:
    """Every event of the recording whose parts are ``paths``, the oldest first. They may be compressed or not.

    What a part repeats of the one before comes once. Raises ``RecordingError`` at the first line that can't be read,
    and at a part that does not continue the one before. A part that ends in the middle of a line yields all events
    before that line.
    """
    before: Header | None = None
    for path in paths:
        before = yield from _read_part(path, before)


def _read_part(path: Path, before: Header | None) -> Generator[tuple[Event, Instant], None, Header]:
    number = 0
    try:
        # Decode line by line: decoding in blocks would lose the lines before a byte that is not UTF-8.
        with path.open("rb") as file:
            number = 1
            lines = _content(file)
            header = parse_header(lines.readline(MAX_LINE).decode("utf-8"))
            repeated = header.follow(before)
            parse = parser(header)
            for number in count(2):
                line = lines.readline(MAX_LINE)
                if not line:
                    break
                event = parse(line.decode("utf-8"))
                if number - 1 > repeated:
                    yield event
            return header
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from error
    except (CodecError, UnicodeDecodeError, DamagedError) as error:
        events = number - 2
        complete = "1 event before it is" if events == 1 else f"{events} events before it are"
        before_it = f"; the {complete} complete" if number > 1 else ""
        raise RecordingError(f"{path}: line {number}: {_reason(error, number)}{before_it}") from error


def _content(file: io.BufferedReader) -> IO[bytes]:
    return cast("IO[bytes]", io.BufferedReader(Unpacked(file))) if file.peek(2)[:2] == MAGIC else file


def _reason(error: Exception, number: int) -> str:
    if isinstance(error, CodecError):
        return str(error)
    if number == 1:
        return NO_RECORDING
    return "the file is damaged here" if isinstance(error, DamagedError) else "not UTF-8"

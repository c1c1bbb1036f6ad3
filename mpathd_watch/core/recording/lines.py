"""The lines of a recording: a header, then each event with the instant at which it was folded in.

A recording is JSON lines in UTF-8. It holds what the sources observed, and no attribute that could carry a secret is
ever observed. In format 1, each line is whole. In format 2, the only one that is written, the first event of a kind is
whole, and a later one has only what differs from the one before (``changes``); ``at`` is CLOCK_MONOTONIC alone as long
as the wall clock keeps its distance from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mpathd_watch.core.events import Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import clean
from mpathd_watch.core.recording.changes import SAME, changed, changes
from mpathd_watch.core.recording.codec import CodecError, decode_event, encode_event, seconds
from mpathd_watch.immutable import immutable

FORMAT = 2
NO_RECORDING = "not a recording; 'mpathd-watch run --record FILE' makes one"

Parse = Callable[[str], tuple[Event, Instant]]
"""Gives the event in a line and its instant. Raises ``CodecError``."""


@immutable
class Header:
    """The first line. ``part`` counts the files of one recording from 1.

    ``repeated``: how many of the events that follow were in the part before, and begin this one so that it can be read
    without that.
    """

    format: int
    part: int = 1
    repeated: int = 0

    def follow(self, before: Header | None) -> int:
        """How many events of this part have come, if it is read after the part ``before``.

        Raises ``CodecError`` if it does not continue that.
        """
        if before is None:
            return 0
        if self.part != before.part + 1:
            raise CodecError("it does not continue the part before it; replay it on its own")
        return self.repeated


def header_line(version: str, part: int = 1, repeated: int = 0) -> str:
    """The first line of a part of a recording made by this ``version`` of mpathd-watch."""
    which = {"part": part, "repeated": repeated} if part > 1 else {}
    return _line({"recording": "mpathd-watch", "format": FORMAT, "version": version, **which})


def parse_header(line: str) -> Header:
    """What ``line`` says of the recording that it heads. Raises ``CodecError`` unless this version can read that."""
    try:
        record = _object(line)
    except CodecError as error:
        raise CodecError(NO_RECORDING) from error
    if record.get("recording") != "mpathd-watch":
        raise CodecError(NO_RECORDING)
    number = record.get("format")
    if type(number) is not int or not 1 <= number <= FORMAT:
        found = clean(str(number)[:20])
        raise CodecError(f"recordings of format {found} can't be read, only formats 1 to {FORMAT}")
    part, repeated = record.get("part", 1), record.get("repeated", 0)
    if type(part) is not int or type(repeated) is not int:
        raise CodecError("the header's 'part' and 'repeated' are whole numbers")
    return Header(number, part, repeated)


def parser(header: Header) -> Parse:
    """What parses the lines of the recording with this header, in their order."""
    return parse_whole if header.format == 1 else _Reader().parse


class Writer:
    """Makes the lines of one file, in order."""

    def __init__(self) -> None:
        self._before: dict[type, Event] = {}
        self._ahead: int | None = None

    def line(self, event: Event, now: Instant) -> str:
        """The next event as a line."""
        before, self._before[type(event)] = self._before.get(type(event)), event
        if before is None:
            record = encode_event(event)
        else:
            change = changes(before, event)
            record = {"event": type(event).__name__, **({} if change is SAME else change)}
        return _line({"at": self._at(now), **record})

    def _at(self, now: Instant) -> float | list[float]:
        if self._ahead is not None and repr(_wall(now.monotonic, self._ahead)) == repr(now.wall):
            return now.monotonic
        self._ahead = _ahead(now.monotonic, now.wall)
        return [now.monotonic, now.wall]


class _Reader:
    """Parses the lines of one file of format 2, in order."""

    def __init__(self) -> None:
        self._before: dict[str, dict[str, Any]] = {}
        self._ahead: int | None = None

    def parse(self, line: str) -> tuple[Event, Instant]:
        """The event in the next line and its instant. Raises ``CodecError``."""
        record = _object(line)
        now = self._instant(record.pop("at", None))
        name = record.get("event")
        if isinstance(name, str):
            try:
                record = changed(self._before[name], record) if name in self._before else record
            except RecursionError as error:
                raise CodecError("the line is nested too deeply") from error
            self._before[name] = record
        return decode_event(record), now

    def _instant(self, at: object) -> Instant:
        if type(at) in (int, float) and self._ahead is not None:
            monotonic = seconds(at, "at")
            return Instant(monotonic, _wall(monotonic, self._ahead))
        now = _both_clocks(at)
        self._ahead = _ahead(now.monotonic, now.wall)
        return now


def parse_whole(line: str) -> tuple[Event, Instant]:
    """The event in ``line``, which is whole, and its instant. Raises ``CodecError``."""
    record = _object(line)
    now = _both_clocks(record.pop("at", None))
    return decode_event(record), now


def _both_clocks(at: object) -> Instant:
    if not (isinstance(at, list) and len(at) == 2):
        raise CodecError("an event has its two clock readings under 'at'")
    return Instant(seconds(at[0], "at"), seconds(at[1], "at"))


def _ahead(monotonic: float, wall: float) -> int | None:
    """Microseconds by which the wall clock is ahead of CLOCK_MONOTONIC; ``None`` for what is no reading of clocks."""
    return round((wall - monotonic) * 1e6) if abs(monotonic) + abs(wall) < 1e12 else None


def _wall(monotonic: float, ahead: int) -> float:
    """The wall clock that is so many microseconds ahead of ``monotonic``, to the microsecond."""
    return round(monotonic + ahead / 1e6, 6)


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


def _object(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CodecError("the line is not whole JSON") from error
    if not isinstance(record, dict):
        raise CodecError("the line is not a JSON object")
    return record

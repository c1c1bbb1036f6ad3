"""The lines of a recording: a header, then each event with the instant at which it was folded in.

A recording is JSON lines in UTF-8. It holds what the sources observed, and no attribute that could carry a secret is
ever observed.
"""

from __future__ import annotations

import json
from typing import Any

from mpathd_watch.core.events import Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import clean
from mpathd_watch.core.recording.codec import CodecError, decode_event, encode_event, seconds

FORMAT = 1
NO_RECORDING = "not a recording; 'mpathd-watch run --record FILE' makes one"


def header(version: str) -> str:
    """The first line of a recording made by this ``version`` of mpathd-watch."""
    return _line({"recording": "mpathd-watch", "format": FORMAT, "version": version})


def check_header(line: str) -> None:
    """Raise ``CodecError`` unless ``line`` heads a recording that this version can read."""
    try:
        record = _object(line)
    except CodecError as error:
        raise CodecError(NO_RECORDING) from error
    if record.get("recording") != "mpathd-watch":
        raise CodecError(NO_RECORDING)
    if record.get("format") != FORMAT:
        found = clean(str(record.get("format"))[:20])
        raise CodecError(f"recordings of format {found} can't be read, only format {FORMAT}")


def event_line(event: Event, now: Instant) -> str:
    """One event as a line."""
    return _line({"at": [now.monotonic, now.wall], **encode_event(event)})


def parse_event(line: str) -> tuple[Event, Instant]:
    """The event in ``line`` and its instant. Raises ``CodecError``."""
    record = _object(line)
    at = record.pop("at", None)
    if not (isinstance(at, list) and len(at) == 2):
        raise CodecError("an event has its two clock readings under 'at'")
    return decode_event(record), Instant(seconds(at[0], "at"), seconds(at[1], "at"))


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

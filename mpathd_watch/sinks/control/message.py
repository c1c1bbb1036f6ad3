"""What goes over the control socket: one line of JSON each way. This module imports nothing that takes time to load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, NamedTuple

MOST: Final = 8192
"""Bytes of a line; a longer one is refused, unless it is a drill."""
MOST_OF_DRILL: Final = 512 << 10
"""Bytes of a line with the report of a drill: several thousand paths."""


class MessageError(ValueError):
    """The line is not what was agreed upon; the text is one sentence for people."""


class Request(NamedTuple):
    """Forget what is missing of the map (name or WWID): one path, or all if ``path`` is empty."""

    map: str
    path: str = ""


class DrillMade(NamedTuple):
    """Keep the report of a drill that was made (docs/drill.md)."""

    report: Mapping[str, object]


class Reply(NamedTuple):
    """Whether it was done, and what to print of it."""

    done: bool
    text: str


def encode_request(request: Request | DrillMade) -> bytes:
    """The line of a request."""
    asked = {"drill": request.report} if isinstance(request, DrillMade) else {"forget": request._asdict()}
    return json.dumps(asked, separators=(",", ":")).encode() + b"\n"


def decode_request(line: bytes) -> Request | DrillMade:
    """The request in a line. What is in the report of a drill is not looked at. Raises ``MessageError``."""
    found = _object(line)
    report = found.get("drill")
    if found.keys() == {"drill"} and isinstance(report, dict):
        return DrillMade(report)
    if len(line) > MOST:
        raise MessageError("it is too long")
    asked = found.get("forget")
    if found.keys() != {"forget"} or not isinstance(asked, dict) or asked.keys() != {"map", "path"}:
        raise MessageError("it must be {'forget': {'map': ..., 'path': ...}} or {'drill': {...}}")
    name, path = asked["map"], asked["path"]
    if not isinstance(name, str) or not isinstance(path, str) or not name:
        raise MessageError("map and path must be texts, and map not empty")
    return Request(name, path)


def encode_reply(reply: Reply) -> bytes:
    """The line of a reply."""
    return json.dumps(reply._asdict()).encode() + b"\n"


def decode_reply(line: bytes) -> Reply:
    """The reply in a line. Raises ``MessageError``."""
    found = _object(line)
    done, text = found.get("done"), found.get("text")
    if not isinstance(done, bool) or not isinstance(text, str):
        raise MessageError("it has no result")
    return Reply(done, text)


def _object(line: bytes) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise MessageError("it is not JSON") from None
    if not isinstance(found, dict):
        raise MessageError("it is not a JSON object")
    return found

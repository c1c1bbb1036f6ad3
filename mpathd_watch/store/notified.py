"""What mails and hooks have been sent about, over restarts: ``notified-mail.json`` and ``notified-hooks.json``.

A file beside the database, because the thread that sends must not wait for the one that writes the history. A file that
makes no sense is as none: then reminders and all-clears of what was sent before are missing.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mpathd_watch.core.alerting.notices import FOLLOWED, Standing
from mpathd_watch.core.alerting.pairs import Entry
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.recording.codec import seconds
from mpathd_watch.store.files import replace_file

_MOST: Final = 64 << 20
"""Bytes of a file that is read."""


def path(directory: Path, name: str) -> Path:
    """The file in the state directory."""
    return directory / f"notified-{name}.json"


def save(file: Path, standing: Mapping[str, Mapping[str, Standing]]) -> None:
    """Replace the file: what stands by receiver and topic. Raises ``WriteError``."""
    found = {key: {topic: _written(known) for topic, known in each.items()} for key, each in standing.items()}
    replace_file(file, json.dumps(found).encode(), {os.geteuid()})


def load(file: Path) -> dict[str, dict[str, Standing]]:
    """What the file has. Raises ``OSError`` if it can't be read, ``ValueError`` if it is damaged."""
    # Whatever else is there under this name: a link is not followed, and a FIFO is not waited for.
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is not a regular file")
        # Not read(_MOST): that reserves so much memory for the smallest file.
        if status.st_size > _MOST:
            raise ValueError("it is too large")
        text = opened.read()
    try:
        found = json.loads(text)
        return {
            str(key): {str(topic): _read(known) for topic, known in list(each.items())[:FOLLOWED]}
            for key, each in found.items()
        }
    except (AttributeError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"it makes no sense ({type(error).__name__})") from None


def _written(known: Standing) -> dict[str, Any]:
    return {
        "entry": _entry(known.entry),
        "since": known.since.wall,
        "sent": known.sent.wall,
        "made": known.made,
        "delivered": known.delivered,
        "end": None if known.end is None else _entry(known.end),
        "settles": known.settles is not None,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "event": entry.event,
        "priority": int(entry.priority),
        "message": entry.message,
        "fields": dict(entry.fields),
    }


def _read(known: dict[str, Any]) -> Standing:
    """The moments on the wall clock only; ``restored`` gives them their place on the other one."""
    since, sent = (Instant(0.0, seconds(known[name], name)) for name in ("since", "sent"))
    end = None if known["end"] is None else _read_entry(known["end"])
    settles = 0.0 if end is not None and known["settles"] else None
    made, delivered = int(known["made"]), bool(known["delivered"])
    return Standing(_read_entry(known["entry"]), since, sent, made, delivered, end=end, settles=settles)


def _read_entry(found: dict[str, Any]) -> Entry:
    fields = {str(name): str(value) for name, value in found["fields"].items()}
    return Entry(str(found["event"]), Priority(found["priority"]), str(found["message"]), fields)

"""What udev has stored about a disk in its database (``/run/udev/data``; systemd's sd-device/device-private.c).

Any user may read these files. Reading them causes no I/O on the disk: udev queried it once, when it appeared.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from mpathd_watch.core.model.identity import uid_property
from mpathd_watch.core.model.text import clean
from mpathd_watch.sources.reading.attributes import Attributes, Below, GoneError

DATA = "udev/data"
MAX_SIZE = 1 << 16
"""Bytes of a record that are read; a disk's has about 2 KiB."""

_DEV_T = re.compile(r"\d{1,10}:\d{1,10}\Z", re.ASCII)


def records(run: Path) -> Below:
    """The directory of udev's records below /run."""
    return Below(run / DATA, MAX_SIZE)


def uid(attributes: Attributes, data: Below, name: str, dev_t: str) -> str:
    """The WWID of the disk ``name`` (``dev_t``: ``MAJOR:MINOR``) by multipath's default; ``""`` if udev has none.

    ``data`` has the ``records``.
    """
    # Check it: this text from a file becomes part of a file name.
    if not _DEV_T.match(dev_t):
        return ""
    try:
        record = attributes.content(data / f"b{dev_t}")
    except GoneError:
        return ""
    return value_of(record, uid_property(name))


def value_of(record: bytes, key: str) -> str:
    """The value of ``key`` in a database record of lines ``E:KEY=VALUE``; a truncated line does not count."""
    found = _line(key).search(record)
    return clean(found[1]) if found else ""


@cache
def _line(key: str) -> re.Pattern[bytes]:
    return re.compile(rb"^E:%b=(.*)\n" % re.escape(key.encode()), re.MULTILINE)

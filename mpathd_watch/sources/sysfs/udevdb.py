"""What udev has stored about a disk in its database (``/run/udev/data``; systemd's sd-device/device-private.c).

Any user may read these files. Reading them causes no I/O on the disk: udev queried it once, when it appeared.
"""

from __future__ import annotations

import re
from pathlib import Path

from mpathd_watch.core.model.text import clean
from mpathd_watch.sources.reading.attributes import Attributes, GoneError

DATA = "udev/data"
MAX_SIZE = 1 << 16
"""Bytes of a record that are read; a disk's has about 2 KiB."""

_DEV_T = re.compile(r"\d{1,10}:\d{1,10}\Z", re.ASCII)
_SERIAL = re.compile(rb"^E:ID_SERIAL=(.*)\n", re.MULTILINE)


def serial(attributes: Attributes, data: Path, dev_t: str) -> str:
    """ID_SERIAL of the disk ``dev_t`` (``MAJOR:MINOR``), multipath's default ``uid_attribute``; ``""`` without it."""
    # Check it: this text from a file becomes part of a file name.
    if not _DEV_T.match(dev_t):
        return ""
    try:
        return serial_of(attributes.content(data / f"b{dev_t}", MAX_SIZE))
    except GoneError:
        return ""


def serial_of(record: bytes) -> str:
    """ID_SERIAL in a database record of lines ``E:KEY=VALUE``; a truncated line does not count."""
    found = _SERIAL.search(record)
    return clean(found[1]) if found else ""

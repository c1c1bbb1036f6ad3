"""The version of multipath-tools that is installed, by the package database of Debian and its derivatives."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

from mpathd_watch.core.formats.multipath_conf import Version
from mpathd_watch.sources.configuration.reader import open_regular

STATUS = "var/lib/dpkg/status"
MAX_BYTES = 64 << 20
"""Bytes of the database that are read; that of a large desktop installation has about 10 MiB."""
_LONGEST = 1 << 16

_PACKAGE = b"Package: multipath-tools"
_INSTALLED = re.compile(rb"Status: \S+ ok installed", re.ASCII)
_VERSION = re.compile(rb"Version: (?:\d+:)?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?![.\d])", re.ASCII)


def installed_version(root: Path) -> Version | None:
    """The upstream version: ``(0, 9, 4)`` for ``0.9.4-3+deb12u1``; ``None`` if it can't be determined. Never raises."""
    try:
        descriptor = open_regular(root / STATUS)
        if descriptor is None:
            return None
        with os.fdopen(descriptor, "rb") as file:
            return _find(file)
    except OSError:
        return None


def _find(file: BinaryIO) -> Version | None:
    ours, installed, whole = False, False, True
    version: Version | None = None
    left = MAX_BYTES
    while left > 0 and (line := file.readline(_LONGEST)):
        left -= len(line)
        begins, whole = whole, line.endswith(b"\n")
        if not begins:
            continue
        field = line.rstrip(b"\n")
        if not field:
            if ours and installed and version:
                return version
            ours, installed, version = False, False, None
        elif field == _PACKAGE:
            ours = True
        elif ours and _INSTALLED.fullmatch(field):
            installed = True
        elif ours and (match := _VERSION.match(field)):
            version = (int(match[1]), int(match[2]), int(match[3] or 0))
    return version if ours and installed and left > 0 else None

"""The version of multipath-tools that is installed, by the package database of Debian and its derivatives."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mpathd_watch.core.formats.multipath_conf import Version
from mpathd_watch.sources.configuration.reader import open_regular

STATUS = "var/lib/dpkg/status"
MAX_BYTES = 64 << 20
"""Bytes of the database that are read; that of a large desktop installation has about 10 MiB."""
_CHUNK = 1 << 18
_LONGEST = 1 << 16
"""Bytes of a paragraph; that of multipath-tools has about 1 KiB."""

_PACKAGE = b"\nPackage: multipath-tools\n"
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
    for paragraph in _paragraphs(file):
        fields = paragraph.splitlines()
        if any(map(_INSTALLED.fullmatch, fields)) and (match := next(filter(None, map(_VERSION.match, fields)), None)):
            return (int(match[1]), int(match[2]), int(match[3] or 0))
    return None


def _paragraphs(file: BinaryIO) -> Iterator[bytes]:
    """The paragraphs of multipath-tools, from this field on. Of the others no line is looked at: they are thousands."""
    text, left = b"\n", MAX_BYTES
    while left > 0 and len(text) < _LONGEST and (chunk := file.read(min(_CHUNK, left))):
        left -= len(chunk)
        text += chunk
        begin = text.find(_PACKAGE)
        while begin >= 0 and (end := text.find(b"\n\n", begin)) >= 0:
            yield text[begin:end]
            begin = text.find(_PACKAGE, end)
        text = text[begin if begin >= 0 else -len(_PACKAGE) :]
    if left > 0 and text.startswith(_PACKAGE):
        yield text

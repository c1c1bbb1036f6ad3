"""The version of multipath-tools in a list of packages: ``dpkg -l``, or ``rpm -qa`` in any of its forms."""

from __future__ import annotations

import re
from collections import deque

from mpathd_watch.core.formats.multipath_conf import Version

_VERSION = r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?"
_DPKG = re.compile(rf"ii +multipath-tools(?::\S+)? +(?:\d+:)?{_VERSION}(?![.\d])", re.ASCII)
_RPM = re.compile(r"(?:^|\s)(?:device-mapper-multipath|multipath-tools)(?:(?P<dash>-)|\s)", re.ASCII)
_RPM_VERSION = re.compile(rf"{_VERSION}(?=[+~_-])", re.ASCII)
_RPM_COLUMN = re.compile(rf"(?<!\S){_VERSION}(?=[+~_-])", re.ASCII)
_NAME = "multipath"
_LONGEST_LINE = 1024


def multipath_tools(text: str) -> Version | None:
    """The version, e.g. ``(0, 9, 4)``; ``None`` if the list does not show it."""
    for line in text.split("\n"):
        if _NAME in line:
            found = _DPKG.match(line[:_LONGEST_LINE]) or _in_rpm(line[:_LONGEST_LINE])
            if found is not None:
                return int(found[1]), int(found[2]), int(found[3] or 0)
    return None


def _in_rpm(line: str) -> re.Match[str] | None:
    """The version that follows the name, or stands in a column of its own; of several such columns the last one."""
    for name in _RPM.finditer(line):
        if name["dash"]:
            found = _RPM_VERSION.match(line, name.end())
        else:
            found = (
                deque(_RPM_COLUMN.finditer(line, name.end()), 1).pop() if _RPM_COLUMN.search(line, name.end()) else None
            )
        if found is not None:
            return found
    return None

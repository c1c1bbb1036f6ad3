"""The version of multipath-tools in a list of packages: ``dpkg -l``, or ``rpm -qa`` in any of its forms."""

from __future__ import annotations

import re

from mpathd_watch.core.formats.multipath_conf import Version

_VERSION = r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?"
_DPKG = re.compile(rf"ii +multipath-tools(?::\S+)? +(?:\d+:)?{_VERSION}(?![.\d])", re.ASCII)
_RPM = re.compile(
    rf"(?:^|\s)(?:device-mapper-multipath|multipath-tools)(?:-(?=\d)|\s+(?:.*\s)?){_VERSION}(?=[+~_-])", re.ASCII
)
"""The version follows the name, or stands in a column of its own."""
_NAME = "multipath"
_LONGEST_LINE = 1024


def multipath_tools(text: str) -> Version | None:
    """The version, e.g. ``(0, 9, 4)``; ``None`` if the list does not show it."""
    for line in text.split("\n"):
        if _NAME in line:
            found = _DPKG.match(line[:_LONGEST_LINE]) or _RPM.search(line[:_LONGEST_LINE])
            if found is not None:
                return int(found[1]), int(found[2]), int(found[3] or 0)
    return None

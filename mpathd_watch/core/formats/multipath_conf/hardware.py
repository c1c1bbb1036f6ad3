"""The hardware table that multipath-tools has built in, as far as something reads it (libmultipath/hwtable.c).

Where multipathd answers, what it prints of its own table is the better one (``resolver(..., hardware=...)``).
"""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.formats.multipath_conf.hardware_table import ROWS
from mpathd_watch.core.formats.multipath_conf.model import Section, Setting, Version

FILE = ""
"""The file that the entries of this table name."""


def table(version: Version) -> Iterator[Section]:
    """The table as multipath-tools ``version`` has it: device subsections in its own order.

    A version whose table was not looked at has that of the next older one that was.
    """
    for vendor, product, settings, since, until in ROWS:
        if since <= version < until:
            named = {"vendor": vendor, "product": product, **settings}
            yield Section("device", FILE, 0, tuple(Setting(key, value, FILE, 0) for key, value in named.items()))

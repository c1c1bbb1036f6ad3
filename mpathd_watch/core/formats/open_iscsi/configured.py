"""What a session is configured to, and by whom: its record, iscsid.conf or open-iscsi itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mpathd_watch.core.formats.open_iscsi.keys import BUILT_IN, TIMEOUTS
from mpathd_watch.core.formats.open_iscsi.record import Record


@dataclass(frozen=True, slots=True)
class Configured:
    """A value with its origin; ``file`` is empty and ``line`` 0 where it is built in."""

    value: int | str
    file: str = ""
    line: int = 0


def configured(record: Record | None, iscsid_conf: Record | None) -> Mapping[str, Configured]:
    """The timeouts in seconds by their short names, as in ``noop_out_interval``; see ``setting``."""
    return {name: setting(key, record, iscsid_conf) for name, key in TIMEOUTS.items()}


def setting(key: str, record: Record | None, iscsid_conf: Record | None) -> Configured:
    """The value of ``key`` (one that has a built-in default) for a session with this ``record``.

    A record is complete as it was made: what is missing from it is built in, and iscsid.conf no longer counts
    (idbm_rec_read() in usr/idbm.c). Without a record, the value is the one that the next discovery will write.
    """
    source = iscsid_conf if record is None else record
    entry = None if source is None else source.entries.get(key)
    if source is None or entry is None:
        return Configured(BUILT_IN[key])
    return Configured(entry.value, source.file, entry.line)

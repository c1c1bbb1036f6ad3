"""What a session is configured to, and where: in its record, in iscsid.conf, or in open-iscsi itself."""

from __future__ import annotations

from collections.abc import Mapping

from mpathd_watch.core.formats.open_iscsi.keys import BUILT_IN, TIMEOUTS
from mpathd_watch.core.formats.open_iscsi.record import Record
from mpathd_watch.immutable import immutable


@immutable
class Configured:
    """A value with its origin; ``file`` is empty and ``line`` 0 for a built-in value."""

    value: int | str
    file: str = ""
    line: int = 0


def configured(record: Record | None, iscsid_conf: Record | None) -> Mapping[str, Configured]:
    """The timeouts in seconds by their short names, as in ``noop_out_interval``; see ``setting``."""
    return {name: setting(key, record, iscsid_conf) for name, key in TIMEOUTS.items()}


def setting(key: str, record: Record | None, iscsid_conf: Record | None) -> Configured:
    """The value of ``key`` (one that has a built-in default) for a session with this ``record``.

    A record is complete when it is made. For a key that it lacks the built-in value counts, and not iscsid.conf
    (idbm_rec_read() in usr/idbm.c). Without a record, the value is the one that the next discovery writes.
    """
    source = iscsid_conf if record is None else record
    entry = None if source is None else source.entries.get(key)
    if source is None or entry is None:
        return Configured(BUILT_IN[key])
    return Configured(entry.value, source.file, entry.line)

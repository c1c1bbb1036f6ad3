"""What a session's timeouts are configured to, what is in force, and why the two differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import line, whence
from mpathd_watch.core.audit.grouping import Sighting
from mpathd_watch.core.audit_report import Timeout
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.formats.multipath_conf import Effective
from mpathd_watch.core.formats.open_iscsi import Configured, configured, keys
from mpathd_watch.core.model.identity import by_label
from mpathd_watch.core.model.text import listed
from mpathd_watch.core.model.vocabulary import Liveness
from mpathd_watch.core.state import NexusState
from mpathd_watch.immutable import immutable

SHIPPED = 120
"""Seconds of replacement_timeout that open-iscsi ships with, meant for sessions without another path."""

RAISED = 5
"""Seconds that the kernel uses if one of the two ping timeouts is 0 and the other is not (iscsi_conn_start())."""

_PAIR = {"noop_out_interval": "noop_out_timeout", "noop_out_timeout": "noop_out_interval"}
_FastIoFail = Effective[int | str]


@immutable
class _Why:
    """One sentence, and its finding; ``None`` if another finding covers it."""

    text: str
    kind: FindingKind | None


def timeouts(host: Host, session: NexusState) -> tuple[Timeout, ...]:
    """The session's three timeouts."""
    record = host.record(session)
    wanted = None if record is None else configured(record, host.configuration.iscsid)
    found = []
    for name, live in _live(session).items():
        if wanted is None:
            found.append(Timeout(name, None, _seconds(name, live)))
            continue
        why = _why(host, session, name, live, wanted)
        setting = _seconds(name, wanted[name].value)
        found.append(Timeout(name, setting, _seconds(name, live), place(wanted[name]), why.text if why else ""))
    return tuple(found)


def findings(host: Host) -> Iterator[Finding]:
    """Every session by label. One without a record is left out, because the record may have set anything."""
    for session in host.sessions:
        record = host.record(session)
        if record is None:
            continue
        wanted = configured(record, host.configuration.iscsid)
        for name, live in _live(session).items():
            why = _why(host, session, name, live, wanted)
            if why is not None and why.kind is not None:
                yield Sighting(why.kind, session.label, why.text, place(wanted[name]), cause=why.text)
        yield from _not_written(host, session, wanted["replacement_timeout"])


def place(value: Configured) -> str:
    """``FILE:LINE`` of a setting of open-iscsi; empty for a built-in value."""
    return f"{value.file}:{value.line}" if value.file else ""


def who(value: Configured) -> str:
    """Who sets a value of open-iscsi, for people."""
    return place(value) or "open-iscsi's default"


def _live(session: NexusState) -> dict[str, float | None]:
    return {name: session.facts.timeouts[name] for name in keys.TIMEOUTS}


def _seconds(name: str, value: float | str | None) -> float | None:
    """Seconds, ``inf`` for "off": 0 for a ping, and anything below 0 for replacement_timeout (etc/iscsid.conf)."""
    if not isinstance(value, int | float):
        return None
    off = value < 0 if name == "replacement_timeout" else value == 0
    return inf if off else float(value)


def _why(
    host: Host, session: NexusState, name: str, live: float | None, record: Mapping[str, Configured]
) -> _Why | None:
    """Why another value is in force than the record has; ``None`` if they are the same, or one is not known."""
    wanted, other = record[name], record[_PAIR.get(name, name)]
    if live is None or _seconds(name, live) == _seconds(name, wanted.value):
        return None
    if name == "replacement_timeout":
        return _overridden(host, session, live, wanted)
    if wanted.value == 0 and other.value != 0 and live == RAISED:
        text = f"{name} is {live} s, because the kernel accepts 0 only for both ping timeouts, but 0 in its record"
        return _Why(text, FindingKind.ONE_SIDED_ZERO)
    text = f"{name} is {live} s, but was changed to {wanted.value} in its record after the login"
    return _Why(text, FindingKind.TIMEOUT_NOT_IN_FORCE)


def _overridden(host: Host, session: NexusState, live: float, wanted: Configured) -> _Why:
    """What multipathd writes is fast_io_fail_tmo, unless that is off or 0 (sysfs_set_session_tmo() in discovery.c)."""
    shown = "off" if live == inf else f"{live} s"
    record = f"replacement_timeout is {wanted.value} in its record"
    if not wanted.file:
        record = f"replacement_timeout is {wanted.value} ({who(wanted)})"
    written = _written(host, session)
    if not written:
        text = f"recovery_tmo is {shown}, but {record}: one of the two was changed after the login"
        return _Why(text, None)
    fast = next((each for each in written if each.value == live != 0), None)
    if fast is not None:
        text = f"recovery_tmo is {shown}, by multipathd's fast_io_fail_tmo ({whence(fast.origin)}), but {record}"
        meant = FindingKind.REPLACEMENT_TIMEOUT_OVERRIDDEN
        return _Why(text, FindingKind.SHIPPED_TIMEOUT_OVERRIDDEN if wanted.value == SHIPPED else meant)
    others = listed(sorted({f"{each.value} ({whence(each.origin)})" for each in written}))
    text = f"recovery_tmo is {shown}, but fast_io_fail_tmo is {others}, and {record}"
    return _Why(text, None if live == inf else FindingKind.TIMEOUT_NOT_IN_FORCE)


def _not_written(host: Host, session: NexusState, wanted: Configured) -> Iterator[Finding]:
    """The record is in force, although fast_io_fail_tmo is set to another value.

    A session that is FAILED is left out, because the kernel refuses a new value then.
    """
    live = session.facts.timeouts["replacement_timeout"]
    if live is None or live != wanted.value or session.liveness is not Liveness.CARRYING:
        return
    written = _written(host, session)
    explicit = next((each for each in written if line(each.origin) and each.value not in ("off", 0)), None)
    if explicit is not None and all(each.value != live for each in written):
        text = (
            f"recovery_tmo is {live} s, as in its record: multipathd has not written fast_io_fail_tmo, {explicit.value}"
        )
        yield Finding(FindingKind.FAST_IO_FAIL_NOT_IN_FORCE, session.label, text, line(explicit.origin))


def _written(host: Host, session: NexusState) -> list[_FastIoFail]:
    """What multipathd writes for each map that uses the session; it is not known which map it set up last."""
    maps = sorted(host.users.get(session.label, ()), key=by_label)
    return list(dict.fromkeys(host.settings[map_.wwid].fast_io_fail_tmo for map_ in maps))

"""Who won: what a session's timeouts are configured to, what is in force, and why that is something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import line, whence
from mpathd_watch.core.audit_report import Timeout
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.formats.multipath_conf import Effective
from mpathd_watch.core.formats.open_iscsi import Configured, configured, keys
from mpathd_watch.core.model.facts import RECOVERY_OFF
from mpathd_watch.core.model.vocabulary import SessionStatus
from mpathd_watch.core.state import SessionState

SHIPPED = 120
"""Seconds of replacement_timeout that open-iscsi ships with, for sessions that have no other path."""

RAISED = 5
"""Seconds that the kernel sets where one of the ping's two timeouts is 0 and the other not (iscsi_conn_start())."""

_PAIR = {"noop_out_interval": "noop_out_timeout", "noop_out_timeout": "noop_out_interval"}
_FastIoFail = Effective[int | str]


@dataclass(frozen=True, slots=True)
class _Why:
    """One sentence, and the finding that it makes; ``None`` where another finding says enough."""

    text: str
    kind: FindingKind | None


def timeouts(host: Host, session: SessionState) -> tuple[Timeout, ...]:
    """The session's three timeouts."""
    record = host.record(session)
    wanted = None if record is None else configured(record, host.configuration.iscsid)
    told = []
    for name, live in _live(session).items():
        if wanted is None:
            told.append(Timeout(name, None, _seconds(name, live)))
            continue
        why = _why(host, session, name, live, wanted)
        setting = _seconds(name, wanted[name].value)
        told.append(Timeout(name, setting, _seconds(name, live), place(wanted[name]), why.text if why else ""))
    return tuple(told)


def findings(host: Host) -> Iterator[Finding]:
    """Every session by label. Nothing is said without its record: that may have set anything."""
    for session in host.sessions:
        record = host.record(session)
        if record is None:
            continue
        wanted = configured(record, host.configuration.iscsid)
        for name, live in _live(session).items():
            why = _why(host, session, name, live, wanted)
            if why is not None and why.kind is not None:
                yield Finding(why.kind, session.label, why.text, place(wanted[name]))
        yield from _not_written(host, session, wanted["replacement_timeout"])


def place(value: Configured) -> str:
    """``FILE:LINE`` of a setting of open-iscsi; empty if it is built in."""
    return f"{value.file}:{value.line}" if value.file else ""


def who(value: Configured) -> str:
    """Who sets it, for people."""
    return place(value) or "open-iscsi's default"


def _live(session: SessionState) -> dict[str, int | None]:
    facts = session.facts
    return dict(zip(keys.TIMEOUTS, (facts.recv_tmo, facts.ping_tmo, facts.recovery_tmo), strict=True))


def _seconds(name: str, value: int | str | None) -> float | None:
    """Seconds, ``inf`` for "off": 0 for a ping, and anything below 0 for replacement_timeout (etc/iscsid.conf)."""
    if not isinstance(value, int):
        return None
    off = value < 0 if name == "replacement_timeout" else value == 0
    return inf if off else float(value)


def _why(
    host: Host, session: SessionState, name: str, live: int | None, record: Mapping[str, Configured]
) -> _Why | None:
    """Why something else is in force than the record says; ``None`` if it is not, or it can't be told."""
    wanted, other = record[name], record[_PAIR.get(name, name)]
    if live is None or _seconds(name, live) == _seconds(name, wanted.value):
        return None
    if name == "replacement_timeout":
        return _overridden(host, session, live, wanted)
    if wanted.value == 0 and other.value != 0 and live == RAISED:
        told = f"{name} is {live} s, its record says 0: the kernel takes 0 only for both of the ping's timeouts"
        return _Why(told, FindingKind.ONE_SIDED_ZERO)
    told = f"{name} is {live} s, its record says {wanted.value}: the record was changed after the login; log out and in"
    return _Why(told, FindingKind.TIMEOUT_NOT_IN_FORCE)


def _overridden(host: Host, session: SessionState, live: int, wanted: Configured) -> _Why:
    """What multipathd writes is fast_io_fail_tmo, unless that is off or 0 (sysfs_set_session_tmo() in discovery.c)."""
    shown = "off" if live == RECOVERY_OFF else f"{live} s"
    record = f"{keys.REPLACEMENT_TIMEOUT} = {wanted.value} ({who(wanted)})"
    written = _written(host, session)
    if not written:
        told = (
            f"recovery_tmo is {shown}, and no map explains why it is not {record}: the record was changed after the "
            "login, or somebody wrote it; log out and in"
        )
        return _Why(told, None)
    fast = next((each for each in written if each.value == live != 0), None)
    if fast is not None:
        default = f"default {live}" if whence(fast.origin) == "default" else whence(fast.origin)
        told = (
            f"recovery_tmo is {shown}: multipathd wrote its fast_io_fail_tmo ({default}) over {record}; "
            "set fast_io_fail_tmo, for iSCSI alone in overrides/protocol"
        )
        meant = FindingKind.REPLACEMENT_TIMEOUT_OVERRIDDEN
        return _Why(told, FindingKind.SHIPPED_TIMEOUT_OVERRIDDEN if wanted.value == SHIPPED else meant)
    also = " or ".join(sorted({f"{each.value} ({whence(each.origin)})" for each in written}))
    told = (
        f"recovery_tmo is {shown}, which nothing configured explains: {keys.REPLACEMENT_TIMEOUT} is {wanted.value} "
        f"({who(wanted)}), and multipathd's fast_io_fail_tmo {also}"
    )
    return _Why(told, None if live == RECOVERY_OFF else FindingKind.TIMEOUT_NOT_IN_FORCE)


def _not_written(host: Host, session: SessionState, wanted: Configured) -> Iterator[Finding]:
    """The record is in force, though fast_io_fail_tmo is set to something else; the kernel refuses it while FAILED."""
    live = session.facts.recovery_tmo
    if live is None or live != wanted.value or session.status is not SessionStatus.LOGGED_IN:
        return
    written = _written(host, session)
    explicit = next((each for each in written if line(each.origin) and each.value not in ("off", 0)), None)
    if explicit is not None and all(each.value != live for each in written):
        told = (
            f"recovery_tmo is {live} s as its record says, and multipathd has not written fast_io_fail_tmo = "
            f"{explicit.value} over it"
        )
        yield Finding(FindingKind.FAST_IO_FAIL_NOT_IN_FORCE, session.label, told, line(explicit.origin))


def _written(host: Host, session: SessionState) -> list[_FastIoFail]:
    """What multipathd writes for each map that the session serves; which map it set up last is not known."""
    maps = sorted(host.users.get(session.label, ()), key=lambda known: known.label)
    return list(dict.fromkeys(host.settings[known.wwid].fast_io_fail_tmo for known in maps))

"""Sessions with harmful timeouts, records that differ or are not started, and records without a session."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from mpathd_watch.core.audit.context import Host, of_place, of_session
from mpathd_watch.core.audit.timeouts import SHIPPED, place, who
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.formats.open_iscsi import Record, configured, keys, setting
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.text import plural
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import NexusState

TIGHT = 3
"""Seconds below which the answer to a ping is often late just because of load."""


def findings(host: Host) -> Iterator[Finding]:
    """Every session by label, then the records that should have one."""
    sessions = host.sessions
    if sessions and host.configuration.iscsid_running is False:
        text = f"it does not run, but there {'is' if len(sessions) == 1 else 'are'} {plural(len(sessions), 'session')}"
        yield Finding(FindingKind.ISCSID_NOT_RUNNING, "iscsid", text)
    for session in sessions:
        yield from _live(session, multipathed=session.label in host.users)
        record = host.record(session)
        if record is not None:
            yield from _of_record(session, record, host.configuration.iscsid)
    if host.state.source(SourceName.SYSFS).up:
        yield from _without_session(host)


def _live(session: NexusState, *, multipathed: bool) -> Iterator[Finding]:
    label = session.label
    interval, timeout, recovery = (session.facts.timeouts[name] for name in keys.TIMEOUTS)
    if interval == 0 or timeout == 0:
        shown = ["unknown" if seconds is None else str(seconds) for seconds in (interval, timeout)]
        text = f"noop_out_interval is {shown[0]} and noop_out_timeout is {shown[1]}: the kernel sends no pings"
        yield Finding(FindingKind.PINGS_OFF, label, text)
    elif timeout is not None and timeout < TIGHT:
        yield Finding(FindingKind.TIGHT_PINGS, label, f"noop_out_timeout is {timeout} s, less than {TIGHT} s")
    if not multipathed or recovery is None:
        return
    if recovery == inf:
        yield Finding(FindingKind.RECOVERY_OFF, label, "recovery_tmo is off: held I/O never moves to another path")
    elif recovery >= SHIPPED:
        text = f"recovery_tmo is {recovery} s: I/O hangs for that long before it moves to another path"
        yield Finding(FindingKind.LONG_REPLACEMENT_TIMEOUT, label, text)


def _of_record(session: NexusState, record: Record, iscsid: Record | None) -> Iterator[Finding]:
    if iscsid is not None:
        wanted, general = configured(record, iscsid), configured(None, iscsid)
        for name in keys.TIMEOUTS:
            if wanted[name].value != general[name].value:
                text = (
                    f"{name} is {wanted[name].value} in its record, but would be {general[name].value} in a new one, "
                    f"by {who(general[name])}"
                )
                yield Finding(FindingKind.RECORD_DIFFERS, session.label, text, place(wanted[name]))
    startup = setting(keys.STARTUP, record, iscsid)
    if startup.value == "manual":
        text = "node.startup is manual: nothing logs the session in after a reboot"
        yield Finding(FindingKind.MANUAL_STARTUP, session.label, text, place(startup) or record.file)


def _without_session(host: Host) -> Iterator[Finding]:
    present = {of_session(session.facts) for session in host.sessions}
    for node in host.configuration.records:
        at, startup = node.place, setting(keys.STARTUP, node.record, None)
        if startup.value != "manual" and of_place(at) not in present:
            through = "" if at.iface == identity.DEFAULT_IFACE else f"@{at.iface}"
            label = f"{identity.portal(at.address, at.port)}{through}/{at.target}"
            text = f"node.startup is {startup.value}, but there is no session"
            yield Finding(FindingKind.RECORD_WITHOUT_SESSION, label, text, place(startup))

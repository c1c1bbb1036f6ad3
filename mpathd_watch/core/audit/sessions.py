"""Sessions with harmful timeouts, records that differ or are not started, and records without their sessions."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.grouping import Sighting
from mpathd_watch.core.audit.node_records import is_firmware, of_record
from mpathd_watch.core.audit.timeouts import SHIPPED, place, who
from mpathd_watch.core.catalog.findings import Finding, FindingKind, Severity
from mpathd_watch.core.configuration import NodeRecord
from mpathd_watch.core.formats.open_iscsi import Configured, Record, configured, keys, setting
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.text import plural
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import NexusState

TIGHT = 3
"""Seconds below which the answer to a ping is often late just because of load."""


def findings(host: Host) -> Iterator[Finding]:
    """Every session by label, then the records that should have one, or more."""
    managed = [session for session in host.sessions if session.facts.managed]
    if managed and host.configuration.iscsid_running is False:
        text = f"it does not run, but there {'is' if len(managed) == 1 else 'are'} {plural(len(managed), 'session')}"
        yield Finding(FindingKind.ISCSID_NOT_RUNNING, "iscsid", text)
    for session in host.sessions:
        yield from _live(session, multipathed=session.label in host.users)
        record = host.record(session)
        if record is not None:
            yield from _of_record(session, record, host.configuration.iscsid)
    yield from _manual(host)
    if host.state.source(SourceName.SYSFS).up:
        for node in host.records:
            yield from _lacking(host, node)


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
    if iscsid is None:
        return
    wanted, general = configured(record, iscsid), configured(None, iscsid)
    for name in keys.TIMEOUTS:
        if wanted[name].value != general[name].value:
            text = (
                f"{name} is {wanted[name].value} in its record, but would be {general[name].value} in a new one, "
                f"by {who(general[name])}"
            )
            yield Sighting(FindingKind.RECORD_DIFFERS, session.label, text, place(wanted[name]), cause=text)


def _manual(host: Host) -> Iterator[Finding]:
    """Sessions whose records are not started at boot.

    Where none of a target's records is, nor one of the maps', something else than open-iscsi logs in on purpose: an
    orchestrator, or a person. One among others that are started is a path that a reboot takes away.
    """
    manual: list[tuple[NexusState, Record]] = []
    targets = {node.place.target for node in host.records if _startup(node.record).value != "manual"}
    maps: set[str] = set()
    for session in host.sessions:
        record = host.record(session)
        if record is None:
            continue
        if _startup(record).value != "manual":
            maps.update(map_.wwid for map_ in host.users.get(session.label, ()))
        elif not is_firmware(record):
            manual.append((session, record))
    text = "node.startup is manual: open-iscsi does not log the session in after a reboot"
    for session, record in manual:
        used_by = (map_.wwid for map_ in host.users.get(session.label, ()))
        among_started = session.facts.target in targets or not maps.isdisjoint(used_by)
        level = None if among_started else Severity.INFO
        where = place(_startup(record)) or record.file
        yield Sighting(FindingKind.MANUAL_STARTUP, session.label, text, where, level, cause=text)


def _startup(record: Record) -> Configured:
    return setting(keys.STARTUP, record, None)


def _lacking(host: Host, node: NodeRecord) -> Iterator[Finding]:
    """A record that should have a session, or more of them than there are."""
    startup = _startup(node.record)
    wanted = setting(keys.NR_SESSIONS, node.record, None)
    there = len(host.records.matching(node))
    if there == 0 and startup.value != "manual" and host.records.present(node) is False:
        text = f"node.startup is {startup.value}, but there is no session"
        yield Sighting(FindingKind.RECORD_WITHOUT_SESSION, _label(node), text, place(startup), cause=text)
    elif isinstance(wanted.value, int) and 0 < there < wanted.value:
        verb = "is" if there == 1 else "are"
        text = f"{there} of {wanted.value} sessions {verb} there (node.session.nr_sessions is {wanted.value})"
        yield Sighting(FindingKind.TOO_FEW_SESSIONS, _label(node), text, place(wanted), cause=text)


def _label(node: NodeRecord) -> str:
    """The label that the record's first session has, or would have."""
    target, portal, iface = of_record(node)
    through = "" if iface == identity.DEFAULT_IFACE else f"@{iface}"
    return f"{portal}{through}/{target}"

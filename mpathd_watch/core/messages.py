"""The alerts in words: one sentence or two that a tired person understands, and the fields a machine wants.

What to do about it stands in the catalog (``journalctl -x``, ``alerts.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

from mpathd_watch.core.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.events import SourceDown
from mpathd_watch.core.facts import RECOVERY_OFF, DeviceFacts
from mpathd_watch.core.findings import Finding, Severity
from mpathd_watch.core.instant import Instant
from mpathd_watch.core.outage import Outage
from mpathd_watch.core.state import MapState, PathState, SessionState
from mpathd_watch.core.text import duration, plural
from mpathd_watch.core.vocabulary import (
    USABLE,
    Cause,
    DeviceState,
    DmState,
    Health,
    MapHealth,
    SessionStatus,
    SourceName,
)

CAUSES = {
    Cause.NOP_TIMEOUT: "no answer to the initiator's ping",
    Cause.CONNECTION_CLOSED: "the target closed the connection",
    Cause.CONNECTION_ERROR: "connection error",
    Cause.CARRIER_LOST: "the NIC has lost its carrier",
    Cause.LOGOUT: "its session was logged out",
    Cause.DEVICE_OFFLINE: "the SCSI device is offline",
    Cause.CHECKER: "multipathd calls it faulty, though its transport works",
    Cause.ADMINISTRATOR: "an administrator failed it",
    Cause.REMOVED: "it is no longer in the map",
    Cause.UNKNOWN: "unknown",
}

_PATH_KINDS = {
    Health.MISSING: AlertKind.PATH_MISSING,
    Health.FAILED: AlertKind.PATH_FAILED,
    Health.RECOVERING: AlertKind.PATH_RECOVERING,
    Health.STALLED: AlertKind.PATH_STALLED,
    Health.UP: AlertKind.PATH_REINSTATED,
}
_MAP_KINDS = {
    MapHealth.HEALTHY: AlertKind.MAP_RECOVERED,
    MapHealth.DEGRADED: AlertKind.MAP_DEGRADED,
    MapHealth.AT_RISK: AlertKind.MAP_AT_RISK,
    MapHealth.LOST: AlertKind.MAP_LOST,
}


# --- paths ------------------------------------------------------------------------------------------------------------


def path_changed(
    known: MapState,
    before: PathState,
    path: PathState,
    outage: Outage,
    now: Instant,
    *,
    session: SessionState | None,
    multipathd_up: bool,
) -> Alert:
    """The alert for a path that has come into ``path.health``; ``outage`` is the one this belongs to."""
    kind = _PATH_KINDS[path.health]
    match path.health:
        case Health.STALLED:
            told = f"stalled: {_held_by(path, session)}. {_held(session)}"
        case Health.FAILED:
            told = (
                f"failed{_after_stall(outage, now)}: {_failed_by(path, session)}; cause: {_cause_so_far(outage, now)}"
            )
        case Health.MISSING:
            told = f"is missing: {CAUSES[outage.cause]}"
        case Health.RECOVERING:
            told = _recovering(outage, now, multipathd_up=multipathd_up)
        case _:
            told = _back(outage, now)
    if before.outage is None and outage.inherited:
        told += ". It was so when first seen"
    return Alert(
        kind,
        Priority.INFO if outage.shared else kind.value.priority,
        f"{known.label}: path {_name(path)} {told}. {_usable(known)}.",
        {
            **_path_fields(known, path),
            "HEALTH": path.health.value,
            "PREVIOUS_HEALTH": before.health.value,
            **_outage_fields(outage, now),
        },
    )


def path_added(known: MapState, label: str, device: DeviceFacts) -> Alert:
    """The alert for a path that was never there before."""
    return Alert(
        AlertKind.PATH_ADDED,
        Priority.INFO,
        f"{known.label}: new path {label} ({device.name}), expected from now on.",
        {**_map_fields(known), "PATH": label, "DEV": device.name, "HCTL": device.hctl},
    )


def path_removed(known: MapState, path: PathState) -> Alert:
    """The alert for a path whose map was removed."""
    return Alert(
        AlertKind.PATH_REMOVED,
        Priority.INFO,
        f"{known.label}: the map was removed, and with it path {_name(path)}.",
        {**_path_fields(known, path), "PREVIOUS_HEALTH": path.health.value},
    )


def _name(path: PathState) -> str:
    return f"{path.label} ({path.dev})" if path.member else f"{path.label} (was {path.dev})"


def _held_by(path: PathState, session: SessionState | None) -> str:
    """What holds the path's I/O."""
    if session is not None and session.status is SessionStatus.FAILED:
        return "its session is FAILED"
    return f"its device is {path.device}"


def _failed_by(path: PathState, session: SessionState | None) -> str:
    """What speaks against the path; its session and device are polled, and may be a step behind dm's uevent."""
    told = []
    if path.dm is DmState.FAILED:
        told.append("dm has failed it")
    if session is not None and session.status in (SessionStatus.FAILED, SessionStatus.FREE):
        told.append("its session is down")
    if path.device in (DeviceState.OFFLINE, DeviceState.TRANSPORT_OFFLINE, DeviceState.CANCEL, DeviceState.DELETED):
        told.append(f"its device is {path.device}")
    return ", ".join(told) or f"multipathd's checker says {path.checker}"


def _cause_so_far(outage: Outage, now: Instant) -> str:
    """The cause; what is unknown at the outage's first instant may become known with the reads it has set off."""
    return "not known yet" if outage.cause is Cause.UNKNOWN and outage.began == now else CAUSES[outage.cause]


def _held(session: SessionState | None) -> str:
    """How long the kernel holds the I/O; only a FAILED session has its replacement timeout running."""
    tmo = session.facts.recovery_tmo if session and session.status is SessionStatus.FAILED else None
    if tmo is None:
        return "I/O on it is held"
    if tmo == RECOVERY_OFF:
        return "I/O on it is held without end, because recovery_tmo is off"
    return f"I/O on it is held for up to {tmo} s (recovery_tmo), then the path fails"


def _after_stall(outage: Outage, now: Instant) -> str:
    if outage.stalled is None or outage.failed != now:
        return ""
    return f" after {duration(now.since(outage.stalled))} stalled"


def _recovering(outage: Outage, now: Instant, *, multipathd_up: bool) -> str:
    took = "" if outage.inherited else f" after {duration((outage.transport_up or now).since(outage.began))}"
    waits = "waiting for multipathd to reinstate it"
    if not multipathd_up:
        waits = "multipathd does not answer, and without it nothing reinstates the path"
    return f"recovering: its transport is back{took}, {waits}"


def _back(outage: Outage, end: Instant) -> str:
    parts = []
    if outage.stalled is not None:
        ends = (moment.since(outage.stalled) for moment in (outage.failed, outage.transport_up, end) if moment)
        parts.append(f"stalled {duration(min(filter(None, ends), default=0.0))}")
    if outage.failed is None:
        parts.append("never failed")
    if outage.transport_up is not None and outage.transport_up != end:
        parts.append(f"reinstated {duration(end.since(outage.transport_up))} after its transport was back")
    took = "" if outage.inherited else f" after {duration(end.since(outage.began))}"
    phases = f" ({', '.join(parts)})" if parts else ""
    return f"is up again{took}{phases}; cause: {CAUSES[outage.cause]}"


def _usable(known: MapState) -> str:
    unknown = sum(path.health is Health.UNKNOWN for path in known.paths.values())
    return f"{known.usable} of {plural(len(known.paths), 'path')} usable" + (f", {unknown} unknown" if unknown else "")


# --- maps -------------------------------------------------------------------------------------------------------------


def map_changed(known: MapState, previous: MapHealth, now: Instant) -> Alert:
    """The alert for a map that has come into ``known.health``."""
    kind = _MAP_KINDS[known.health]
    expected = len(known.paths)
    match known.health:
        case MapHealth.LOST:
            stalled = any(path.health is Health.STALLED for path in known.paths.values())
            holding = "the kernel still holds I/O for a stalled path, then " if stalled else ""
            paths = f" ({_not_up(known)})" if known.paths else ""
            told = f"no usable path{paths}: {holding}{_without_a_path(known, lost=True)}"
        case MapHealth.AT_RISK:
            last = next(path for path in known.paths.values() if path.health in USABLE)
            others = _not_up(known)
            told = (
                f"{_name(last)} is the only path left of {expected} ({others}); if it fails, "
                if others
                else f"{_name(last)} is its only path; if it fails, "
            ) + _without_a_path(known, lost=False)
        case MapHealth.DEGRADED:
            told = f"degraded, {_usable(known)} ({_not_up(known)})"
        case _:
            took = f" after {duration(now.since(known.troubled))}" if known.troubled else ""
            told = f"healthy again{took}, all {plural(expected, 'path')} up"
    return Alert(
        kind,
        kind.value.priority,
        f"{known.label}: {told}.",
        {**_map_fields(known), "HEALTH": known.health.value, "PREVIOUS_HEALTH": previous.value},
    )


def _not_up(known: MapState) -> str:
    """The paths that are not up, worst first, at most four by name."""
    order = tuple(Health)
    bad = sorted(
        (path for path in known.paths.values() if path.health is not Health.UP),
        key=lambda path: (order.index(path.health), path.label),
    )
    named = [f"{path.label} {path.health}" for path in bad[:4]]
    if len(bad) > len(named):
        named.append(f"{len(bad) - len(named)} more")
    return ", ".join(named)


def _without_a_path(known: MapState, *, lost: bool) -> str:
    if known.queues is None:
        return "I/O fails or hangs, multipathd does not say which"
    if not known.queues:
        return "I/O fails" if lost else "I/O fails at once"
    if known.queueing.endswith("chk"):
        return f"I/O hangs for {known.queueing.removesuffix('chk').strip()} checks of multipathd, then fails"
    if known.queueing.endswith("sec"):
        return f"I/O hangs for {known.queueing.removesuffix('sec').strip()} s more, then fails"
    return "I/O hangs until a path returns"


# --- sessions ---------------------------------------------------------------------------------------------------------


def session_lost(session: SessionState, paths: int, maps: int) -> Alert:
    """The alert for a session that took several paths with it, or none."""
    state = "is gone, logged out" if session.status is SessionStatus.MISSING else f"is down ({session.status})"
    carried = f"{plural(paths, 'path')} of {plural(maps, 'map')}" if paths else "no path of any map"
    kind = AlertKind.SESSION_LOST
    return Alert(
        kind,
        kind.value.priority,
        f"iSCSI session {session.label} {state}: {carried} went through it.",
        _session_fields(session, paths, maps),
    )


def session_restored(session: SessionState, paths: int, maps: int) -> Alert:
    """The alert for the return of a session whose loss was told."""
    kind = AlertKind.SESSION_RESTORED
    carried = f"multipathd now checks its {plural(paths, 'path')}" if paths else "no path of any map goes through it"
    return Alert(
        kind,
        kind.value.priority,
        f"iSCSI session {session.label} is logged in again; {carried}.",
        _session_fields(session, paths, maps),
    )


def _session_fields(session: SessionState, paths: int, maps: int) -> dict[str, str]:
    connection = session.label.partition("/")[0]
    return {
        "SESSION": session.label,
        "TARGET": session.facts.target,
        "PORTAL": connection.partition("@")[0].partition("#")[0],
        "PATHS": str(paths),
        "MAPS": str(maps),
    }


# --- sources ----------------------------------------------------------------------------------------------------------

_SOURCES = {
    SourceName.UEVENT: "the kernel's uevents",
    SourceName.SYSFS: "sysfs",
    SourceName.MULTIPATHD: "multipathd's paths and maps",
    SourceName.CONFIG: "the configuration",
}
_UNKNOWN_WITHOUT = {
    SourceName.UEVENT: "Failures are seen later, when multipathd is asked",
    SourceName.SYSFS: "Device and session states are unknown",
    SourceName.MULTIPATHD: "Checker states and queueing are unknown; failures still arrive from the kernel",
    SourceName.CONFIG: "The settings from before stay in force",
}


def source_down(event: SourceDown) -> Alert:
    """The alert for a source that stopped answering."""
    kind = AlertKind.SOURCE_DOWN
    return Alert(
        kind,
        kind.value.priority,
        f"Can't read {_SOURCES[event.source]}: {event.detail.rstrip('.')}. {_UNKNOWN_WITHOUT[event.source]}.",
        {"SOURCE": event.source.value, "REASON": event.reason},
    )


def source_up(source: SourceName) -> Alert:
    """The alert for a source that answers again."""
    kind = AlertKind.SOURCE_UP
    return Alert(
        kind,
        kind.value.priority,
        f"Can read {_SOURCES[source]} again.",
        {"SOURCE": source.value},
    )


def events_lost(overflows: int) -> Alert:
    """The alert for a uevent socket that overflowed; ``overflows`` counts how often since the start."""
    kind = AlertKind.EVENTS_LOST
    often = "" if overflows == 1 else f" ({overflows} times since the start)"
    return Alert(
        kind,
        kind.value.priority,
        f"The kernel sent uevents faster than they could be read and dropped some{often}; everything is read anew.",
        {},
    )


# --- the audit --------------------------------------------------------------------------------------------------------

_PRIORITIES = {
    Severity.CRITICAL: Priority.ERR,
    Severity.WARNING: Priority.WARNING,
    Severity.INFO: Priority.INFO,
}


def config_finding(finding: Finding) -> Alert:
    """The alert for one finding of the audit."""
    kind = finding.kind.value
    where = f" ({finding.where})" if finding.where and finding.where not in finding.text else ""
    return Alert(
        AlertKind.CONFIG_FINDING,
        _PRIORITIES[kind.severity],
        f"{finding.subject}: {finding.text}{where}. {kind.leads_to}",
        {
            "CODE": finding.kind.code,
            "SEVERITY": kind.severity.name.lower(),
            "SUBJECT": finding.subject,
            "WHERE": finding.where,
        },
    )


def more_findings(findings: Sequence[Finding]) -> Alert:
    """The alert for more findings than fit the journal."""
    severity = max(finding.kind.value.severity for finding in findings)
    return Alert(
        AlertKind.CONFIG_FINDING,
        _PRIORITIES[severity],
        f"There are {plural(len(findings), 'more finding')}: mpathd-watch check lists them all.",
        {"SEVERITY": severity.name.lower()},
    )


# --- fields -----------------------------------------------------------------------------------------------------------


def _map_fields(known: MapState) -> dict[str, str]:
    return {
        "MAP": known.label,
        "WWID": known.wwid,
        "PATHS_USABLE": str(known.usable),
        "PATHS_EXPECTED": str(len(known.paths)),
    }


def _path_fields(known: MapState, path: PathState) -> dict[str, str]:
    fields = {**_map_fields(known), "PATH": path.label, "DEV": path.dev, "HCTL": path.hctl}
    if path.session:
        fields |= {"TARGET": path.target, "PORTAL": path.portal}
    return fields


def _outage_fields(outage: Outage, now: Instant) -> dict[str, str]:
    return {
        "CAUSE": outage.cause.value,
        "OUTAGE": outage.id,
        "ELAPSED_SEC": f"{now.since(outage.began):.3f}",
    }

"""The status document of a view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC
from math import isinf
from typing import cast

from mpathd_watch import __version__
from mpathd_watch.core.audit_report import Timeout
from mpathd_watch.core.catalog.findings import Severity
from mpathd_watch.core.model.budget import Budget
from mpathd_watch.core.model.facts import TcpFacts
from mpathd_watch.core.model.identity import by_label
from mpathd_watch.core.model.incident import Incident
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.vocabulary import SourceName, Transport, Word
from mpathd_watch.core.state import MapState, NexusState, PathState, SourceState, State
from mpathd_watch.sinks.dates import date
from mpathd_watch.sinks.status.document import (
    VERSION,
    BudgetEntry,
    Document,
    FindingsEntry,
    IncidentEntry,
    MapEntry,
    OutageEntry,
    PathEntry,
    SessionEntry,
    SourceEntry,
    TcpEntry,
    TimeoutsEntry,
)
from mpathd_watch.sinks.view import View

_UNKNOWN = "unknown"


def document(view: View) -> Document:
    """The status of the view: maps, paths and sessions in the order of their labels."""
    state, now = view.state, view.now
    return {
        "version": VERSION,
        "generated": _moment(now),
        "daemon": {"name": "mpathd-watch", "version": __version__, "started": state.started},
        "sources": [_source(name, state.source(name), now) for name in sorted(SourceName) if name in state.sources],
        "findings": _findings(state),
        "incidents": [_incident(incident, now) for incident in state.incidents.values()],
        "maps": [_map(map_, state, now) for map_ in sorted(state.maps.values(), key=by_label)],
        "sessions": [
            _session(session, state.auditing.report.timeouts.get(session.label, ()))
            for session in sorted(state.nexuses_of(Transport.ISCSI), key=by_label)
        ],
    }


def _moment(instant: Instant) -> str:
    return _date(instant.wall)


def _date(wall: float) -> str:
    return date(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _on_the_wall(moment: Instant, now: Instant) -> Instant:
    """The moment by the wall clock as it is set now."""
    return now.later(moment.monotonic - now.monotonic)


def _moment_or_none(instant: Instant | None) -> str | None:
    return None if instant is None else _moment(instant)


def _seconds(now: Instant, earlier: Instant) -> float:
    return round(now.since(earlier), 3)


def _text(raw: str) -> str | None:
    return clean(raw) or None


def _word(word: Word) -> str | None:
    return None if word.value == _UNKNOWN else word.value


def _source(name: SourceName, source: SourceState, now: Instant) -> SourceEntry:
    return {
        "source": name.value,
        "up": source.up,
        "reason": _text(source.reason),
        "detail": _text(source.detail),
        "last_success": _moment_or_none(source.last_success),
        "seconds": None if source.last_success is None else _seconds(now, source.last_success),
        "errors": {clean(reason): count for reason, count in sorted(source.errors.items())},
    }


def _map(map_: MapState, state: State, now: Instant) -> MapEntry:
    return {
        "map": clean(map_.label),
        "wwid": clean(map_.wwid),
        "sysfs_name": _text(map_.sysfs_name),
        "exists": map_.exists,
        "vendor": _text(map_.vendor),
        "product": _text(map_.product),
        "health": map_.health.value,
        "since": _moment(map_.since),
        "seconds": _seconds(now, map_.since),
        "usable": map_.usable,
        "expected": map_.expected,
        "present": map_.present,
        "optimized": map_.optimized,
        "queues": map_.queues,
        "queueing": _text(map_.queueing.text),
        "suspended": map_.suspended,
        "paths": [_path(path, state, now) for path in sorted(map_.paths.values(), key=by_label)],
    }


def _path(path: PathState, state: State, now: Instant) -> PathEntry:
    deadline = path.verdict.deadline
    nexus = state.nexuses.get(path.nexus)
    access = path.disk.access
    return {
        "path": clean(path.label),
        "health": path.health.value,
        "since": _moment(path.verdict.since),
        "seconds": _seconds(now, path.verdict.since),
        "present": path.member,
        "dev": _text(path.place.dev),
        "hctl": _text(path.place.hctl),
        "transport": None if path.place.transport is Transport.UNKNOWN else path.place.transport.value,
        "session": _text(path.nexus),
        "target": _text(path.place.target),
        "portal": _text(path.place.portal),
        "iface": _text(path.place.iface),
        "handler": _text(access.handler),
        "port_group": access.group,
        "preferred": access.preferred,
        "states": {
            "dm": _word(path.dm.state),
            "checker": _word(path.checker.state),
            "device": _word(path.disk.state),
            "session": None if nexus is None else _word(nexus.status),
            "access": None if access.state is None else _word(access.state),
        },
        "deadline": None if deadline is None else _moment(_on_the_wall(deadline, now)),
        "seconds_left": None
        if path.verdict.deadline is None
        else round(path.verdict.deadline.monotonic - now.monotonic, 3),
        "overdue": path.verdict.overdue,
        "flapping": path.flaps.flapping,
        "slow": path.slowness.slow,
        "marginal": path.checker.marginal,
        "outage": None if path.outage is None else _outage(path.outage, path.incident, now),
        "failures": {cause.value: count for cause, count in sorted(path.failures.items())},
        "reinstatements": path.reinstatements,
        "last_proven": None if path.proven is None else _date(path.proven),
    }


def _incident(incident: Incident, now: Instant) -> IncidentEntry:
    return {
        "id": incident.id,
        "began": _moment(incident.began),
        "seconds": _seconds(now, incident.began),
        "what": _text(incident.what),
        "causes": sorted(cause.value for cause in incident.causes),
        "worst": None if incident.worst is None else incident.worst.value,
        "paths": incident.took,
        "out": incident.out,
        "maps": len(incident.maps),
    }


def _outage(outage: Outage, incident: str, now: Instant) -> OutageEntry:
    live = outage.timeouts
    return {
        "id": outage.id,
        "incident": incident or None,
        "cause": outage.cause.value,
        "began": _moment(outage.began),
        "seconds": _seconds(now, outage.began),
        "inherited": outage.inherited,
        "last_alive": _moment_or_none(outage.last_alive),
        "suspected": _moment_or_none(outage.suspected),
        "stalled": _moment_or_none(outage.stalled),
        "failed": _moment_or_none(outage.failed),
        "transport_up": _moment_or_none(outage.transport_up),
        "timeouts": None if live is None else _timeouts(live),
    }


def _session(session: NexusState, timeouts: tuple[Timeout, ...]) -> SessionEntry:
    facts = session.facts
    present = session.present
    return {
        "session": clean(session.label),
        "sid": facts.handle if present and isinstance(facts.handle, int) else None,
        "state": _word(session.status),
        "target": _text(facts.target),
        "portal": clean(facts.portal),
        "iface": _text(facts.iface),
        "initiator": _text(facts.initiator),
        "netdev": _text(facts.local.netdev),
        "silence": None if session.silence is None or not present else round(session.silence, 3),
        "suspicion": None if session.suspicion is None else session.suspicion.value,
        "tcp": _tcp(facts.tcp) if present else None,
        "timeouts": _timeouts(facts.timeouts) if present else None,
        "configured": _configured(timeouts),
        "reasons": {timeout.name: clean(timeout.why) for timeout in timeouts if timeout.why},
        "budget": _budget(facts.budget) if present else None,
    }


def _tcp(tcp: TcpFacts | None) -> TcpEntry | None:
    return None if tcp is None else {"rtt": tcp.rtt, "retransmits": tcp.retransmits, "backoff": tcp.backoff}


def _configured(timeouts: tuple[Timeout, ...]) -> TimeoutsEntry | None:
    found = {timeout.name: timeout.configured for timeout in timeouts if timeout.configured is not None}
    return _timeouts(found) if found else None


def _budget(promised: Budget | None) -> BudgetEntry | None:
    return None if promised is None else cast("BudgetEntry", promised.finite())


def _findings(state: State) -> FindingsEntry | None:
    if state.auditing.at is None:
        return None
    found = Counter(finding.severity for finding in state.auditing.report.findings)
    return {"critical": found[Severity.CRITICAL], "warning": found[Severity.WARNING], "info": found[Severity.INFO]}


def _timeouts(live: Mapping[str, float | None]) -> TimeoutsEntry:
    replacement = live.get("replacement_timeout")
    return {
        "noop_out_interval": live.get("noop_out_interval"),
        "noop_out_timeout": live.get("noop_out_timeout"),
        "replacement_timeout": "off" if replacement is not None and isinf(replacement) else replacement,
    }

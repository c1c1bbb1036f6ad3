"""The status document, version 1: JSON-ready and stable. docs/status-json.md describes every key.

What is not known is ``None``. Moments are RFC 3339 in UTC; the ``seconds`` beside a moment are the time since then.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC
from math import isinf
from typing import Final, Literal, TypedDict, cast

from mpathd_watch import __version__
from mpathd_watch.core.audit_report import Timeout
from mpathd_watch.core.catalog.findings import Severity
from mpathd_watch.core.model.budget import Budget
from mpathd_watch.core.model.facts import TcpFacts
from mpathd_watch.core.model.identity import by_label
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.vocabulary import SourceName, Transport, Word
from mpathd_watch.core.state import MapState, NexusState, PathState, SourceState, State
from mpathd_watch.core.verdicts.outage import Outage
from mpathd_watch.sinks.dates import date
from mpathd_watch.sinks.view import View

VERSION: Final = 1
_UNKNOWN = "unknown"


class StatusError(ValueError):
    """The text is no status document of a version known here; the message is one line for people."""


class DaemonEntry(TypedDict):
    """The daemon; ``started``: it has read the host completely once, so an empty list means that there is nothing."""

    name: str
    version: str
    started: bool


class SourceEntry(TypedDict):
    """One source; ``up`` is null until it has answered or failed once. ``detail`` names the reason and the remedy."""

    source: str
    up: bool | None
    reason: str | None
    detail: str | None
    last_success: str | None
    seconds: float | None
    errors: dict[str, int]


class StatesEntry(TypedDict):
    """The raw states, in the words of the kernel and of multipathd. ``access`` is the array's, as the kernel has it."""

    dm: str | None
    checker: str | None
    device: str | None
    session: str | None
    access: str | None


class TimeoutsEntry(TypedDict):
    """Live timeouts in seconds, in open-iscsi's words; 0 turns a ping off, "off" the replacement timeout."""

    noop_out_interval: float | None
    noop_out_timeout: float | None
    replacement_timeout: float | Literal["off"] | None


class BudgetEntry(TypedDict):
    """Seconds from the break of a link at best and at worst, by the live timeouts; null where nothing bounds them."""

    detection_best: float | None
    detection_worst: float | None
    failover_best: float | None
    failover_worst: float | None


class FindingsEntry(TypedDict):
    """The number of findings of the daemon's audit; ``mpathd-watch check`` lists them."""

    critical: int
    warning: int
    info: int


class OutageEntry(TypedDict):
    """The open outage of a path; the moments that it has not reached are null.

    ``inherited``: it existed when the path was first seen, so it began earlier than ``began``.
    """

    id: str
    cause: str
    began: str
    seconds: float
    inherited: bool
    last_alive: str | None
    suspected: str | None
    stalled: str | None
    failed: str | None
    transport_up: str | None
    timeouts: TimeoutsEntry | None


class TcpEntry(TypedDict):
    """A session's TCP connection (``TcpFacts``): round trip in seconds, retransmitted segments, timer doublings."""

    rtt: float | None
    retransmits: int | None
    backoff: int | None


class PathEntry(TypedDict):
    """One expected path of a map.

    ``handler``, ``port_group`` and ``preferred``: see ``AccessFacts``. ``deadline``: when its current phase must be
    over; ``overdue``: the phase should be over. ``marginal`` is reported by multipathd.
    """

    path: str
    health: str
    since: str
    seconds: float
    present: bool
    dev: str | None
    hctl: str | None
    transport: str | None
    session: str | None
    target: str | None
    portal: str | None
    iface: str | None
    handler: str | None
    port_group: int | None
    preferred: bool | None
    states: StatesEntry
    deadline: str | None
    seconds_left: float | None
    overdue: bool
    flapping: bool
    slow: bool
    marginal: bool | None
    outage: OutageEntry | None
    failures: dict[str, int]
    reinstatements: int


class MapEntry(TypedDict):
    """One multipath map.

    ``optimized``: how many paths are active/optimized. ``queues``: whether I/O hangs once no path is usable.
    """

    map: str
    wwid: str
    sysfs_name: str | None
    vendor: str | None
    product: str | None
    health: str
    since: str
    seconds: float
    usable: int
    expected: int
    present: int
    optimized: int | None
    queues: bool | None
    queueing: str | None
    suspended: bool | None
    paths: list[PathEntry]


class SessionEntry(TypedDict):
    """One iSCSI session; ``sid`` is the kernel's current number of it.

    ``timeouts`` are in force, ``configured`` are those of its node record, ``reasons`` has by timeout why these differ.
    ``silence``: how many seconds the target had been silent when the session was last read. ``suspicion``: why its
    paths are suspect.
    """

    session: str
    sid: int | None
    state: str | None
    target: str | None
    portal: str
    iface: str | None
    initiator: str | None
    netdev: str | None
    silence: float | None
    suspicion: str | None
    tcp: TcpEntry | None
    timeouts: TimeoutsEntry | None
    configured: TimeoutsEntry | None
    reasons: dict[str, str]
    budget: BudgetEntry | None


class Document(TypedDict):
    """The whole document."""

    version: Literal[1]
    generated: str
    daemon: DaemonEntry
    sources: list[SourceEntry]
    findings: FindingsEntry | None
    maps: list[MapEntry]
    sessions: list[SessionEntry]


def document(view: View) -> Document:
    """The status of the view: maps, paths and sessions in the order of their labels."""
    state, now = view.state, view.now
    return {
        "version": VERSION,
        "generated": _moment(now),
        "daemon": {"name": "mpathd-watch", "version": __version__, "started": state.started},
        "sources": [_source(name, state.source(name), now) for name in sorted(SourceName) if name in state.sources],
        "findings": _findings(state),
        "maps": [_map(map_, state, now) for map_ in sorted(state.maps.values(), key=by_label)],
        "sessions": [
            _session(session, state.auditing.report.timeouts.get(session.label, ()))
            for session in sorted(state.nexuses_of(Transport.ISCSI), key=by_label)
        ],
    }


def parse(text: str | bytes) -> Document:
    """The document that a daemon wrote as JSON. Raises ``StatusError`` for anything else."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise StatusError(f"the daemon's status is not JSON: {error}") from error
    version = found.get("version") if isinstance(found, dict) else None
    if version != VERSION:
        raise StatusError(f"the daemon's status has version {version!r}, this program reads version {VERSION}")
    return cast("Document", found)


def _moment(instant: Instant) -> str:
    return date(instant.wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
        "vendor": _text(map_.vendor),
        "product": _text(map_.product),
        "health": map_.health.value,
        "since": _moment(map_.since),
        "seconds": _seconds(now, map_.since),
        "usable": map_.usable,
        "expected": len(map_.paths),
        "present": map_.present,
        "optimized": map_.optimized,
        "queues": map_.queues,
        "queueing": _text(map_.queueing),
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
        "outage": None if path.outage is None else _outage(path.outage, now),
        "failures": {cause.value: count for cause, count in sorted(path.failures.items())},
        "reinstatements": path.reinstatements,
    }


def _outage(outage: Outage, now: Instant) -> OutageEntry:
    live = outage.timeouts
    return {
        "id": outage.id,
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

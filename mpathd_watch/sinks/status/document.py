"""The status document, version 1: JSON-ready and stable. docs/status-json.md describes every key.

What is not known is ``None``. Moments are RFC 3339 in UTC; the ``seconds`` beside one tell how long ago it was.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from math import isinf
from typing import Final, Literal, TypedDict, cast

from mpathd_watch import __version__
from mpathd_watch.core.audit_report import Timeout
from mpathd_watch.core.catalog.findings import Severity
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.facts import RECOVERY_OFF, TcpFacts
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.vocabulary import SessionStatus, SourceName, Transport, Word
from mpathd_watch.core.state import MapState, PathState, SessionState, SourceState, State
from mpathd_watch.core.verdicts.budget import Budget, budget
from mpathd_watch.core.verdicts.outage import Outage
from mpathd_watch.sinks.view import View

VERSION: Final = 1
_UNKNOWN = "unknown"


class StatusError(ValueError):
    """What was read is no status document of a version known here; the text is one line for people."""


class DaemonEntry(TypedDict):
    """Who speaks; ``started``: the first whole look has been taken, so an empty list means there is nothing."""

    name: str
    version: str
    started: bool


class SourceEntry(TypedDict):
    """One source; ``up`` is null until it has answered or failed once. ``detail`` names reason and remedy."""

    source: str
    up: bool | None
    reason: str | None
    detail: str | None
    last_success: str | None
    seconds: float | None
    errors: dict[str, int]


class StatesEntry(TypedDict):
    """The raw states, in the words of the kernel and of multipathd."""

    dm: str | None
    checker: str | None
    device: str | None
    session: str | None


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
    """How many things the daemon's audit has found; ``mpathd-watch check`` lists them."""

    critical: int
    warning: int
    info: int


class OutageEntry(TypedDict):
    """The open outage of a path; the moments it has not come to are null.

    ``inherited``: it was there when the path was first seen, so it began earlier than ``began``.
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
    """A session's TCP connection: round trip in seconds, segments sent again, doublings of its timer (``TcpFacts``)."""

    rtt: float | None
    retransmits: int | None
    backoff: int | None


class PathEntry(TypedDict):
    """One expected path of a map; ``deadline``: when its present phase must be over, ``overdue``: it should be.

    ``marginal`` is multipathd's word.
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
    """One multipath map; ``queues``: whether I/O waits once no path is usable."""

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
    queues: bool | None
    queueing: str | None
    suspended: bool | None
    paths: list[PathEntry]


class SessionEntry(TypedDict):
    """One iSCSI session; ``sid`` is the kernel's present number of it.

    ``timeouts`` are in force, ``configured`` what its node record says, ``reasons`` why these differ, by timeout.
    ``silence``: for how many seconds nothing had been heard of it when it was last read. ``doubt``: why its paths are
    suspect.
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
    doubt: str | None
    tcp: TcpEntry | None
    timeouts: TimeoutsEntry | None
    configured: TimeoutsEntry | None
    reasons: dict[str, str]
    budget: BudgetEntry | None


class Document(TypedDict):
    """The whole."""

    version: Literal[1]
    generated: str
    daemon: DaemonEntry
    sources: list[SourceEntry]
    findings: FindingsEntry | None
    maps: list[MapEntry]
    sessions: list[SessionEntry]


def document(view: View) -> Document:
    """The status as it is now: maps, paths and sessions in the order of their labels."""
    state, now = view.state, view.now
    return {
        "version": VERSION,
        "generated": _moment(now),
        "daemon": {"name": "mpathd-watch", "version": __version__, "started": state.started},
        "sources": [_source(name, state.source(name), now) for name in sorted(SourceName) if name in state.sources],
        "findings": _findings(state),
        "maps": [_map(known, state, now) for known in sorted(state.maps.values(), key=identity.by_label)],
        "sessions": [
            _session(session, state.auditing.report.timeouts.get(session.label, ()))
            for session in sorted(state.sessions.values(), key=identity.by_label)
        ],
    }


def parse(text: str | bytes) -> Document:
    """The document that a daemon wrote as JSON; ``StatusError`` if it is none."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise StatusError(f"the daemon's status is not JSON: {error}") from error
    version = found.get("version") if isinstance(found, dict) else None
    if version != VERSION:
        raise StatusError(f"the daemon's status has version {version!r}, this program reads version {VERSION}")
    return cast("Document", found)


def _moment(instant: Instant) -> str:
    return datetime.fromtimestamp(instant.wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _on_the_wall(moment: Instant, now: Instant) -> Instant:
    """The moment on the wall clock as it goes now: someone may have set it since."""
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


def _map(known: MapState, state: State, now: Instant) -> MapEntry:
    return {
        "map": clean(known.label),
        "wwid": clean(known.wwid),
        "sysfs_name": _text(known.sysfs_name),
        "vendor": _text(known.vendor),
        "product": _text(known.product),
        "health": known.health.value,
        "since": _moment(known.since),
        "seconds": _seconds(now, known.since),
        "usable": known.usable,
        "expected": len(known.paths),
        "present": known.present,
        "queues": known.queues,
        "queueing": _text(known.queueing),
        "suspended": known.suspended,
        "paths": [_path(path, state, now) for path in sorted(known.paths.values(), key=identity.by_label)],
    }


def _path(path: PathState, state: State, now: Instant) -> PathEntry:
    session = state.sessions.get(path.session)
    return {
        "path": clean(path.label),
        "health": path.health.value,
        "since": _moment(path.since),
        "seconds": _seconds(now, path.since),
        "present": path.member,
        "dev": _text(path.dev),
        "hctl": _text(path.hctl),
        "transport": None if path.transport is Transport.UNKNOWN else path.transport.value,
        "session": _text(path.session),
        "target": _text(path.target),
        "portal": _text(path.portal),
        "iface": _text(path.iface),
        "states": {
            "dm": _word(path.dm),
            "checker": _word(path.checker),
            "device": _word(path.device),
            "session": None if session is None else _word(session.status),
        },
        "deadline": None if path.deadline is None else _moment(_on_the_wall(path.deadline, now)),
        "seconds_left": None if path.deadline is None else round(path.deadline.monotonic - now.monotonic, 3),
        "overdue": path.overdue,
        "flapping": path.flaps.flapping,
        "slow": path.quality.slow,
        "marginal": path.marginal,
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
        "timeouts": None if live is None else _timeouts(live.recv_tmo, live.ping_tmo, live.recovery_tmo),
    }


def _session(session: SessionState, told: tuple[Timeout, ...]) -> SessionEntry:
    facts = session.facts
    present = session.status is not SessionStatus.MISSING
    return {
        "session": clean(session.label),
        "sid": facts.sid if present else None,
        "state": _word(session.status),
        "target": _text(facts.target),
        "portal": clean(identity.portal(facts.address, facts.port)),
        "iface": _text(facts.iface),
        "initiator": _text(facts.initiator),
        "netdev": _text(facts.netdev),
        "silence": None if session.silence is None or not present else round(session.silence, 3),
        "doubt": None if session.doubt is None else session.doubt.value,
        "tcp": _tcp(facts.tcp) if present else None,
        "timeouts": _timeouts(facts.recv_tmo, facts.ping_tmo, facts.recovery_tmo) if present else None,
        "configured": _configured(told),
        "reasons": {timeout.name: clean(timeout.why) for timeout in told if timeout.why},
        "budget": _budget(budget(facts)) if present else None,
    }


def _tcp(tcp: TcpFacts | None) -> TcpEntry | None:
    return None if tcp is None else {"rtt": tcp.rtt, "retransmits": tcp.retransmits, "backoff": tcp.backoff}


def _configured(told: tuple[Timeout, ...]) -> TimeoutsEntry | None:
    found = {timeout.name: timeout.configured for timeout in told if timeout.configured is not None}
    if not found:
        return None
    replacement = found.get("replacement_timeout")
    return {
        "noop_out_interval": found.get("noop_out_interval"),
        "noop_out_timeout": found.get("noop_out_timeout"),
        "replacement_timeout": "off" if replacement is not None and isinf(replacement) else replacement,
    }


def _budget(promised: Budget | None) -> BudgetEntry | None:
    return None if promised is None else cast("BudgetEntry", promised.finite())


def _findings(state: State) -> FindingsEntry | None:
    if state.auditing.at is None:
        return None
    found = Counter(finding.kind.value.severity for finding in state.auditing.report.findings)
    return {"critical": found[Severity.CRITICAL], "warning": found[Severity.WARNING], "info": found[Severity.INFO]}


def _timeouts(recv_tmo: int | None, ping_tmo: int | None, recovery_tmo: int | None) -> TimeoutsEntry:
    return {
        "noop_out_interval": recv_tmo,
        "noop_out_timeout": ping_tmo,
        "replacement_timeout": "off" if recovery_tmo == RECOVERY_OFF else recovery_tmo,
    }

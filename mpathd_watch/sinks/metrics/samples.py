"""The samples of one view: which series each family has, and their values.

Samples are made one at a time while prometheus_client writes them out: ten thousand paths have almost half a million,
which must not all exist at once.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf
from operator import attrgetter
from typing import TypeVar

from prometheus_client.samples import Sample

from mpathd_watch import __version__
from mpathd_watch.core.audit_report import AuditReport
from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.histogram import Histogram
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.vocabulary import Cause, IscsiError, Phase, SessionStatus, SourceName, Verdict, Word
from mpathd_watch.core.state import MapState, NexusState, PathState, SourceState, State
from mpathd_watch.sinks.metrics.families import Family
from mpathd_watch.sinks.view import View

Thing = TypeVar("Thing")
Labelled = TypeVar("Labelled", MapState, PathState, NexusState)
Labels = dict[str, str]
Series = Iterable[tuple[Labels, float]]
Reader = Callable[[Labels, Thing], Series]
"""The series that one thing, under its own labels, adds to a family."""

_GONE = frozenset({SessionStatus.MISSING, SessionStatus.UNKNOWN})
_COMMON_ERRORS = frozenset({IscsiError.NOP_TIMEDOUT, IscsiError.TCP_CONN_CLOSE})
"""Exported from the start, lest a rate miss the first; most of the others no host ever sees."""
_BY_LABEL: Callable[[MapState | PathState | NexusState], str] = attrgetter("label")


def families(view: View) -> Iterator[tuple[Family, Iterator[Sample]]]:
    """Every family with its samples, both in a settled order."""
    state = view.state
    report = state.auditing.report
    sources = [({"source": name.value}, state.source(name)) for name in sorted(SourceName)]
    maps = [({"map": label}, known) for label, known in _labelled(state.maps.values())]
    paths = [
        ({**labels, "path": label}, path) for labels, known in maps for label, path in _labelled(known.paths.values())
    ]
    sessions = [({"session": label}, session) for label, session in _labelled(state.nexuses.values())]
    series: dict[Family, Iterator[tuple[Labels, float]]] = {
        **_read(_DAEMON, [({}, state)]),
        **_read(_SOURCE, sources),
        **_read(_MAP, maps),
        **_read(_PATH, paths),
        **_read(_SESSION, sessions),
        Family.PATH_DEADLINE_TIMESTAMP_SECONDS: _each(_deadline(view.now), paths),
        Family.SESSION_TIMEOUT_SECONDS: _each(_timeouts(report), sessions),
    }
    for family in Family:
        if family is Family.OUTAGE_PHASE_SECONDS:
            yield family, _phases(family.metric, state)
        else:
            yield family, _samples(family.metric, series[family])


def _samples(metric: str, series: Series) -> Iterator[Sample]:
    for labels, value in series:
        yield Sample(metric, labels, value)


def _phases(metric: str, state: State) -> Iterator[Sample]:
    """A histogram's series, for every phase."""
    for phase in Phase:
        histogram = state.counters.phases.get(phase, Histogram())
        labels = {"phase": phase.value}
        for edge, count in histogram.buckets():
            yield Sample(f"{metric}_bucket", {**labels, "le": "+Inf" if edge == inf else str(edge)}, count)
        yield Sample(f"{metric}_sum", labels, histogram.sum)
        yield Sample(f"{metric}_count", labels, histogram.count)


def _read(
    readers: Mapping[Family, Reader[Thing]], things: list[tuple[Labels, Thing]]
) -> dict[Family, Iterator[tuple[Labels, float]]]:
    return {family: _each(reader, things) for family, reader in readers.items()}


def _each(reader: Reader[Thing], things: list[tuple[Labels, Thing]]) -> Iterator[tuple[Labels, float]]:
    for labels, thing in things:
        yield from reader(labels, thing)


def _labelled(items: Iterable[Labelled]) -> Iterator[tuple[str, Labelled]]:
    """The items in the order of their labels, each label printable and met once only.

    The core's labels are both already. Prometheus drops the whole scrape for one series that comes twice, so this is
    made sure of here, where it would happen.
    """
    met: set[str] = set()
    for item in sorted(items, key=_BY_LABEL):
        base = clean(item.label)
        label, number = base, 1
        while label in met:
            number += 1
            label = identity.numbered(base, number)
        met.add(label)
        yield label, item


# --- readers of one kind or another -----------------------------------------------------------------------------------


def _number(read: Callable[[Thing], float | None]) -> Reader[Thing]:
    """One series, absent where ``read`` knows no value."""

    def series(labels: Labels, thing: Thing) -> Series:
        value = read(thing)
        return () if value is None else ((labels, value),)

    return series


def _info(read: Callable[[Thing], Labels]) -> Reader[Thing]:
    """One series of value 1 with further labels, made printable."""

    def series(labels: Labels, thing: Thing) -> Series:
        return (({**labels, **{key: clean(text) for key, text in read(thing).items()}}, 1.0),)

    return series


def _states(family: Family, read: Callable[[Thing], Word]) -> Reader[Thing]:
    """One series per word of the family's vocabulary."""
    words = tuple(family.value.words or ())

    def series(labels: Labels, thing: Thing) -> Series:
        holds = read(thing)
        for word in words:
            yield {**labels, "state": word.value}, 1.0 if word is holds else 0.0

    return series


def _counts(key: str, read: Callable[[Thing], Mapping[str, int]]) -> Reader[Thing]:
    """One series per entry of a mapping, under the label ``key``."""

    def series(labels: Labels, thing: Thing) -> Series:
        merged: dict[str, int] = {}
        for text, count in read(thing).items():
            merged[clean(text)] = merged.get(clean(text), 0) + count
        for text in sorted(merged):
            yield {**labels, key: text}, merged[text]

    return series


def _failures(labels: Labels, path: PathState) -> Series:
    for cause in Cause:
        yield {**labels, "cause": cause.value}, path.failures.get(cause, 0)


def _ios(labels: Labels, path: PathState) -> Series:
    if path.disk.io is not None:
        yield {**labels, "operation": "read"}, path.disk.io.reads
        yield {**labels, "operation": "write"}, path.disk.io.writes


def _io_seconds(labels: Labels, path: PathState) -> Series:
    if path.disk.io is not None:
        yield {**labels, "operation": "read"}, path.disk.io.read_ms / 1000
        yield {**labels, "operation": "write"}, path.disk.io.write_ms / 1000


def _silence(session: NexusState) -> float | None:
    return None if session.status in _GONE else session.silence


def _verdicts(labels: Labels, state: State) -> Series:
    for verdict in Verdict:
        yield {**labels, "verdict": verdict.value}, state.counters.verdicts.get(verdict, 0)


def _findings(_: Labels, state: State) -> Series:
    if state.auditing.at is None:
        return
    found = Counter(finding.kind for finding in state.auditing.report.findings)
    for kind in FindingKind:
        yield {"severity": kind.value.severity.name.lower(), "code": kind.code}, found[kind]


def _deadline(now: Instant) -> Reader[PathState]:
    """Counted from ``now``, so that a step of the wall clock does not move what is left."""

    def series(labels: Labels, path: PathState) -> Series:
        if path.verdict.deadline is not None:
            yield labels, round(now.wall + path.verdict.deadline.monotonic - now.monotonic, 3)

    return series


def _timeouts(report: AuditReport) -> Reader[NexusState]:
    """What is in force, and what is configured where that is known."""

    def series(labels: Labels, session: NexusState) -> Series:
        if session.status in _GONE:
            return
        for timeout, seconds in session.facts.timeouts.items():
            if seconds is not None:
                yield {**labels, "timeout": timeout, "origin": "effective"}, seconds
        for configured in report.timeouts.get(session.label, ()):
            if configured.configured is not None:
                yield {**labels, "timeout": configured.name, "origin": "configured"}, configured.configured

    return series


def _failover_budget(session: NexusState) -> float | None:
    promised = None if session.status in _GONE else session.facts.budget
    return None if promised is None else promised.failover_worst


def _connection_errors(labels: Labels, session: NexusState) -> Series:
    for error in sorted(_COMMON_ERRORS | session.errors.keys()):
        yield {**labels, "error": error.value}, session.errors.get(error, 0)


def _session_info(session: NexusState) -> Labels:
    facts = session.facts
    return {
        "target": facts.target,
        "portal": facts.portal,
        "iface": facts.iface,
        "initiator": facts.initiator,
    }


# --- which reader fills which family ----------------------------------------------------------------------------------

_DAEMON: Mapping[Family, Reader[State]] = {
    Family.BUILD_INFO: _info(lambda _: {"version": __version__, "python": platform.python_version()}),
    Family.UEVENTS_TOTAL: _counts("action", lambda state: state.counters.uevents),
    Family.UEVENT_OVERFLOWS_TOTAL: _number(lambda state: state.counters.overflows),
    Family.RESYNCS_TOTAL: _counts("reason", lambda state: state.counters.resyncs),
    Family.OUTAGES_TOTAL: _verdicts,
    Family.CONFIG_FINDINGS: _findings,
}

_SOURCE: Mapping[Family, Reader[SourceState]] = {
    Family.SOURCE_UP: _number(lambda source: source.up),
    Family.SOURCE_LAST_SUCCESS_TIMESTAMP_SECONDS: _number(
        lambda source: source.last_success.wall if source.last_success else None
    ),
    Family.SOURCE_ERRORS_TOTAL: _counts("reason", lambda source: source.errors),
}

_MAP: Mapping[Family, Reader[MapState]] = {
    Family.MAP_INFO: _info(
        lambda known: {
            "wwid": known.wwid,
            "sysfs_name": known.sysfs_name,
            "vendor": known.vendor,
            "product": known.product,
        }
    ),
    Family.MAP_HEALTH: _states(Family.MAP_HEALTH, lambda known: known.health),
    Family.MAP_PATHS: _number(lambda known: known.present),
    Family.MAP_PATHS_USABLE: _number(lambda known: known.usable),
    Family.MAP_PATHS_EXPECTED: _number(lambda known: len(known.paths)),
    Family.MAP_QUEUEING: _number(lambda known: known.queues),
    Family.MAP_SUSPENDED: _number(lambda known: known.suspended),
}

_PATH: Mapping[Family, Reader[PathState]] = {
    Family.PATH_INFO: _info(
        lambda path: {
            "dev": path.place.dev,
            "hctl": path.place.hctl,
            "transport": path.place.transport.value,
            "target": path.place.target,
            "portal": path.place.portal,
            "iface": path.place.iface,
        }
    ),
    Family.PATH_HEALTH: _states(Family.PATH_HEALTH, lambda path: path.health),
    Family.PATH_DM_STATE: _states(Family.PATH_DM_STATE, lambda path: path.dm.state),
    Family.PATH_CHECKER_STATE: _states(Family.PATH_CHECKER_STATE, lambda path: path.checker.state),
    Family.PATH_DEVICE_STATE: _states(Family.PATH_DEVICE_STATE, lambda path: path.disk.state),
    Family.PATH_HEALTH_SINCE_TIMESTAMP_SECONDS: _number(lambda path: path.verdict.since.wall),
    Family.PATH_FAILURES_TOTAL: _failures,
    Family.PATH_REINSTATEMENTS_TOTAL: _number(lambda path: path.reinstatements),
    Family.PATH_FLAPPING: _number(lambda path: path.flaps.flapping),
    Family.PATH_SLOW: _number(lambda path: path.slowness.slow),
    Family.PATH_MARGINAL: _number(lambda path: path.checker.marginal),
    Family.PATH_MULTIPATHD_FAILURES_TOTAL: _number(lambda path: path.checker.failures),
    Family.PATH_IOS_TOTAL: _ios,
    Family.PATH_IO_SECONDS_TOTAL: _io_seconds,
    Family.PATH_OVERDUE: _number(lambda path: path.verdict.overdue),
    Family.PATH_IO_ERRORS_TOTAL: _number(lambda path: path.disk_errors.errors.total),
    Family.PATH_IO_TIMEOUTS_TOTAL: _number(lambda path: path.disk_errors.timeouts.total),
}

_SESSION: Mapping[Family, Reader[NexusState]] = {
    Family.SESSION_INFO: _info(_session_info),
    Family.SESSION_STATE: _states(Family.SESSION_STATE, lambda session: session.status),
    Family.SESSION_FAILOVER_BUDGET_SECONDS: _number(_failover_budget),
    Family.SESSION_SILENCE_SECONDS: _number(_silence),
    Family.SESSION_TCP_RTT_SECONDS: _number(lambda session: session.facts.tcp.rtt if session.facts.tcp else None),
    Family.SESSION_TCP_BACKOFF: _number(lambda session: session.facts.tcp.backoff if session.facts.tcp else None),
    Family.SESSION_TCP_RETRANSMITS_TOTAL: _number(lambda session: session.retransmits.total),
    Family.SESSION_CONNECTION_ERRORS_TOTAL: _connection_errors,
}

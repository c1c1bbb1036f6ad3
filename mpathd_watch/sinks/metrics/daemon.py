"""The metrics about the daemon itself: its version, its sources, and what it has counted since its start."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from mpathd_watch import __version__
from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.histogram import Histogram
from mpathd_watch.core.model.vocabulary import NO_MODULE, Phase, SourceName
from mpathd_watch.core.state import SourceState, State
from mpathd_watch.sinks.backlog import Outlet
from mpathd_watch.sinks.hooks.outcome import Result
from mpathd_watch.sinks.metrics.labels import (
    ACTION,
    CODE,
    HOOK,
    HOOK_RESULT,
    LEVEL,
    MAIL_RESULT,
    OUTLET,
    PHASE,
    PYTHON,
    RESYNC_REASON,
    SOURCE,
    SOURCE_REASON,
    VERDICT,
    VERSION,
)
from mpathd_watch.sinks.metrics.row import (
    Block,
    Example,
    Kind,
    Labels,
    Row,
    Value,
    by_word,
    counter,
    counts,
    gauge,
    info,
)
from mpathd_watch.sinks.view import View


def _state(view: View) -> Iterable[tuple[Labels, State]]:
    return (({}, view.state),)


def _sources(view: View) -> Iterable[tuple[Labels, SourceState]]:
    return (({SOURCE.name: name.value}, view.state.source(name)) for name in sorted(SourceName))


def _outlets(view: View) -> Iterable[tuple[Labels, Outlet]]:
    return (({OUTLET.name: name}, outlet) for name, outlet in sorted(view.outlets.items()))


def _mails(view: View) -> Iterable[tuple[Labels, Mapping[Result, int]]]:
    """All mails, if there are receivers."""
    return (({}, view.deliveries.mail),) if view.deliveries.mail else ()


def _hooks(view: View) -> Iterable[tuple[Labels, Mapping[Result, int]]]:
    hooks: dict[str, dict[Result, int]] = {}
    for (hook, result), count in view.deliveries.hooks.items():
        hooks.setdefault(hook, {})[result] = count
    return (({HOOK.name: hook}, results) for hook, results in sorted(hooks.items()))


def _phases(state: State, _: View) -> Iterable[Value]:
    for phase in Phase:
        yield {PHASE.name: phase.value}, state.counters.phases.get(phase, Histogram())


def _findings(state: State, _: View) -> Iterable[Value]:
    if state.auditing.at is None:
        return
    found = Counter((finding.kind, finding.severity) for finding in state.auditing.report.findings)
    usual = ((kind, kind.value.severity) for kind in FindingKind)
    for kind, severity in dict.fromkeys((*usual, *found)):
        yield {LEVEL.name: severity.name.lower(), CODE.name: kind.code}, found[kind, severity]


BUILD: Final[Block[State]] = Block(
    "Build",
    (),
    _state,
    (
        info(
            "build_info",
            "Always 1. The versions of mpathd-watch and of Python.",
            {VERSION: lambda _: __version__, PYTHON: lambda _: platform.python_version()},
            Example("How many hosts run which version?", "count by (version) (mpathd_watch_build_info)"),
        ),
    ),
)

SOURCES: Final[Block[SourceState]] = Block(
    "Sources",
    (SOURCE,),
    _sources,
    (
        gauge(
            "source_up",
            "1 while the source answers, 0 while it does not.",
            lambda source: None if source.reason == NO_MODULE else source.up,
            Example("Which sources do not answer?", "mpathd_watch_source_up == 0"),
            absent="before its first answer or failure, and for iscsi on a host without the kernel's iSCSI module",
        ),
        gauge(
            "source_last_success_timestamp_seconds",
            "When the source last answered, in Unix time.",
            lambda source: source.last_success.wall if source.last_success else None,
            Example(
                "Has multipathd been silent for more than a minute?",
                'time() - mpathd_watch_source_last_success_timestamp_seconds{source="multipathd"} > 60',
            ),
            absent="before its first answer",
        ),
        counts(
            "source_errors_total",
            "How often the source stopped answering, or returned something that mpathd-watch could not read or "
            "interpret, by reason.",
            SOURCE_REASON,
            lambda source: source.errors,
            Example(
                "What went wrong within the last hour?",
                "increase(mpathd_watch_source_errors_total[1h]) > 0",
            ),
        ),
    ),
)

OUTLETS: Final[Block[Outlet]] = Block(
    "Outlets",
    (OUTLET,),
    _outlets,
    (
        gauge(
            "outlet_waiting",
            "How many items wait because the receiver does not read: the journal is incomplete until it does.",
            lambda outlet: outlet.waiting,
            Example(
                "Has journald read nothing for a minute?",
                'min_over_time(mpathd_watch_outlet_waiting{outlet="journal"}[1m]) > 0',
            ),
        ),
        counter(
            "outlet_lost_total",
            "How many items the receiver did not accept in time: they will never arrive.",
            lambda outlet: outlet.lost,
            Example(
                "Did the journal miss entries today?",
                'increase(mpathd_watch_outlet_lost_total{outlet="journal"}[1d]) > 0',
            ),
        ),
    ),
)

MAILS: Final[Block[Mapping[Result, int]]] = Block(
    "Mail",
    (),
    _mails,
    (
        by_word(
            "mails_total",
            "Attempts to send a mail, by what became of them.",
            MAIL_RESULT,
            lambda results: results,
            Example(
                "Which hosts could not send a mail within the last hour?",
                'increase(mpathd_watch_mails_total{result=~"deferred|failed"}[1h]) > 0',
            ),
        ),
    ),
)

HOOKS: Final[Block[Mapping[Result, int]]] = Block(
    "Hooks",
    (HOOK,),
    _hooks,
    (
        by_word(
            "hook_runs_total",
            "Runs of a hook, by how they ended.",
            HOOK_RESULT,
            lambda results: results,
            Example(
                "Which hooks failed today?",
                'sum by (instance, hook) (increase(mpathd_watch_hook_runs_total{result!="ok"}[1d])) > 0',
            ),
        ),
    ),
)

HISTORY: Final[Block[View]] = Block(
    "History",
    (),
    lambda view: (({}, view),),
    (
        gauge(
            "history_outages",
            "How many outages of paths `mpathd-watch history` knows of, over restarts.",
            lambda view: view.history,
            Example(
                "Which hosts had outages within the last week?",
                "delta(mpathd_watch_history_outages[7d]) > 0",
            ),
            absent="until the store has been written once",
        ),
    ),
)

COUNTERS: Final[Block[State]] = Block(
    "Events, outages and findings",
    (),
    _state,
    (
        counts(
            "uevents_total",
            "Uevents of block devices received from the kernel, by ACTION.",
            ACTION,
            lambda state: state.counters.uevents,
            Example("How many uevents come per second?", "sum(rate(mpathd_watch_uevents_total[5m]))"),
        ),
        counter(
            "uevent_overflows_total",
            "How often the kernel dropped uevents because the socket's buffer was full (ENOBUFS).",
            lambda state: state.counters.overflows,
            Example("Were uevents lost within the last hour?", "increase(mpathd_watch_uevent_overflows_total[1h]) > 0"),
        ),
        counts(
            "resyncs_total",
            "How often mpathd-watch had to read the whole state again, by reason.",
            RESYNC_REASON,
            lambda state: state.counters.resyncs,
            Example(
                "How often was the whole state read again today, and why?",
                "sum by (reason) (increase(mpathd_watch_resyncs_total[1d]))",
            ),
        ),
        Row(
            "outage_phase_seconds",
            Kind.HISTOGRAM,
            (PHASE,),
            "How long the phases of past outages took: detection, replacement, failover (both together) and "
            "reinstatement.",
            _phases,
            Example(
                "Within how many seconds did 95 % of the failovers of the last 30 days end?",
                "histogram_quantile(0.95, sum by (le) "
                '(increase(mpathd_watch_outage_phase_seconds_bucket{phase="failover"}[30d])))',
            ),
        ),
        by_word(
            "outages_total",
            "Past outages, by whether they kept within the timeouts in force (no_budget: these set no limit).",
            VERDICT,
            lambda state: state.counters.verdicts,
            Example(
                "Did an outage of the last day exceed its budget?",
                'increase(mpathd_watch_outages_total{verdict="over_budget"}[1d]) > 0',
            ),
        ),
        gauge(
            "maps_expected",
            "Maps that should exist: those that do, and those that are expected.",
            lambda state: len(state.maps) if state.started else None,
            Example(
                "Which hosts lack maps that they should have?",
                "mpathd_watch_maps_expected - on (instance) count by (instance) "
                '(mpathd_watch_map_info{sysfs_name!=""}) > 0',
            ),
            absent="until sysfs has been read",
        ),
        Row(
            "config_findings",
            Kind.GAUGE,
            (LEVEL, CODE),
            "How many findings of this kind the audit has; mpathd-watch check lists them.",
            _findings,
            Example(
                "Which hosts have findings that need attention?",
                'sum by (instance, level) (mpathd_watch_config_findings{level=~"warning|critical"}) > 0',
            ),
            absent="until the first audit, a few seconds after the start",
        ),
    ),
)

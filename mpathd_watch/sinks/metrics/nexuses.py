"""The metrics about what paths go through: a block for each transport."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from mpathd_watch.core.catalog import words
from mpathd_watch.core.model.vocabulary import IscsiError, Liveness, Transport
from mpathd_watch.core.state import NexusState
from mpathd_watch.sinks.metrics.labels import ERROR, IFACE, INITIATOR, ORIGIN, PORTAL, SESSION, TARGET, TIMEOUT
from mpathd_watch.sinks.metrics.row import (
    ALWAYS,
    Block,
    Example,
    Kind,
    Labels,
    Row,
    Units,
    Value,
    counter,
    gauge,
    info,
    states,
)
from mpathd_watch.sinks.view import View

_GONE = frozenset({Liveness.GONE, Liveness.UNKNOWN})
_COMMON_ERRORS = frozenset({IscsiError.NOP_TIMEDOUT, IscsiError.TCP_CONN_CLOSE})
"""Exported from the start, so that a rate does not miss the first. Most hosts never meet one of the others."""


def _sessions(view: View) -> Mapping[str, NexusState]:
    return {session.label: session for session in view.state.nexuses_of(Transport.ISCSI)}


def _named(label: str, session: NexusState) -> Iterable[tuple[Labels, NexusState]]:
    return (({SESSION.name: label}, session),)


def _timeouts(session: NexusState, view: View) -> Iterable[Value]:
    """What is in force, and what is configured where that is known."""
    if session.liveness in _GONE:
        return
    for timeout, seconds in session.facts.timeouts.items():
        if seconds is not None:
            yield {TIMEOUT.name: timeout, ORIGIN.name: "effective"}, seconds
    for configured in view.state.auditing.report.timeouts.get(session.label, ()):
        if configured.configured is not None:
            yield {TIMEOUT.name: configured.name, ORIGIN.name: "configured"}, configured.configured


def _failover_budget(session: NexusState) -> float | None:
    promised = None if session.liveness in _GONE else session.facts.budget
    return None if promised is None else promised.failover_worst


def _silence(session: NexusState) -> float | None:
    return None if session.liveness in _GONE else session.silence


def _connection_errors(session: NexusState, _: View) -> Iterable[Value]:
    for error in sorted(_COMMON_ERRORS | session.errors.keys()):
        yield {ERROR.name: error.value}, session.errors.get(error, 0)


SESSIONS: Final[Block[NexusState]] = Block(
    "iSCSI sessions",
    (SESSION,),
    Units(_sessions, _named),
    (
        info(
            "session_info",
            "Always 1. The names of the iSCSI session: its target, portal, iface and initiator.",
            {
                TARGET: lambda session: session.facts.target,
                PORTAL: lambda session: session.facts.portal,
                IFACE: lambda session: session.facts.iface,
                INITIATOR: lambda session: session.facts.initiator,
            },
            Example("How many sessions go to each target?", "count by (target) (mpathd_watch_session_info)"),
        ),
        states(
            "session_state",
            "The state of the iSCSI session (state in sysfs, or missing): 1 for its state, 0 for the others.",
            words.SESSION_STATE,
            lambda session: session.status,
            Example("Which sessions are not logged in?", 'mpathd_watch_session_state{state="LOGGED_IN"} == 0'),
        ),
        Row(
            "session_timeout_seconds",
            Kind.GAUGE,
            (TIMEOUT, ORIGIN),
            "The timeouts of the session. effective: in force, from sysfs (0 = no pings, +Inf = recovery_tmo is off); "
            "configured: from its node record.",
            _timeouts,
            Example(
                "Which timeouts are not in force as configured?",
                'mpathd_watch_session_timeout_seconds{origin="effective"} != ignoring (origin) '
                'mpathd_watch_session_timeout_seconds{origin="configured"}',
            ),
            absent="while it is not known, and while the session is missing",
            part=lambda _: ALWAYS,
        ),
        gauge(
            "session_failover_budget_seconds",
            "How long I/O may hang at most when the session's link breaks: noop_out_interval + noop_out_timeout + 1 s "
            "+ recovery_tmo, all as in force; +Inf if pings or recovery_tmo are off.",
            _failover_budget,
            Example(
                "On which sessions may I/O hang for more than 30 seconds?",
                "mpathd_watch_session_failover_budget_seconds > 30",
            ),
            absent="while the timeouts are not known, and while the session is missing",
        ),
        gauge(
            "session_silence_seconds",
            "How long the target had been silent when the session was last read, at least every 5 s, by exp_statsn and "
            "by TCP. On an idle session an answer comes every noop_out_interval.",
            _silence,
            Example(
                "Which targets have been silent for more than 10 seconds?", "mpathd_watch_session_silence_seconds > 10"
            ),
            absent="while it is not known, and while the session is missing",
        ),
        gauge(
            "session_tcp_rtt_seconds",
            "The smoothed round-trip time of the session's TCP connection.",
            lambda session: session.facts.tcp.rtt if session.facts.tcp else None,
            Example("Which session has the longest round trip?", "topk(1, mpathd_watch_session_tcp_rtt_seconds)"),
            absent="while the kernel does not show the connection",
        ),
        gauge(
            "session_tcp_backoff",
            "How often TCP has doubled its retransmission timer because no answer came; 0 on a healthy connection.",
            lambda session: session.facts.tcp.backoff if session.facts.tcp else None,
            Example("Which connections get no answer?", "mpathd_watch_session_tcp_backoff > 0"),
            absent="while the kernel does not show the connection",
        ),
        counter(
            "session_tcp_retransmits_total",
            "Segments that the session's TCP connections have sent again, since mpathd-watch first read the number.",
            lambda session: session.retransmits.total,
            Example("Which connections lose packets?", "rate(mpathd_watch_session_tcp_retransmits_total[5m]) > 0"),
        ),
        Row(
            "session_connection_errors_total",
            Kind.COUNTER,
            (ERROR,),
            "How often the kernel dropped a connection of the session, or one that was being set up, by its reason "
            "(enum iscsi_err). Counted while the source iscsi is up. nop_timedout and tcp_conn_close are always there, "
            "the others once they have occurred.",
            _connection_errors,
            Example(
                "Which errors broke connections within the last day?",
                "sum by (session, error) (increase(mpathd_watch_session_connection_errors_total[1d])) > 0",
            ),
        ),
    ),
)

# Any: each block knows what kind of object its own rows read.
NEXUSES: Final[tuple[Block[Any], ...]] = (SESSIONS,)
"""Every transport's."""

"""One map: its paths, the phases of their outages beside what the timeouts promise, and what their I/O shows."""

from __future__ import annotations

from typing import Final

from tools.dashboards.host import INSTANCE
from tools.dashboards.model import MAP, Column, Dashboard, Kind, Panel, Query, Row, Unit, Variable
from tools.dashboards.words import MAP_HEALTH, PATH_HEALTH, YES_NO, numbered

_MAP: Final = 'instance="$instance", map="$map"'
_STEP: Final = 15
"""Seconds from one look to the next where states are added up, as the example's scrape interval."""


def _rate(metric: str) -> str:
    return f"sum by (path) (rate({metric}{{{_MAP}}}[$__rate_interval]))"


_NOW: Final = Row(
    "Now",
    (
        Panel(
            title="Health",
            kind=Kind.NUMBER,
            unit=Unit.NUMBER,
            description="How much redundancy the map has left.",
            runbook="MultipathMapDegraded",
            queries=(Query(numbered("mpathd_watch_map_health", _MAP, MAP_HEALTH, "map")),),
            width=6,
            height=4,
            words=MAP_HEALTH,
        ),
        Panel(
            title="Usable paths",
            kind=Kind.NUMBER,
            unit=Unit.COUNT,
            description="Paths that are up or suspect.",
            runbook="MultipathMapAtRisk",
            queries=(Query(f"max(mpathd_watch_map_paths_usable{{{_MAP}}})"),),
            width=6,
            height=4,
        ),
        Panel(
            title="Expected paths",
            kind=Kind.NUMBER,
            unit=Unit.COUNT,
            description="Paths that the map should have, including those that are missing.",
            runbook="MultipathPathMissing",
            queries=(Query(f"max(mpathd_watch_map_paths_expected{{{_MAP}}})"),),
            width=6,
            height=4,
        ),
        Panel(
            title="I/O fails in",
            kind=Kind.NUMBER,
            unit=Unit.DURATION,
            description="How long I/O to the map goes on waiting, because no path is usable, before it fails.",
            runbook="MultipathMapQueueing",
            queries=(Query(f"max(mpathd_watch_map_queueing_deadline_timestamp_seconds{{{_MAP}}}) - time()"),),
            width=6,
            height=4,
            empty="No I/O waits for a deadline",
        ),
    ),
)

_OUTAGES: Final = Row(
    "Outages and their phases",
    (
        Panel(
            title="Phases of the outages",
            kind=Kind.STATES,
            unit=Unit.NUMBER,
            description="What each path goes through. An outage of a link: suspect while the target is silent "
            "(detection), stalled while the kernel holds I/O (replacement), failed until the connection is back, "
            "recovering until multipathd has reinstated the path (reinstatement). mpathd-watch history has the exact "
            "moments.",
            runbook="MultipathPathStalled",
            queries=(Query(numbered("mpathd_watch_path_health", _MAP, PATH_HEALTH, "path", worst=True), "{{path}}"),),
            width=24,
            words=PATH_HEALTH,
        ),
        Panel(
            title="Time in the present state",
            kind=Kind.LINES,
            unit=Unit.SECONDS,
            description="How long each path that is not up has been in its state.",
            runbook="MultipathPathFailed",
            queries=(Query(f"mpathd_watch:path_trouble:seconds{{{_MAP}}}", "{{path}} {{state}}"),),
            empty="All paths are up",
        ),
        Panel(
            title="Time left to the present phase",
            kind=Kind.LINES,
            unit=Unit.SECONDS,
            description="How long the phase may still last by the timeouts in force. Below zero it lasts too long.",
            runbook="MultipathPathOverdue",
            queries=(Query(f"mpathd_watch_path_deadline_timestamp_seconds{{{_MAP}}} - time()", "{{path}}"),),
            empty="No outage has a phase with a limit",
        ),
        Panel(
            title="Time in each state, in the time range",
            kind=Kind.TABLE,
            unit=Unit.DURATION,
            description="How long each path was in which state within the time range of the dashboard, to 15 s.",
            runbook="MultipathFailoverOverBudget",
            queries=(
                Query(
                    "sum by (path, state) (sum_over_time("
                    f'mpathd_watch_path_health{{{_MAP}, state!="up"}}[$__range:{_STEP}s])) * {_STEP} > 0'
                ),
            ),
            empty="All paths were up all the time",
            columns=(Column("path", "Path"), Column("state", "State"), Column("A", "Time")),
        ),
        Panel(
            title="Promised and measured",
            kind=Kind.TABLE,
            unit=Unit.SECONDS,
            description="The failover budget of each path, from the timeouts in force: how long I/O may hang at most "
            "when its link breaks; and when an outage last kept it.",
            runbook="MultipathFailoverUnproven",
            queries=(
                Query(
                    "max by (path, session) (label_replace(\n"
                    '  mpathd_watch_session_failover_budget_seconds{instance="$instance"},\n'
                    '  "path", "$1", "session", "([^/]+)/.*"\n'
                    f") and on (instance, path) mpathd_watch_path_info{{{_MAP}}})"
                ),
                Query(f"max by (path) (mpathd_watch_path_last_proven_timestamp_seconds{{{_MAP}}}) * 1000"),
            ),
            columns=(
                Column("path", "Path"),
                Column("session", "Session"),
                Column("A", "Failover budget"),
                Column("B", "Last proven", Unit.MOMENT),
            ),
        ),
        Panel(
            title="Failures within an hour, by cause",
            kind=Kind.LINES,
            unit=Unit.COUNT,
            description="Outages of each path within the hour before, by cause.",
            runbook="MultipathPathFlapping",
            queries=(
                Query(
                    f"sum by (path, cause) (mpathd_watch_path_failures_by_cause_total{{{_MAP}}})\n"
                    f"- (sum by (path, cause) (mpathd_watch_path_failures_by_cause_total{{{_MAP}}} offset 1h)\n"
                    f"or 0 * sum by (path, cause) (mpathd_watch_path_failures_by_cause_total{{{_MAP}}})) > 0",
                    "{{path}} {{cause}}",
                ),
            ),
            empty="No path failed within an hour",
        ),
        Panel(
            title="Phases of this host's past outages, mean",
            kind=Kind.LINES,
            unit=Unit.SECONDS,
            description="How long each phase took in the outages of the hour before, on average over all maps of the "
            "host.",
            runbook="MultipathFailoverOverBudget",
            queries=(
                Query(
                    'increase(mpathd_watch_outage_phase_seconds_sum{instance="$instance"}[1h])\n'
                    '/ (increase(mpathd_watch_outage_phase_seconds_count{instance="$instance"}[1h]) > 0)',
                    "{{phase}}",
                ),
            ),
            empty="No outage ended within an hour",
        ),
    ),
)

_PATHS: Final = Row(
    "Paths",
    (
        Panel(
            title="Paths",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            description="Each path now: its health, the raw states that it follows from, its disk, and what it has "
            "been through since mpathd-watch started.",
            runbook="MultipathPathFailed",
            queries=(
                Query(numbered("mpathd_watch_path_health", _MAP, PATH_HEALTH, "path")),
                Query(f"max by (path, dm, checker, device, access) (mpathd_watch_path_state_info{{{_MAP}}})"),
                Query(f"max by (path, dev, hctl, transport, target) (mpathd_watch_path_info{{{_MAP}}})"),
                Query(f"max by (path) (mpathd_watch_path_failures_total{{{_MAP}}})"),
                Query(f"max by (path) (mpathd_watch_path_reinstatements_total{{{_MAP}}})"),
                Query(f"max by (path) (mpathd_watch_path_flapping{{{_MAP}}})"),
                Query(f"max by (path) (mpathd_watch_path_slow{{{_MAP}}})"),
            ),
            width=24,
            columns=(
                Column("path", "Path"),
                Column("A", "Health", words=PATH_HEALTH),
                Column("dm", "dm"),
                Column("checker", "Checker"),
                Column("device", "Disk state"),
                Column("access", "Access"),
                Column("dev", "Disk"),
                Column("hctl", "H:C:T:L"),
                Column("transport", "Transport"),
                Column("target", "Target"),
                Column("D", "Failures"),
                Column("E", "Returns"),
                Column("F", "Flapping", words=YES_NO),
                Column("G", "Slow", words=YES_NO),
            ),
        ),
        Panel(
            title="Latency of each path",
            kind=Kind.LINES,
            unit=Unit.SECONDS,
            description="How long an I/O takes on each path on average, beside the median of the map's paths.",
            runbook="MultipathPathSlow",
            queries=(
                Query(
                    f"{_rate('mpathd_watch_path_io_seconds_total')}\n/ ({_rate('mpathd_watch_path_ios_total')} > 0)",
                    "{{path}}",
                ),
                Query(f"mpathd_watch_map_path_latency_seconds{{{_MAP}}}", "median"),
            ),
            empty="No path has I/O",
        ),
        Panel(
            title="I/O of each path",
            kind=Kind.LINES,
            unit=Unit.IOPS,
            description="I/Os that the disk of each path completes in a second: how the map spreads them.",
            runbook="MultipathPathSlow",
            queries=(Query(_rate("mpathd_watch_path_ios_total"), "{{path}}"),),
            stacked=True,
        ),
        Panel(
            title="Errors and timeouts of I/O",
            kind=Kind.LINES,
            unit=Unit.PER_SECOND,
            description="I/Os of each path's disk that failed or timed out, in a second.",
            runbook="MultipathPathFailed",
            queries=(
                Query(_rate("mpathd_watch_path_io_errors_total"), "{{path}} errors"),
                Query(_rate("mpathd_watch_path_io_timeouts_total"), "{{path}} timeouts"),
            ),
        ),
        Panel(
            title="Reports of the target within an hour",
            kind=Kind.LINES,
            unit=Unit.COUNT,
            description="Unit attentions about the LUN within the hour before: changed access states (ALUA), resets, "
            "a pool that is nearly full, and others.",
            runbook="MultipathThinPoolFilling",
            queries=(Query(f"sum by (kind) (increase(mpathd_watch_unit_attentions_total{{{_MAP}}}[1h]))", "{{kind}}"),),
        ),
    ),
)

DASHBOARD: Final = Dashboard(
    uid=MAP,
    title="Multipath: map",
    description="One map: the health of its paths, the phases of their outages beside what the timeouts promise, and "
    "their I/O.",
    variables=(
        INSTANCE,
        Variable(
            "map", "Map", 'label_values(mpathd_watch_map_paths{instance="$instance"}, map)', "The name of the map."
        ),
    ),
    rows=(_NOW, _OUTAGES, _PATHS),
    since="now-1h",
)

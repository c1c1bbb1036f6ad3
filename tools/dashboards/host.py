"""One host: its maps, its sessions, and whether what is watched and configured is in order."""

from __future__ import annotations

from typing import Final

from tools.dashboards.model import HOST, Column, Dashboard, Kind, Panel, Query, Row, Unit, Variable, to_map
from tools.dashboards.words import ANSWERS, MAP_HEALTH, SESSION_STATE, YES_NO, numbered

_HOST: Final = 'instance="$instance"'
INSTANCE: Final = Variable(
    "instance",
    "Host",
    "label_values(mpathd_watch_build_info, instance)",
    "The host, as Prometheus calls its target.",
)


def _number(title: str, query: str, description: str, runbook: str, colour: str = "") -> Panel:
    return Panel(
        title=title,
        kind=Kind.NUMBER,
        unit=Unit.COUNT,
        description=description,
        runbook=runbook,
        queries=(Query(query),),
        width=4,
        height=4,
        limits={colour: 1} if colour else {},
    )


_NOW: Final = Row(
    "Now",
    (
        _number(
            "Maps that are not healthy",
            f'sum(mpathd_watch_map_health{{{_HOST}, state!="healthy"}})',
            "Maps that are degraded, at risk, lost, or whose health is unknown.",
            "MultipathMapAtRisk",
            colour="orange",
        ),
        _number(
            "Maps missing",
            f"sum(mpathd_watch_maps_expected{{{_HOST}}})\n"
            f'- (count(mpathd_watch_map_info{{{_HOST}, sysfs_name!=""}})\n'
            f"or 0 * sum(mpathd_watch_maps_expected{{{_HOST}}}))",
            "Maps that this host should have and does not have.",
            "MultipathMapsMissing",
            colour="orange",
        ),
        _number(
            "Paths not up",
            f'sum(mpathd_watch_path_health{{{_HOST}, state!="up"}})',
            "Paths that are not up, or whose health is unknown.",
            "MultipathPathFailed",
            colour="orange",
        ),
        _number(
            "Findings",
            f'sum(mpathd_watch_config_findings{{{_HOST}, level=~"warning|critical"}})',
            "Findings of the audit that need attention. mpathd-watch check lists them, with consequence and remedy.",
            "MultipathConfigurationFinding",
            colour="orange",
        ),
        _number(
            "Outages within a day",
            f"sum(increase(mpathd_watch_outages_total{{{_HOST}}}[1d]))",
            "Outages of paths that ended within the last day. mpathd-watch history lists them.",
            "MultipathPathFlapping",
        ),
        _number(
            "Paths without a proven failover",
            f"count(mpathd_watch_path_info{{{_HOST}}}\n"
            "  unless on (job, instance, map, path)\n"
            f"  (time() - mpathd_watch_path_last_proven_timestamp_seconds{{{_HOST}}} < 400 * 86400))\n"
            f"or 0 * count(mpathd_watch_path_info{{{_HOST}}})",
            "Paths without an outage or drill within 400 days whose failover kept its budget. mpathd-watch drill "
            "helps to prove it.",
            "MultipathFailoverUnproven",
        ),
    ),
)

_MAPS: Final = Row(
    "Maps",
    (
        Panel(
            title="Health of the maps",
            kind=Kind.STATES,
            unit=Unit.NUMBER,
            description="Since when each map has had which health. A click opens the dashboard of the map.",
            runbook="MultipathMapDegraded",
            queries=(Query(numbered("mpathd_watch_map_health", _HOST, MAP_HEALTH, "map", worst=True), "{{map}}"),),
            width=24,
            words=MAP_HEALTH,
            link=to_map("__field.labels.map"),
        ),
        Panel(
            title="Maps",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            description="Each map now. Optimized paths are those to the controller that serves the LUN, if the array "
            "has ALUA. A click on the map opens its dashboard.",
            runbook="MultipathMapDegraded",
            queries=(
                Query(numbered("mpathd_watch_map_health", _HOST, MAP_HEALTH, "map")),
                Query(f"max by (map) (mpathd_watch_map_paths_usable{{{_HOST}}})"),
                Query(f"max by (map) (mpathd_watch_map_paths_expected{{{_HOST}}})"),
                Query(f"max by (map) (mpathd_watch_map_paths_optimized{{{_HOST}}})"),
                Query(f"max by (map) (mpathd_watch_map_queueing{{{_HOST}}})"),
                Query(f"max by (map, vendor, product, wwid, sysfs_name) (mpathd_watch_map_info{{{_HOST}}})"),
            ),
            width=24,
            columns=(
                Column("map", "Map", link=to_map("__data.fields.Map")),
                Column("A", "Health", words=MAP_HEALTH),
                Column("B", "Usable"),
                Column("C", "Expected"),
                Column("D", "Optimized"),
                Column("E", "Queues", words={0: YES_NO[0], 1: YES_NO[1]}),
                Column("vendor", "Vendor"),
                Column("product", "Product"),
                Column("sysfs_name", "Device"),
                Column("wwid", "WWID"),
            ),
        ),
        Panel(
            title="Latency of the maps",
            kind=Kind.LINES,
            unit=Unit.SECONDS,
            description="How long an I/O takes on a path of each map: the median of its usable paths. mpathd-watch "
            "compares each path with it.",
            runbook="MultipathPathSlow",
            queries=(Query(f"mpathd_watch_map_path_latency_seconds{{{_HOST}}}", "{{map}}"),),
            empty="Not enough I/O to compare paths",
        ),
        Panel(
            title="I/O of the maps",
            kind=Kind.LINES,
            unit=Unit.IOPS,
            description="I/Os that the disks of each map complete in a second, all paths together.",
            runbook="MultipathPathSlow",
            queries=(
                Query(f"sum by (map) (rate(mpathd_watch_path_ios_total{{{_HOST}}}[$__rate_interval]))", "{{map}}"),
            ),
            stacked=True,
        ),
    ),
)

_SESSIONS: Final = Row(
    "iSCSI sessions",
    (
        Panel(
            title="State of the sessions",
            kind=Kind.STATES,
            unit=Unit.NUMBER,
            description="Since when each session has been in which state. FAILED: the kernel holds I/O until the "
            "session is back or the replacement timeout ends. FREE: that has ended, and I/O moves to another path.",
            runbook="MultipathSessionLost",
            queries=(
                Query(
                    numbered("mpathd_watch_session_state", _HOST, SESSION_STATE, "session", worst=True), "{{session}}"
                ),
            ),
            width=24,
            words=SESSION_STATE,
        ),
        Panel(
            title="Silence of the targets",
            kind=Kind.LINES,
            unit=Unit.SECONDS,
            description="How long each target had been silent. On an idle session an answer comes every "
            "noop_out_interval; more than that is the first sign of a lost path.",
            runbook="MultipathPathSuspect",
            queries=(Query(f"mpathd_watch_session_silence_seconds{{{_HOST}}}", "{{session}}"),),
        ),
        Panel(
            title="Round trip",
            kind=Kind.LINES,
            unit=Unit.SECONDS,
            description="The smoothed round-trip time of each session's TCP connection.",
            runbook="MultipathPathSlow",
            queries=(Query(f"mpathd_watch_session_tcp_rtt_seconds{{{_HOST}}}", "{{session}}"),),
            empty="The kernel shows no TCP connection of a session",
        ),
        Panel(
            title="Segments sent again",
            kind=Kind.LINES,
            unit=Unit.PER_SECOND,
            description="TCP segments that each session has sent again in a second, because packets were lost or the "
            "target did not answer.",
            runbook="MultipathPathSuspect",
            queries=(
                Query(
                    f"rate(mpathd_watch_session_tcp_retransmits_total{{{_HOST}}}[$__rate_interval])",
                    "{{session}}",
                ),
            ),
        ),
        Panel(
            title="Connections dropped within an hour",
            kind=Kind.LINES,
            unit=Unit.COUNT,
            description="How often the kernel dropped a connection of each session within the hour before, and why.",
            runbook="MultipathSessionLost",
            queries=(
                Query(
                    "sum by (session, error) "
                    f"(increase(mpathd_watch_session_connection_errors_total{{{_HOST}}}[1h])) > 0",
                    "{{session}} {{error}}",
                ),
            ),
            empty="The kernel dropped no connection",
        ),
        Panel(
            title="Timeouts of the sessions",
            kind=Kind.TABLE,
            unit=Unit.SECONDS,
            description="The timeouts in force, and how long I/O may hang at most when the link of the session breaks: "
            "the failover budget.",
            runbook="MultipathFailoverOverBudget",
            queries=(
                *(
                    Query(
                        "max by (session) (mpathd_watch_session_timeout_seconds"
                        f'{{{_HOST}, origin="effective", timeout="{timeout}"}})'
                    )
                    for timeout in ("noop_out_interval", "noop_out_timeout", "replacement_timeout")
                ),
                Query(f"max by (session) (mpathd_watch_session_failover_budget_seconds{{{_HOST}}})"),
            ),
            width=24,
            columns=(
                Column("session", "Session"),
                Column("A", "noop_out_interval"),
                Column("B", "noop_out_timeout"),
                Column("C", "replacement_timeout"),
                Column("D", "Failover budget"),
            ),
        ),
    ),
)

_OUTAGES: Final = Row(
    "Past outages",
    (
        Panel(
            title="Outages an hour, by verdict",
            kind=Kind.LINES,
            unit=Unit.COUNT,
            description="Outages of paths that ended within the hour before, by whether they kept within the timeouts "
            "in force.",
            runbook="MultipathFailoverOverBudget",
            queries=(Query(f"increase(mpathd_watch_outages_total{{{_HOST}}}[1h])", "{{verdict}}"),),
            stacked=True,
        ),
        Panel(
            title="Phases of past outages, mean",
            kind=Kind.LINES,
            unit=Unit.SECONDS,
            description="How long each phase took in the outages of the hour before, on average. Detection and "
            "replacement together are the failover: how long I/O may have hung.",
            runbook="MultipathFailoverOverBudget",
            queries=(
                Query(
                    f"increase(mpathd_watch_outage_phase_seconds_sum{{{_HOST}}}[1h])\n"
                    f"/ (increase(mpathd_watch_outage_phase_seconds_count{{{_HOST}}}[1h]) > 0)",
                    "{{phase}}",
                ),
            ),
            empty="No outage ended within an hour",
        ),
    ),
)

_WATCHING: Final = Row(
    "What is watched, and how well",
    (
        Panel(
            title="Sources",
            kind=Kind.STATES,
            unit=Unit.NUMBER,
            description="Whether each source of mpathd-watch answers. What only a source without an answer knows is "
            "unknown.",
            runbook="MultipathSourceDown",
            queries=(Query(f"max by (source) (mpathd_watch_source_up{{{_HOST}}})", "{{source}}"),),
            words=ANSWERS,
        ),
        Panel(
            title="Findings of the audit",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            description="What is not in force as configured, or will do harm when a path fails. mpathd-watch check "
            "shows each one with its consequence and remedy.",
            runbook="MultipathConfigurationFinding",
            queries=(Query(f"sum by (level, code) (mpathd_watch_config_findings{{{_HOST}}}) > 0"),),
            empty="There is no finding",
            columns=(Column("level", "Level"), Column("code", "Finding"), Column("A", "Number")),
        ),
        Panel(
            title="Uevents",
            kind=Kind.LINES,
            unit=Unit.PER_SECOND,
            description="Uevents of block devices that the kernel sends in a second. Where many come, the kernel may "
            "drop the next ones.",
            runbook="MultipathUeventsLost",
            queries=(
                Query(
                    f"sum(rate(mpathd_watch_uevents_total{{{_HOST}}}[$__rate_interval]))\n"
                    f"or 0 * sum(rate(mpathd_watch_uevent_overflows_total{{{_HOST}}}[$__rate_interval]))",
                    "received",
                ),
                Query(f"rate(mpathd_watch_uevent_overflows_total{{{_HOST}}}[$__rate_interval])", "times dropped"),
            ),
        ),
        Panel(
            title="Reports that have not arrived",
            kind=Kind.LINES,
            unit=Unit.COUNT,
            description="Entries and files that mpathd-watch could not deliver yet because the receiver does not read, "
            "and those that are lost.",
            runbook="MultipathUeventsLost",
            queries=(
                Query(f"mpathd_watch_outlet_waiting{{{_HOST}}}", "{{outlet}} waiting"),
                Query(f"mpathd_watch_outlet_lost_total{{{_HOST}}}", "{{outlet}} lost"),
            ),
            empty="This host has no outlet",
        ),
    ),
)

DASHBOARD: Final = Dashboard(
    uid=HOST,
    title="Multipath: host",
    description="One host with mpathd-watch: its maps, its iSCSI sessions, its past outages, and what is not in order.",
    variables=(INSTANCE,),
    rows=(_NOW, _MAPS, _SESSIONS, _OUTAGES, _WATCHING),
    since="now-6h",
)

"""The fleet: whether everything is redundant, which hosts are in trouble, and what these have in common."""

from __future__ import annotations

from typing import Final

from tools.dashboards.model import (
    FLEET,
    Column,
    Dashboard,
    Kind,
    Panel,
    Query,
    Row,
    Unit,
    Variable,
    to_host,
)
from tools.dashboards.words import NOT_ANSWERING

_SITE: Final = 'site=~"$site"'
_NONE: Final = f"0 * count(mpathd_watch_build_info{{{_SITE}}})"
"""Zero, where there are hosts: without any there is no answer, and not the answer that all is right."""


def _maps(state: str) -> str:
    return f'count(mpathd_watch:map_trouble:paths_expected{{{_SITE}, state="{state}"}})\nor {_NONE}'


def _shared(kind: str, title: str, alert: str, about: str, columns: tuple[Column, ...]) -> Panel:
    """A table of portals, targets or arrays: how many hosts use each, and how many of these have lost it."""
    by = ", ".join(column.source for column in columns)
    hosts, lost = (f"mpathd_watch:{kind}_hosts{part}:count{{{_SITE}}}" for part in ("", "_lost"))
    return Panel(
        title=title,
        kind=Kind.TABLE,
        unit=Unit.COUNT,
        description=f"{about} If several hosts have lost the same one, look there first, and not at the hosts.",
        runbook=alert,
        queries=(
            Query(f"max by ({by}) ({lost} or 0 * {hosts})"),
            Query(f"max by ({by}) ({hosts})"),
            Query(f"max by ({by}) (({lost} or 0 * {hosts}) / {hosts})"),
        ),
        width=8,
        columns=(
            *columns,
            Column("A", "Lost by"),
            Column("B", "Hosts"),
            Column("C", "Share", Unit.SHARE),
        ),
    )


_NOW: Final = Row(
    "Now",
    (
        Panel(
            title="Hosts",
            kind=Kind.NUMBER,
            unit=Unit.COUNT,
            description="Hosts from which Prometheus has metrics of mpathd-watch now.",
            runbook="MultipathWatchAbsent",
            queries=(Query(f"count(mpathd_watch_build_info{{{_SITE}}})"),),
            width=4,
            height=4,
        ),
        Panel(
            title="Hosts without an answer",
            kind=Kind.NUMBER,
            unit=Unit.COUNT,
            description="Hosts whose scrape fails, or which were targets within the last day and are no longer. "
            "Their paths are not watched.",
            runbook="MultipathWatchAbsent",
            queries=(Query(f"count(mpathd_watch:absent{{{_SITE}}})\nor {_NONE}"),),
            width=4,
            height=4,
            limits={"orange": 1},
        ),
        Panel(
            title="Maps lost",
            kind=Kind.NUMBER,
            unit=Unit.COUNT,
            description="Maps without a usable path. I/O to them fails, or hangs for as long as the map queues it.",
            runbook="MultipathMapLost",
            queries=(Query(_maps("lost")),),
            width=4,
            height=4,
            limits={"red": 1},
        ),
        Panel(
            title="Maps at risk",
            kind=Kind.NUMBER,
            unit=Unit.COUNT,
            description="Maps with one usable path. If it fails, too, the map is lost.",
            runbook="MultipathMapAtRisk",
            queries=(Query(_maps("at_risk")),),
            width=4,
            height=4,
            limits={"orange": 1},
        ),
        Panel(
            title="Maps degraded",
            kind=Kind.NUMBER,
            unit=Unit.COUNT,
            description="Maps with two usable paths or more, of which not all expected ones are up.",
            runbook="MultipathMapDegraded",
            queries=(Query(_maps("degraded")),),
            width=4,
            height=4,
            limits={"yellow": 1},
        ),
        Panel(
            title="Usable paths",
            kind=Kind.NUMBER,
            unit=Unit.SHARE,
            description="The share of the expected paths that is usable: up or suspect.",
            runbook="MultipathPathFailed",
            queries=(
                Query(
                    f"sum(mpathd_watch:paths_usable:sum{{{_SITE}}})\n/ sum(mpathd_watch:paths_expected:sum{{{_SITE}}})"
                ),
            ),
            width=4,
            height=4,
            decimals=1,
        ),
    ),
)

_COMMON: Final = Row(
    "What hosts have in common",
    (
        _shared(
            "portal",
            "Portals",
            "MultipathPortalLost",
            "For each portal, the hosts with sessions to it, and those that have lost all of these sessions or get no "
            "answer.",
            (Column("site", "Site"), Column("portal", "Portal")),
        ),
        _shared(
            "target",
            "Targets",
            "MultipathTargetLost",
            "For each target, the hosts with sessions to it, and those that have lost all of them.",
            (Column("site", "Site"), Column("target", "Target")),
        ),
        _shared(
            "array",
            "Arrays",
            "MultipathArrayLost",
            "For each array, the hosts with maps of it, and those of which all these maps are lost. An array is named "
            "by the part of the WWID that its LUNs have in common.",
            (
                Column("site", "Site"),
                Column("vendor", "Vendor"),
                Column("product", "Product"),
                Column("array", "Array"),
            ),
        ),
    ),
)

_HOSTS: Final = Row(
    "Hosts in trouble",
    (
        Panel(
            title="Hosts in trouble",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            description="Each host that has anything to repair. A click on the host opens its dashboard.",
            runbook="How the alerts work together",
            queries=(
                Query(f'count by (instance) (mpathd_watch:map_trouble:paths_expected{{{_SITE}, state="lost"}})'),
                Query(f'count by (instance) (mpathd_watch:map_trouble:paths_expected{{{_SITE}, state="at_risk"}})'),
                Query(f'count by (instance) (mpathd_watch:map_trouble:paths_expected{{{_SITE}, state="degraded"}})'),
                Query(f"count by (instance) (mpathd_watch:path_trouble:seconds{{{_SITE}}})"),
                Query(f"count by (instance) (max by (instance, session) (mpathd_watch:session_lost{{{_SITE}}}))"),
                Query(
                    f'sum by (instance) (mpathd_watch_config_findings{{{_SITE}, level=~"warning|critical"}}) > 0',
                ),
                Query(f"count by (instance) (mpathd_watch_source_up{{{_SITE}}} == 0)"),
                Query(f"max by (instance) (mpathd_watch:absent{{{_SITE}}})"),
            ),
            width=24,
            height=10,
            empty="No host is in trouble",
            columns=(
                Column("instance", "Host", link=to_host("Host")),
                Column("A", "Maps lost"),
                Column("B", "Maps at risk"),
                Column("C", "Maps degraded"),
                Column("D", "Paths not up"),
                Column("E", "Sessions lost"),
                Column("F", "Findings"),
                Column("G", "Sources down"),
                Column("H", "Daemon", words=NOT_ANSWERING),
            ),
        ),
        Panel(
            title="Alerts",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            description="How often each alert fires now, before Alertmanager makes one notification of what has one "
            "cause.",
            runbook="How the alerts work together",
            queries=(
                Query(
                    "count by (severity, alertname) (ALERTS{"
                    f'{_SITE}, alertname=~"Multipath.+", alertstate="firing", severity!="none"}})'
                ),
            ),
            empty="No alert fires",
            columns=(
                Column("severity", "Severity"),
                Column("alertname", "Alert"),
                Column("A", "Number"),
            ),
        ),
        Panel(
            title="Initiator names in use twice",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            description="Initiator names that several hosts use. A target takes them for one host: they drop each "
            "other's sessions, and one may write to the LUNs of the other.",
            runbook="MultipathInitiatorShared",
            queries=(Query(f"count by (site, initiator) (mpathd_watch:initiator{{{_SITE}}}) > 1"),),
            empty="Each host has a name of its own",
            columns=(Column("site", "Site"), Column("initiator", "Initiator"), Column("A", "Hosts")),
        ),
    ),
)

_TIME: Final = Row(
    "Over time",
    (
        Panel(
            title="Maps that are not healthy",
            kind=Kind.LINES,
            unit=Unit.COUNT,
            description="Maps of all hosts by health. Healthy ones are not shown.",
            runbook="MultipathMapDegraded",
            queries=(Query(f'sum by (state) (mpathd_watch_map_health{{{_SITE}, state!="healthy"}})', "{{state}}"),),
            stacked=True,
        ),
        Panel(
            title="Paths that are not up",
            kind=Kind.LINES,
            unit=Unit.COUNT,
            description="Paths of all hosts by health. Those that are up are not shown.",
            runbook="MultipathPathFailed",
            queries=(Query(f'sum by (state) (mpathd_watch_path_health{{{_SITE}, state!="up"}})', "{{state}}"),),
            stacked=True,
        ),
        Panel(
            title="Hosts that have lost a portal",
            kind=Kind.LINES,
            unit=Unit.COUNT,
            description="For each portal, how many hosts have lost it.",
            runbook="MultipathPortalLost",
            queries=(Query(f"mpathd_watch:portal_hosts_lost:count{{{_SITE}}}", "{{site}} {{portal}}"),),
            empty="No host has lost a portal",
        ),
        Panel(
            title="Outages an hour, by verdict",
            kind=Kind.LINES,
            unit=Unit.COUNT,
            description="Outages of paths that ended within the hour before, by whether they kept within the timeouts "
            "in force.",
            runbook="MultipathFailoverOverBudget",
            queries=(Query(f"sum by (verdict) (increase(mpathd_watch_outages_total{{{_SITE}}}[1h]))", "{{verdict}}"),),
            stacked=True,
        ),
        Panel(
            title="Longest failovers",
            kind=Kind.LINES,
            unit=Unit.SECONDS,
            description="How long I/O hung until it moved to another path, in the outages of the hour before: half of "
            "them took at most as long as the lower line, and 95 % as long as the upper one.",
            runbook="MultipathFailoverOverBudget",
            queries=tuple(
                Query(
                    f"histogram_quantile({share}, sum by (le) (increase("
                    f'mpathd_watch_outage_phase_seconds_bucket{{{_SITE}, phase="failover"}}[1h]))) >= 0',
                    name,
                )
                for share, name in ((0.5, "half"), (0.95, "95 %"))
            ),
            empty="No failover within an hour",
        ),
        Panel(
            title="Findings of the audit",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            description="What is not in force as configured, or will do harm when a path fails, and on how many hosts.",
            runbook="MultipathConfigurationFinding",
            queries=(
                Query(f"count by (level, code) (mpathd_watch_config_findings{{{_SITE}}} > 0)"),
                Query(f"sum by (level, code) (mpathd_watch_config_findings{{{_SITE}}} > 0)"),
            ),
            empty="There is no finding",
            columns=(
                Column("level", "Level"),
                Column("code", "Finding"),
                Column("A", "Hosts"),
                Column("B", "Findings"),
            ),
        ),
        Panel(
            title="Versions of mpathd-watch",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            description="How many hosts run which version.",
            runbook="MultipathWatchAbsent",
            queries=(Query(f"count by (version) (mpathd_watch_build_info{{{_SITE}}})"),),
            columns=(Column("version", "Version"), Column("A", "Hosts")),
        ),
        Panel(
            title="LUNs by product",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            description="How many maps the LUNs of each product make, all hosts together.",
            runbook="MultipathArrayLost",
            queries=(Query(f"count by (vendor, product) (mpathd_watch_map_info{{{_SITE}}})"),),
            columns=(Column("vendor", "Vendor"), Column("product", "Product"), Column("A", "Maps")),
        ),
    ),
)

DASHBOARD: Final = Dashboard(
    uid=FLEET,
    title="Multipath: fleet",
    description="All hosts with mpathd-watch: what is lost or at risk, what the hosts in trouble have in common, and "
    "which they are. It needs the recording rules rules.yml and fleet.yml.",
    variables=(
        Variable(
            "site",
            "Site",
            "label_values(mpathd_watch_build_info, site)",
            "The label of the targets, where the same addresses are in use at several sites.",
            several=True,
        ),
    ),
    rows=(_NOW, _COMMON, _HOSTS, _TIME),
    since="now-6h",
)

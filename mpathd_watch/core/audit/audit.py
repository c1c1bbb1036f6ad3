"""The audit as a whole: the findings of every room, sorted, with each session's and map's timeouts and budget."""

from __future__ import annotations

from itertools import chain

from mpathd_watch.core.audit import (
    access,
    boot,
    direct_use,
    files,
    interfaces,
    kin,
    maps,
    no_map,
    not_loaded,
    one_controller,
    path_timeouts,
    products,
    queueing,
    redundancy,
    same_lun,
    sessions,
    sizes,
    timeouts,
    unmapped_disks,
    versions,
    wwids,
)
from mpathd_watch.core.audit.context import host
from mpathd_watch.core.audit.grouping import without_acknowledged
from mpathd_watch.core.audit_report import AuditReport
from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.state import State

_NOT_REDUNDANT = frozenset(
    {
        FindingKind.SINGLE_PATH,
        FindingKind.SINGLE_PORTAL,
        FindingKind.SINGLE_NIC,
        FindingKind.SINGLE_SUBNET,
        FindingKind.SINGLE_HOST_ADAPTER,
    }
)
"""What follows if a map lacks paths: not reported of a map of which it is known that it does."""


def audit(state: State) -> AuditReport:
    """Compare what is configured with what is in force."""
    audited = host(state)
    reports = maps.reports(audited)
    mixed, fewer = same_lun.different(audited), kin.fewer(audited)
    lacking = {state.maps[wwid].label for wwid in fewer}
    redundant = (
        finding
        for finding in redundancy.findings(audited)
        if finding.kind not in _NOT_REDUNDANT or finding.subject not in lacking
    )
    found, acknowledged = without_acknowledged(
        chain(
            files.findings(audited),
            wwids.findings(audited),
            versions.findings(audited),
            not_loaded.findings(audited),
            timeouts.findings(audited),
            sessions.findings(audited),
            unmapped_disks.findings(audited),
            direct_use.findings(audited),
            no_map.findings(audited),
            redundant,
            kin.findings(audited, fewer),
            one_controller.findings(audited, fewer),
            access.findings(audited),
            same_lun.findings(audited, mixed),
            sizes.findings(audited, mixed),
            interfaces.findings(audited),
            products.findings(audited),
            boot.findings(audited),
            queueing.findings(audited),
            path_timeouts.findings(audited, reports),
        ),
        state.settings.acknowledge,
    )
    order = {kind: at for at, kind in enumerate(FindingKind)}
    found.sort(key=lambda finding: (-finding.severity, order[finding.kind]))
    acknowledged.sort(key=lambda each: (-each.finding.severity, order[each.finding.kind]))
    return AuditReport(
        tuple(found),
        timeouts=frozen({session.label: timeouts.timeouts(audited, session) for session in audited.sessions}),
        budgets=frozen({nexus.label: nexus.facts.budget for nexus in audited.nexuses}),
        maps=frozen(reports),
        acknowledged=tuple(acknowledged),
    )

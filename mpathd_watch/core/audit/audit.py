"""The audit as a whole: the rules of its rooms, in order, and what was promised to whom."""

from __future__ import annotations

from itertools import chain

from mpathd_watch.core.audit import (
    files,
    maps,
    not_loaded,
    path_timeouts,
    queueing,
    redundancy,
    sessions,
    timeouts,
    unmapped_disks,
)
from mpathd_watch.core.audit.context import host
from mpathd_watch.core.audit_report import AuditReport
from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.state import State


def audit(state: State) -> AuditReport:
    """Hold what is configured against what is in force."""
    seen = host(state)
    reports = maps.reports(seen)
    found = list(
        chain(
            files.findings(seen),
            not_loaded.findings(seen),
            timeouts.findings(seen),
            sessions.findings(seen),
            unmapped_disks.findings(seen),
            redundancy.findings(seen),
            queueing.findings(seen),
            path_timeouts.findings(seen, reports),
        )
    )
    order = {kind: at for at, kind in enumerate(FindingKind)}
    found.sort(key=lambda finding: (-finding.kind.value.severity, order[finding.kind]))
    present = list(seen.sessions)
    return AuditReport(
        tuple(found),
        timeouts=frozen({session.label: timeouts.timeouts(seen, session) for session in present}),
        budgets=frozen({session.label: session.facts.budget for session in present}),
        maps=frozen(reports),
    )

"""The audit as a whole: the rules of its rooms, in order, and the budgets."""

from __future__ import annotations

from mpathd_watch.core.audit import files, maps, sessions
from mpathd_watch.core.budget import budget
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.findings import FindingKind
from mpathd_watch.core.report import Report
from mpathd_watch.core.state import State


def audit(state: State) -> Report:
    """Hold what is configured against what is in force."""
    configuration = state.auditing.configuration or Configuration()
    found = [
        *files.findings(configuration),
        *sessions.findings(state, configuration),
        *maps.findings(state),
    ]
    kinds = tuple(FindingKind)
    found.sort(key=lambda finding: (-finding.kind.value.severity, kinds.index(finding.kind)))
    budgets = {session.label: budget(session.facts) for session in sessions.present(state)}
    return Report(tuple(found), budgets=budgets)

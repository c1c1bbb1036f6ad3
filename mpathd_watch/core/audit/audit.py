"""The audit as a whole: the rules of its rooms, in order, and the budgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mpathd_watch.core.audit import files, maps, sessions
from mpathd_watch.core.audit.budget import Budget, budget
from mpathd_watch.core.audit.findings import Finding, FindingKind, Severity
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.state import State


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, worst first, each kind together; and the budget of each session that is there, by its label."""

    findings: tuple[Finding, ...]
    budgets: Mapping[str, Budget | None]

    @property
    def severity(self) -> Severity:
        """That of the worst finding."""
        return max((finding.kind.value.severity for finding in self.findings), default=Severity.INFO)


def audit(state: State, configuration: Configuration) -> Report:
    """Hold ``configuration`` against what ``state`` says is in force."""
    found = [
        *files.findings(configuration),
        *sessions.findings(state, configuration),
        *maps.findings(state),
    ]
    kinds = tuple(FindingKind)
    found.sort(key=lambda finding: (-finding.kind.value.severity, kinds.index(finding.kind)))
    budgets = {session.label: budget(session.facts) for session in sessions.present(state)}
    return Report(tuple(found), budgets)

"""Entries about the configuration."""

from __future__ import annotations

from collections.abc import Sequence

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.catalog.findings import Finding, Severity
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.text import plural

_PRIORITIES = {
    Severity.CRITICAL: Priority.ERR,
    Severity.WARNING: Priority.WARNING,
    Severity.INFO: Priority.INFO,
}


def config_finding(finding: Finding) -> Alert:
    """The alert for one finding of the audit."""
    kind = finding.kind.value
    where = f" ({finding.where})" if finding.where and finding.where not in finding.text else ""
    return Alert(
        AlertKind.CONFIG_FINDING,
        _PRIORITIES[kind.severity],
        f"{finding.subject}: {finding.text}{where}. {kind.leads_to}",
        {
            "CODE": finding.kind.code,
            "SEVERITY": kind.severity.name.lower(),
            "SUBJECT": finding.subject,
            "WHERE": finding.where,
        },
    )


def more_findings(findings: Sequence[Finding]) -> Alert:
    """The alert for more findings than fit the journal."""
    severity = max(finding.kind.value.severity for finding in findings)
    return Alert(
        AlertKind.CONFIG_FINDING,
        _PRIORITIES[severity],
        f"There are {plural(len(findings), 'more finding')}: mpathd-watch check lists them all.",
        {"SEVERITY": severity.name.lower()},
    )

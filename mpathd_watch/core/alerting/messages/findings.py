"""Entries about the configuration. What a finding leads to, and its remedy, are in docs/findings.md."""

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
    """The alert for one finding of the audit: ``SUBJECT: TEXT (WHERE)``, or ``FILE:LINE: TEXT`` about a file itself."""
    message = f"{finding.subject}: {finding.text}"
    if finding.where.startswith(f"{finding.subject}:"):
        message = f"{finding.where}: {finding.text}"
    elif finding.where:
        message += f" ({finding.where})"
    return Alert(
        AlertKind.CONFIG_FINDING,
        _PRIORITIES[finding.severity],
        message,
        {
            "CODE": finding.kind.code,
            "SEVERITY": finding.severity.name.lower(),
            "SUBJECT": finding.subject,
            "WHERE": finding.where,
        },
    )


def more_findings(findings: Sequence[Finding]) -> Alert:
    """The alert for more findings than fit the journal."""
    severity = max(finding.severity for finding in findings)
    return Alert(
        AlertKind.CONFIG_FINDING,
        _PRIORITIES[severity],
        f"There are {plural(len(findings), 'more finding')}: mpathd-watch check lists them all.",
        {"SEVERITY": severity.name.lower()},
    )

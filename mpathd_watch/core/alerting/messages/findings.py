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


def config_finding(findings: Sequence[Finding]) -> Alert:
    """The alert for findings of one kind and severity: ``SUBJECT: TEXT (WHERE)``, or ``FILE:LINE: TEXT`` about a file.

    The first is described; the others are counted.
    """
    finding, *others = findings
    message = f"{finding.subject}: {finding.text}"
    if finding.where.startswith(f"{finding.subject}:"):
        message = f"{finding.where}: {finding.text}"
    elif finding.where:
        message += f" ({finding.where})"
    if others:
        objects = plural(sum(map(_count, others)), "more object")
        message += f"; and {plural(len(others), 'more finding')} of this kind, about {objects}: run mpathd-watch check"
    return Alert(
        AlertKind.CONFIG_FINDING,
        _PRIORITIES[finding.severity],
        message,
        {
            "CODE": finding.kind.code,
            "SEVERITY": finding.severity.name.lower(),
            "SUBJECT": finding.subject,
            "WHERE": finding.where,
            "OBJECTS": str(sum(map(_count, findings))),
        },
    )


def _count(finding: Finding) -> int:
    return len(finding.objects) or 1

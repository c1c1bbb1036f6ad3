"""What ``check`` prints: a Nagios plugin's first line, a line a finding, and the budgets; or all of it as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import isinf
from typing import Any

from mpathd_watch.core.budget import Budget
from mpathd_watch.core.findings import Finding, Severity
from mpathd_watch.core.report import Report
from mpathd_watch.core.state import State
from mpathd_watch.core.text import plural
from mpathd_watch.core.vocabulary import SourceName

VERSION = 1
UNKNOWN = 3
"""Exit status of a Nagios plugin that could not look."""

BROKEN_BAR = "\N{BROKEN BAR}"

_OK = "OK"


def exit_status(report: Report, state: State) -> int:
    """0, 1, 2 or 3: OK, WARNING, CRITICAL, UNKNOWN."""
    return int(report.severity) if state.source(SourceName.SYSFS).up else UNKNOWN


def text(report: Report, state: State) -> str:
    """The lines for a terminal or a monitoring system, the verdict first.

    Nagios takes all that follows a ``|`` for performance data, on the first line and once more below it. So there is
    one, ours; in names and quotations it stands as a broken bar.
    """
    first, *rest = (line.replace("|", BROKEN_BAR) for line in _lines(report, state))
    return "".join(f"{line}\n" for line in (f"{first} | {_figures(report)}", *rest))


def _figures(report: Report) -> str:
    found = [finding.kind.value.severity for finding in report.findings]
    return " ".join(f"{severity.name.lower()}={found.count(severity)}" for severity in reversed(Severity))


def document(report: Report, state: State) -> dict[str, Any]:
    """The same as JSON-ready data, described in docs/findings.md. A budget without a bound is ``null``."""
    return {
        "version": VERSION,
        "status": _word(report, state),
        "findings": [
            {
                "severity": finding.kind.value.severity.name.lower(),
                "code": finding.kind.code,
                "subject": finding.subject,
                "text": finding.text,
                "where": finding.where or None,
                "leads_to": finding.kind.value.leads_to,
                "remedy": finding.kind.value.remedy,
            }
            for finding in report.findings
        ],
        "budgets": {label: _bounds(budget) for label, budget in report.budgets.items()},
    }


def _word(report: Report, state: State) -> str:
    if not state.source(SourceName.SYSFS).up:
        return "UNKNOWN"
    return _OK if report.severity is Severity.INFO else report.severity.name


def _lines(report: Report, state: State) -> Iterator[str]:
    seen = f"{plural(len(state.maps), 'map')} and {plural(len(state.sessions), 'iSCSI session')}"
    if not state.source(SourceName.SYSFS).up:
        told = state.source(SourceName.SYSFS).detail or "sysfs can't be read"
    elif report.findings:
        told = f"{plural(len(report.findings), 'finding')} on {seen}"
    else:
        told = f"nothing found on {seen}"
    yield f"MPATHD-WATCH {_word(report, state)}: {told}"
    for kind, findings in groupby(report.findings, key=lambda finding: finding.kind):
        yield from map(_finding, findings)
        yield f"    {kind.value.leads_to} {kind.value.remedy}"
    if report.budgets:
        yield ""
        yield from _budgets(report)


def _finding(finding: Finding) -> str:
    subject = finding.where if finding.where.startswith(f"{finding.subject}:") else finding.subject
    where = f" ({finding.where})" if finding.where and finding.where not in f"{subject} {finding.text}" else ""
    return f"{finding.kind.value.severity.name} {finding.kind.code}: {subject}: {finding.text}{where}"


def _budgets(report: Report) -> Iterator[str]:
    yield "After a link breaks silently, at best and at worst, by the timeouts in force:"
    width = max(map(len, report.budgets))
    for label, budget in report.budgets.items():
        if budget is None:
            yield f"  {label:<{width}}  unknown, its timeouts can't be read"
        else:
            detection = _range(budget.detection_best, budget.detection_worst)
            failover = _range(budget.failover_best, budget.failover_worst)
            yield f"  {label:<{width}}  noticed after {detection}, path given up after {failover}"


def _range(best: float, worst: float) -> str:
    return "no bound" if isinf(worst) else f"{best:.0f} to {worst:.0f} s"


def _bounds(budget: Budget | None) -> dict[str, float | None] | None:
    if budget is None:
        return None
    return {
        "detection_best_seconds": _finite(budget.detection_best),
        "detection_worst_seconds": _finite(budget.detection_worst),
        "failover_best_seconds": _finite(budget.failover_best),
        "failover_worst_seconds": _finite(budget.failover_worst),
    }


def _finite(seconds: float) -> float | None:
    return None if isinf(seconds) else seconds

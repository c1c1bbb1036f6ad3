"""``check --json``."""

from __future__ import annotations

from math import isinf
from typing import Any

from mpathd_watch.core.audit.effective_settings import whence
from mpathd_watch.core.audit_report import MapReport, Timeout
from mpathd_watch.core.catalog.findings import Finding
from mpathd_watch.core.model.budget import Budget
from mpathd_watch.core.state import MapState
from mpathd_watch.sinks.check.result import Result
from mpathd_watch.sinks.check.text import summary

VERSION = 1
_SETTINGS = (
    "polling_interval",
    "max_polling_interval",
    "fast_io_fail_tmo",
    "dev_loss_tmo",
    "no_path_retry",
    "path_checker",
    "checker_timeout",
)


def document(result: Result) -> dict[str, Any]:
    """The same as JSON-ready data, described in docs/findings.md. Where there is no limit, the value is ``null``."""
    report, state = result.report, result.state
    return {
        "version": VERSION,
        "status": result.status.name,
        "summary": summary(result),
        "findings": [_finding(finding) for finding in result.findings],
        "acknowledged": [{**_finding(each.finding), "reason": each.reason} for each in result.acknowledged],
        "budgets": {label: _bounds(budget) for label, budget in report.budgets.items()},
        "timeouts": {label: [_timeout(each) for each in timeouts] for label, timeouts in report.timeouts.items()},
        "maps": {
            state.maps[wwid].label: _map(state.maps[wwid], each)
            for wwid, each in report.maps.items()
            if not result.question.map or state.maps[wwid] in result.maps
        },
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity.name.lower(),
        "code": finding.kind.code,
        "subject": finding.subject,
        "objects": list(finding.objects or (finding.subject,)),
        "text": finding.text,
        "where": finding.where or None,
        "leads_to": finding.kind.value.leads_to,
        "remedy": finding.remedy,
    }


def _bounds(budget: Budget | None) -> dict[str, float | None] | None:
    if budget is None:
        return None
    return {f"{name}_seconds": seconds for name, seconds in budget.finite().items()}


def _timeout(timeout: Timeout) -> dict[str, str | float | None]:
    return {
        "timeout": timeout.name,
        "configured": _or_off(timeout.configured),
        "effective": _or_off(timeout.effective),
        "where": timeout.where or None,
        "why": timeout.why or None,
    }


def _or_off(seconds: float | None) -> float | str | None:
    return "off" if seconds is not None and isinf(seconds) else seconds


def _map(map_: MapState, report: MapReport) -> dict[str, Any]:
    settings = {name: getattr(report.settings, name) for name in _SETTINGS}
    worst = report.reinstatement_worst
    return {
        "wwid": map_.wwid,
        "health": map_.health.value,
        "usable": map_.usable,
        "expected": map_.expected,
        "optimized": map_.optimized,
        "budget": _bounds(report.budget),
        "reinstatement_worst_seconds": None if isinf(worst) else worst,
        "settings": {name: {"value": each.value, "origin": whence(each.origin)} for name, each in settings.items()},
    }

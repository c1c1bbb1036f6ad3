"""What ``check`` prints: a Nagios plugin's first line, the findings and the timeouts' promises; or the same as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from math import isinf
from typing import Any

from mpathd_watch.core.audit.effective_settings import whence
from mpathd_watch.core.audit.grouping import listed
from mpathd_watch.core.audit_report import AuditReport, MapReport, Timeout
from mpathd_watch.core.catalog.findings import Finding, Severity
from mpathd_watch.core.model.budget import Budget
from mpathd_watch.core.model.identity import in_order
from mpathd_watch.core.model.text import plural
from mpathd_watch.core.model.vocabulary import SourceName, Transport
from mpathd_watch.core.state import State
from mpathd_watch.core.transports import table

VERSION = 1
UNKNOWN = 3
"""Exit status of a Nagios plugin that could not check anything."""

BROKEN_BAR = "\N{BROKEN BAR}"

_OK = "OK"
_SETTINGS = (
    "polling_interval",
    "max_polling_interval",
    "fast_io_fail_tmo",
    "dev_loss_tmo",
    "no_path_retry",
    "path_checker",
    "checker_timeout",
)


def exit_status(report: AuditReport, state: State) -> int:
    """0, 1, 2 or 3: OK, WARNING, CRITICAL, UNKNOWN."""
    return int(report.severity) if state.source(SourceName.SYSFS).up else UNKNOWN


def text(report: AuditReport, state: State) -> str:
    """The lines for a terminal or a monitoring system, the status first.

    Nagios takes everything after a ``|`` for performance data, on the first line and once more below it. So the only
    one is ours; a ``|`` in a name or a quotation is printed as a broken bar.
    """
    first, *rest = (line.replace("|", BROKEN_BAR) for line in _lines(report, state))
    return "".join(f"{line}\n" for line in (f"{first} | {_figures(report)}", *rest))


def _figures(report: AuditReport) -> str:
    found = [finding.kind.value.severity for finding in report.findings]
    return " ".join(f"{severity.name.lower()}={found.count(severity)}" for severity in reversed(Severity))


def document(report: AuditReport, state: State) -> dict[str, Any]:
    """The same as JSON-ready data, described in docs/findings.md. Where there is no limit, the value is ``null``."""
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
        "timeouts": {label: [_timeout(each) for each in timeouts] for label, timeouts in report.timeouts.items()},
        "maps": {state.maps[wwid].label: _map(wwid, map_) for wwid, map_ in report.maps.items()},
    }


def _word(report: AuditReport, state: State) -> str:
    if not state.source(SourceName.SYSFS).up:
        return "UNKNOWN"
    return _OK if report.severity is Severity.INFO else report.severity.name


def _seen(state: State) -> str:
    """What the audit is about; a host without anything is one without iSCSI sessions."""
    counts = Counter(nexus.transport for nexus in state.nexuses.values()) or {Transport.ISCSI: 0}
    nexuses = (plural(counts[each], table.of(each).words.title) for each in Transport if each in counts)
    return " and ".join((plural(len(state.maps), "map"), *nexuses))


def _lines(report: AuditReport, state: State) -> Iterator[str]:
    seen = _seen(state)
    if not state.source(SourceName.SYSFS).up:
        summary = state.source(SourceName.SYSFS).detail or "sysfs can't be read"
    elif report.findings:
        summary = f"{plural(len(report.findings), 'finding')} on {seen}"
    else:
        summary = f"no findings on {seen}"
    yield f"MPATHD-WATCH {_word(report, state)}: {summary}"
    for kind, findings in groupby(report.findings, key=lambda finding: finding.kind):
        yield from map(_finding, findings)
        yield f"    {kind.value.leads_to} {kind.value.remedy}"
    promised = list(_promises(report, state))
    if promised:
        yield ""
        yield "Durations if a link fails silently, at best and at worst, by the timeouts in force:"
        yield from _columns(promised)
    overruled = list(_overruled(report))
    if overruled:
        yield ""
        yield "Timeouts in force that differ from the configured ones:"
        yield from _columns(overruled)


def _finding(finding: Finding) -> str:
    subject = finding.where if finding.where.startswith(f"{finding.subject}:") else finding.subject
    where = f" ({finding.where})" if finding.where and finding.where not in f"{subject} {finding.text}" else ""
    return f"{finding.kind.value.severity.name} {finding.kind.code}: {subject}: {finding.text}{where}"


def _columns(rows: list[tuple[str, str]]) -> Iterator[str]:
    width = max(len(name) for name, _ in rows)
    return (f"  {name:<{width}}  {text}" for name, text in rows)


@dataclass(frozen=True, slots=True)
class _Promise:
    """What the timeouts promise for a map; with its sessions, if these promise different things."""

    budget: Budget | None
    reinstatement_worst: float
    sessions: tuple[str, ...]


def _promises(report: AuditReport, state: State) -> Iterator[tuple[str, str]]:
    """The maps, those with the same promise on one line, then the sessions that no map uses."""
    alike: dict[_Promise, list[str]] = {}
    used: set[str] = set()
    for wwid, map_ in report.maps.items():
        through = {path.nexus for path in state.maps[wwid].paths.values()} & report.budgets.keys()
        used |= through
        differ = len({report.budgets[label] for label in through}) > 1
        promise = _Promise(
            map_.budget, map_.reinstatement_worst, tuple(sorted(through, key=in_order)) if differ else ()
        )
        if through:
            alike.setdefault(promise, []).append(state.maps[wwid].label)
    for promise, labels in alike.items():
        back = ""
        if not isinf(promise.reinstatement_worst):
            back = f", reinstatement up to {promise.reinstatement_worst:.0f} s after the return"
        yield listed(labels), _promised(promise.budget) + back
        for label in promise.sessions:
            yield f"  {label}", _promised(report.budgets[label])
    for label, budget in report.budgets.items():
        if label not in used:
            yield label, _promised(budget)


def _promised(budget: Budget | None) -> str:
    if budget is None:
        return "unknown, its timeouts can't be read"
    detection = _range(budget.detection_best, budget.detection_worst)
    failover = _range(budget.failover_best, budget.failover_worst)
    return f"detection {detection}, failover {failover}"


def _overruled(report: AuditReport) -> Iterator[tuple[str, str]]:
    for label, timeouts in report.timeouts.items():
        differing = [
            f"{each.name} {_shown(each.effective)}, configured {_shown(each.configured)}"
            for each in timeouts
            if each.configured is not None and each.effective is not None and each.configured != each.effective
        ]
        if differing:
            yield label, "; ".join(differing)


def _shown(seconds: float) -> str:
    return "off" if isinf(seconds) else f"{seconds:.0f} s"


def _range(best: float, worst: float) -> str:
    return "without limit" if isinf(worst) else f"{best:.0f} to {worst:.0f} s"


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


def _map(wwid: str, report: MapReport) -> dict[str, Any]:
    settings = {name: getattr(report.settings, name) for name in _SETTINGS}
    worst = report.reinstatement_worst
    return {
        "wwid": wwid,
        "budget": _bounds(report.budget),
        "reinstatement_worst_seconds": None if isinf(worst) else worst,
        "settings": {name: {"value": each.value, "origin": whence(each.origin)} for name, each in settings.items()},
    }

"""What ``check`` prints: a Nagios plugin's first line, a line a finding, and what is promised; or all of it as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from math import isinf
from typing import Any

from mpathd_watch.core.audit.effective_settings import whence
from mpathd_watch.core.audit.grouping import listed
from mpathd_watch.core.audit_report import MapReport, Report, Timeout
from mpathd_watch.core.catalog.findings import Finding, Severity
from mpathd_watch.core.model.identity import in_order
from mpathd_watch.core.model.text import plural
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import State
from mpathd_watch.core.verdicts.budget import Budget, reinstatement

VERSION = 1
UNKNOWN = 3
"""Exit status of a Nagios plugin that could not look."""

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
    """The same as JSON-ready data, described in docs/findings.md. A bound that there is not is ``null``."""
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
        "timeouts": {label: [_timeout(each) for each in known] for label, known in report.timeouts.items()},
        "maps": {state.maps[wwid].label: _map(wwid, known) for wwid, known in report.maps.items()},
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
    promised = list(_promises(report, state))
    if promised:
        yield ""
        yield "After a link breaks silently, at best and at worst, by the timeouts in force:"
        yield from _columns(promised)
    overruled = list(_overruled(report))
    if overruled:
        yield ""
        yield "Timeouts in force that are not the configured ones:"
        yield from _columns(overruled)


def _finding(finding: Finding) -> str:
    subject = finding.where if finding.where.startswith(f"{finding.subject}:") else finding.subject
    where = f" ({finding.where})" if finding.where and finding.where not in f"{subject} {finding.text}" else ""
    return f"{finding.kind.value.severity.name} {finding.kind.code}: {subject}: {finding.text}{where}"


def _columns(rows: list[tuple[str, str]]) -> Iterator[str]:
    width = max(len(name) for name, _ in rows)
    return (f"  {name:<{width}}  {told}" for name, told in rows)


@dataclass(frozen=True, slots=True)
class _Promise:
    """What is promised for a map, and by which sessions if they differ in it."""

    budget: Budget | None
    recheck_interval: int | None
    sessions: tuple[str, ...]


def _promises(report: Report, state: State) -> Iterator[tuple[str, str]]:
    """The maps, those with the same promises together, then the sessions that no map uses."""
    alike: dict[_Promise, list[str]] = {}
    used: set[str] = set()
    for wwid, known in report.maps.items():
        through = {path.session for path in state.maps[wwid].paths.values()} & report.budgets.keys()
        used |= through
        differ = len({report.budgets[label] for label in through}) > 1
        promise = _Promise(known.budget, known.recheck_interval, tuple(sorted(through, key=in_order)) if differ else ())
        if through:
            alike.setdefault(promise, []).append(state.maps[wwid].label)
    for promise, labels in alike.items():
        back = ""
        if promise.recheck_interval is not None:
            back = f", reinstated within {reinstatement(promise.recheck_interval)[1]:.0f} s of its return"
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
    return f"noticed after {detection}, path given up after {failover}"


def _overruled(report: Report) -> Iterator[tuple[str, str]]:
    for label, timeouts in report.timeouts.items():
        told = [
            f"{each.name} {_shown(each.effective)}, configured {_shown(each.configured)}"
            for each in timeouts
            if each.configured is not None and each.effective is not None and each.configured != each.effective
        ]
        if told:
            yield label, "; ".join(told)


def _shown(seconds: float) -> str:
    return "off" if isinf(seconds) else f"{seconds:.0f} s"


def _range(best: float, worst: float) -> str:
    return "no bound" if isinf(worst) else f"{best:.0f} to {worst:.0f} s"


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


def _map(wwid: str, known: MapReport) -> dict[str, Any]:
    settings = {name: getattr(known.settings, name) for name in _SETTINGS}
    recheck = known.recheck_interval
    return {
        "wwid": wwid,
        "budget": _bounds(known.budget),
        "reinstatement_worst_seconds": None if recheck is None else reinstatement(recheck)[1],
        "settings": {name: {"value": each.value, "origin": whence(each.origin)} for name, each in settings.items()},
    }

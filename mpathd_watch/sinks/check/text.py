"""The lines of ``check``: a Nagios plugin's first line with its figures, maps in trouble, findings and promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from math import isinf

from mpathd_watch.core.audit_report import AuditReport
from mpathd_watch.core.catalog.findings import Finding, Severity
from mpathd_watch.core.model.budget import Budget
from mpathd_watch.core.model.identity import by_label, in_order
from mpathd_watch.core.model.text import listed, plural
from mpathd_watch.core.model.vocabulary import Health, MapHealth, Transport
from mpathd_watch.core.state import MapState, PathState, State
from mpathd_watch.core.transports import table
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.check.result import Result
from mpathd_watch.sinks.exit_status import of_health
from mpathd_watch.sinks.words import PATHS_WORST_FIRST, badness, counted

BROKEN_BAR = "\N{BROKEN BAR}"
MOST_FINDINGS = 200
"""Findings that are printed: more are a fault of one kind, and a monitoring system keeps a few KiB."""
_MOST_PATHS = 4
"""Paths of a map that its line names."""


def text(result: Result) -> str:
    """The lines for a terminal or a monitoring system, the status first.

    Nagios takes everything after a ``|`` for performance data, on the first line and once more below it. So the only
    one is ours; a ``|`` in a name or a quotation is printed as a broken bar.
    """
    first, *rest = (line.replace("|", BROKEN_BAR) for line in _lines(result))
    if not result.failure:
        first += f" | {' '.join(_figures(result))}"
    return "".join(f"{line}\n" for line in (first, *rest))


def _figures(result: Result) -> Iterator[str]:
    """Performance data: ``LABEL=VALUE``, or ``LABEL=VALUE;WARNING;CRITICAL;MINIMUM;MAXIMUM`` without thresholds."""
    if result.question.paths or result.question.map:
        healths = Counter(map_.health for map_ in result.maps)
        yield f"maps={len(result.maps)}"
        for health in MapHealth:
            yield f"maps_{health}={healths[health]}"
        expected = sum(map_.expected for map_ in result.maps)
        yield f"paths_usable={sum(map_.usable for map_ in result.maps)};;;0;{expected}"
        yield f"paths_expected={expected}"
    if result.question.configuration and not result.question.map:
        found = Counter(finding.severity for finding in result.findings)
        for severity in reversed(Severity):
            yield f"findings_{severity.name.lower()}={found[severity]}"


def _lines(result: Result) -> Iterator[str]:
    yield f"MPATHD-WATCH {result.status.name}: {summary(result)}"
    if result.failure:
        return
    for map_ in result.troubled:
        yield f"{of_health(map_.health, result.question.at_risk).name} map_{map_.health}: {_map(map_)}"
    shown = result.findings[:MOST_FINDINGS]
    for (kind, remedy), findings in groupby(shown, key=lambda finding: (finding.kind, finding.remedy)):
        yield from map(_finding, findings)
        yield f"    {kind.value.leads_to} {remedy}"
    if len(result.findings) > len(shown):
        yield f"{plural(len(result.findings) - len(shown), 'more finding')}; --json prints all of them"
    for finding, reason in result.acknowledged:
        yield f"ACKNOWLEDGED {finding.kind.code}: {finding.subject}: {finding.text}: {reason}"
    if result.question.configuration and not result.question.map:
        yield from _timeouts(result.report, result.state)


def summary(result: Result) -> str:
    """What the first line says beside the status."""
    if result.failure:
        return result.failure
    parts = []
    if result.question.paths or result.question.map:
        parts.append(_paths(result))
    if result.question.configuration and not result.question.map:
        seen = "" if parts else f" on {_seen(result.state)}"
        parts.append((plural(len(result.findings), "finding") if result.findings else "no findings") + seen)
    elif result.findings:
        parts += [f"{finding.subject}: {finding.text}" for finding in result.findings[:1]]
    return "; ".join(parts)


def _paths(result: Result) -> str:
    """All that is well in one clause, or the worst map with its worst path."""
    maps = result.maps
    usable, expected = sum(map_.usable for map_ in maps), sum(map_.expected for map_ in maps)
    if result.question.map:
        return _map(maps[0])
    if not result.troubled:
        return f"{_seen(result.state)}, {usable} of {plural(expected, 'path')} usable" if maps else _seen(result.state)
    worst, others = result.troubled[0], len(result.troubled) - 1
    more = f"; {plural(others, 'more map')} not healthy" if others else ""
    return f"{plural(len(maps), 'map')}: {counted([map_.health for map_ in maps])} ({_map(worst)}{more})"


def _map(map_: MapState) -> str:
    bad = sorted(
        (path for path in map_.paths.values() if path.health is not Health.UP),
        key=lambda path: (badness(path.health, PATHS_WORST_FIRST), by_label(path)),
    )
    named = [_path(path) for path in bad[:_MOST_PATHS]]
    if len(bad) > len(named):
        named.append(f"{len(bad) - len(named)} more")
    paths = f", {', '.join(named)}" if named else ""
    return f"{map_.label}: {map_.usable} of {plural(map_.expected, 'path')} usable{paths}"


def _path(path: PathState) -> str:
    device = f" ({path.place.dev})" if path.place.dev else ""
    return f"{path.label}{device} {path.health}"


def _seen(state: State) -> str:
    """What there is on the host; one without anything is a host without iSCSI sessions."""
    counts = Counter(nexus.transport for nexus in state.nexuses.values()) or {Transport.ISCSI: 0}
    nexuses = (plural(counts[each], table.of(each).words.title) for each in Transport if each in counts)
    return " and ".join((plural(len(state.maps), "map"), *nexuses))


def _finding(finding: Finding) -> str:
    subject = finding.where if finding.where.startswith(f"{finding.subject}:") else finding.subject
    where = f" ({finding.where})" if finding.where and finding.where not in f"{subject} {finding.text}" else ""
    return f"{finding.severity.name} {finding.kind.code}: {subject}: {finding.text}{where}"


def _timeouts(report: AuditReport, state: State) -> Iterator[str]:
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


def _columns(rows: list[tuple[str, str]]) -> Iterator[str]:
    width = max(len(name) for name, _ in rows)
    return (f"  {name:<{width}}  {text}" for name, text in rows)


@immutable
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

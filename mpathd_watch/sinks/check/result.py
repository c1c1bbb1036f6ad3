"""The result of ``check``: which maps and findings count, and the exit status that they add up to."""

from __future__ import annotations

from mpathd_watch.core.audit_report import Acknowledged, AuditReport
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.model.identity import by_label
from mpathd_watch.core.model.vocabulary import MapHealth, SourceName
from mpathd_watch.core.state import MapState, State
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.exit_status import Status, of_health, worst
from mpathd_watch.sinks.words import MAPS_WORST_FIRST, badness

_OF_PATHS = frozenset(
    {
        *(FindingKind.NO_MAP, FindingKind.MAP_WITHOUT_PATH),
        *(FindingKind.MULTIPATHD_NOT_RUNNING, FindingKind.MULTIPATHD_NOT_ANSWERING, FindingKind.ISCSID_NOT_RUNNING),
    }
)
"""Findings about what the health of the paths depends on."""


@immutable
class Question:
    """What is asked: about ``paths``, ``configuration`` or both; ``map`` (name or WWID) limits it to one map's paths.

    ``at_risk`` is the status of a map that has one usable path left.
    """

    paths: bool = True
    configuration: bool = True
    map: str = ""
    at_risk: Status = Status.WARNING


@immutable
class Result:
    """The ``status``, and what it follows from: the ``maps`` and the ``findings`` asked about, the worst first.

    ``failure``: why there is nothing to judge; empty if there is something.
    """

    question: Question
    state: State
    report: AuditReport
    status: Status
    maps: tuple[MapState, ...] = ()
    findings: tuple[Finding, ...] = ()
    acknowledged: tuple[Acknowledged, ...] = ()
    failure: str = ""

    @property
    def troubled(self) -> tuple[MapState, ...]:
        """The maps that are not healthy."""
        return tuple(map_ for map_ in self.maps if map_.health is not MapHealth.HEALTHY)


def judge(report: AuditReport, state: State, question: Question) -> Result:
    """Judge what is known by what is asked. A host whose sysfs can't be read is never OK."""
    sysfs = state.source(SourceName.SYSFS)
    if not sysfs.up:
        return Result(question, state, report, Status.UNKNOWN, failure=sysfs.detail or "sysfs can't be read")
    maps = _asked(state, question)
    if question.map and not maps:
        return Result(question, state, report, Status.CRITICAL, failure=f"there is no map {question.map!a}")
    findings = tuple(finding for finding in report.findings if _counts(finding, question))
    acknowledged = tuple(each for each in report.acknowledged if _counts(each.finding, question))
    found = [of_health(map_.health, question.at_risk) for map_ in maps]
    found += [Status(finding.severity) for finding in findings]
    return Result(question, state, report, worst(found), maps, findings, acknowledged)


def _asked(state: State, question: Question) -> tuple[MapState, ...]:
    if not (question.paths or question.map):
        return ()
    maps = [map_ for map_ in state.maps.values() if question.map in ("", map_.label, map_.name, map_.wwid)]
    return tuple(sorted(maps, key=lambda map_: (badness(map_.health, MAPS_WORST_FIRST), by_label(map_))))


def _counts(finding: Finding, question: Question) -> bool:
    if question.map:
        return False
    return question.configuration or finding.kind in _OF_PATHS

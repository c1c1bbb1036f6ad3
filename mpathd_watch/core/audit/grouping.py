"""One finding for all objects that share its cause, and apart from these, what is acknowledged.

The rooms of the audit report each object by itself. Acknowledgements are about objects, so they are applied first; what
is left is counted and named together.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import field

from mpathd_watch.core.audit_report import Acknowledged
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.model.acknowledgement import Acknowledgement
from mpathd_watch.core.model.text import MOST_NAMED, listed
from mpathd_watch.immutable import immutable

ONE_BY_ONE = frozenset(
    {
        *(FindingKind.MAP_WITHOUT_PATH, FindingKind.WWID_DIFFERS),
        *(FindingKind.ONE_MAP_TWO_LUNS, FindingKind.ONE_LUN_TWO_MAPS),
    }
)
"""Kinds so grave that each object has a finding of its own, unless there are more of them than are named."""


@immutable
class Sighting(Finding):
    """A finding about one object, whose text is another one for several objects of the same ``cause``.

    ``parts`` are what the text of several objects counts and names, each part once; ``told`` makes this text. Without
    it, the text of the first object counts for all.
    """

    parts: tuple[str, ...] = ()
    told: Callable[[Sequence[str]], str] | None = field(default=None, compare=False)


def grouped(found: Iterable[Finding]) -> Iterator[Finding]:
    """One finding for each kind and cause, in the order of their first objects.

    The cause is that of a ``Sighting``. Other findings have the same cause if text and line are the same.
    """
    groups: dict[Hashable, dict[str, Finding]] = {}
    for finding in found:
        alike = (finding.kind, finding.level, finding.advice)
        groups.setdefault((*alike, _cause(finding)), {}).setdefault(finding.subject, finding)
    for members in groups.values():
        findings = list(members.values())
        if findings[0].kind in ONE_BY_ONE and len(findings) <= MOST_NAMED:
            yield from map(_alone, findings)
        else:
            yield _together(findings)


def without_acknowledged(
    found: Iterable[Finding], acknowledgements: Iterable[Acknowledgement]
) -> tuple[list[Finding], list[Acknowledged]]:
    """The findings, grouped: those that count, and those that are acknowledged.

    The first entry that fits an object decides. One that fits nothing is no fault: what it is about may come back.
    """
    entries = list(acknowledgements)
    counting: list[Finding] = []
    meant: dict[str, list[Finding]] = {}
    for finding in found:
        entry = next((each for each in entries if each.fits(finding.kind.code, finding.subject)), None)
        if entry is None:
            counting.append(finding)
        else:
            meant.setdefault(entry.reason, []).append(finding)
    acknowledged = [Acknowledged(each, reason) for reason, findings in meant.items() for each in grouped(findings)]
    return list(grouped(counting)), acknowledged


def _cause(finding: Finding) -> Hashable:
    return finding.cause if isinstance(finding, Sighting) else (finding.text, finding.where)


def _alone(finding: Finding) -> Finding:
    return _together([finding])


def _together(findings: Sequence[Finding]) -> Finding:
    first, objects = findings[0], [finding.subject for finding in findings]
    text = first.text
    if isinstance(first, Sighting) and first.told is not None and len(findings) > 1:
        text = first.told(list(dict.fromkeys(part for each in findings for part in _parts(each))))
    return Finding(
        first.kind,
        listed(objects),
        text,
        first.where,
        first.level,
        first.advice,
        tuple(objects) if len(objects) > 1 else (),
        _cause(first),
    )


def _parts(finding: Finding) -> tuple[str, ...]:
    return finding.parts if isinstance(finding, Sighting) else ()

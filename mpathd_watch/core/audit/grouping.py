"""One finding for all objects that share its cause, with their names."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mpathd_watch.core.catalog.findings import Finding, FindingKind

MOST_NAMED = 3


def listed(names: Sequence[str]) -> str:
    """``a, b, c and 9 more``."""
    shown = ", ".join(names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED} more"


@dataclass(frozen=True, slots=True)
class Sighting(Finding):
    """A finding about one object, whose text is another one for several objects of the same ``cause``.

    ``parts`` are what the text of several objects counts and names; ``told`` makes this text.
    """

    cause: Hashable = field(default="", compare=False)
    parts: tuple[str, ...] = ()
    told: Callable[[Sequence[str]], str] = field(default=", ".join, compare=False)


@dataclass(slots=True)
class Grouped:
    """Findings by their text; the subject of each is the list of the maps that it is about."""

    subjects: dict[tuple[FindingKind, str, str], list[str]] = field(default_factory=dict)

    def add(self, kind: FindingKind, subject: str, text: str, where: str = "") -> None:
        """Add a map."""
        self.subjects.setdefault((kind, text, where), []).append(subject)

    def findings(self) -> Iterator[Finding]:
        """The findings, in the order in which the first map of each was added."""
        for (kind, text, where), subjects in self.subjects.items():
            yield Finding(kind, listed(subjects), text, where)


def grouped(found: Iterable[Finding]) -> Iterator[Finding]:
    """One finding for each kind and cause, in the order of their first objects; a plain finding stays as it is."""
    groups: dict[Hashable, list[Finding]] = {}
    for finding in found:
        key: Hashable = (finding.kind, finding.cause) if isinstance(finding, Sighting) else (finding, len(groups))
        groups.setdefault(key, []).append(finding)
    for findings in groups.values():
        yield _together(findings)


def _together(findings: Sequence[Finding]) -> Finding:
    first = findings[0]
    if not isinstance(first, Sighting):
        return first
    text = first.text
    if len(findings) > 1:
        text = first.told([part for each in findings if isinstance(each, Sighting) for part in each.parts])
    return Finding(first.kind, listed([each.subject for each in findings]), text, first.where)

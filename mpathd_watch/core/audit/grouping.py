"""One finding for all maps that share it, with their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mpathd_watch.core.catalog.findings import Finding, FindingKind

MOST_NAMED = 3


def listed(names: Sequence[str]) -> str:
    """``a, b, c and 9 more``."""
    shown = ", ".join(names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED} more"


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

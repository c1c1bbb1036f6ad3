"""Findings of which each object has its own evidence: for several objects, the first is the example."""

from __future__ import annotations

from collections.abc import Sequence

from mpathd_watch.core.audit.grouping import Sighting
from mpathd_watch.core.catalog.findings import FindingKind


def example(kind: FindingKind, subject: str, text: str, several: str) -> Sighting:
    """A finding about one object. ``several`` is the sentence for more of them, with ``{}`` for their number."""

    def about_several(each: Sequence[str]) -> str:
        return f"{several.format(len(each))}, for example {each[0]}"

    return Sighting(kind, subject, text, cause=several, parts=(f"{subject}: {text}",), told=about_several)

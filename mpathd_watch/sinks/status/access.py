"""The access states that an array reports (ALUA), on screen and page: only where they say something of a map."""

from __future__ import annotations

from mpathd_watch.core.model.text import plural
from mpathd_watch.core.model.vocabulary import AccessState
from mpathd_watch.sinks.status.document import MapEntry


def shows_access(entry: MapEntry) -> bool:
    """Whether a path of the map has an access state other than active/optimized."""
    return any(path["states"].get("access") not in (None, AccessState.OPTIMIZED) for path in entry["paths"])


def usable(entry: MapEntry) -> str:
    """``2 of 2 paths usable``, then how many are optimized if the access states are shown, and how many never seen."""
    text = f"{entry['usable']} of {plural(entry['expected'], 'path')} usable"
    unnamed = entry["expected"] - len(entry["paths"])
    never = f", {unnamed} never seen" if unnamed > 0 else ""
    return text + (f", {entry['optimized']} optimized" if shows_access(entry) else "") + never

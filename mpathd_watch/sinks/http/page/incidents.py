"""The incidents that go on: what one cause has taken, since when, and how to list all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from mpathd_watch.core.model.text import duration, plural
from mpathd_watch.core.model.vocabulary import MapHealth
from mpathd_watch.sinks import words
from mpathd_watch.sinks.http.page.html import badge, sentence, short_list
from mpathd_watch.sinks.status.document import IncidentEntry
from mpathd_watch.sinks.words import MAPS_WORST_FIRST, badness

MOST: Final = 8
"""Incidents that are shown. More are counted: the outages and maps below have them all."""


def incidents(found: Iterable[IncidentEntry]) -> str:
    """The section about the incidents, the worst first; empty if there is none."""
    every = sorted(found, key=lambda incident: badness(incident["worst"] or MapHealth.UNKNOWN, MAPS_WORST_FIRST))
    if not every:
        return ""
    rest = len(every) - MOST
    more = plural(rest, "other incident") if rest > 0 else ""
    return short_list("incidents", "Incidents", [_entry(incident) for incident in every[:MOST]], more)


def _entry(incident: IncidentEntry) -> str:
    taken = f"{plural(incident['paths'], 'path')} of {plural(incident['maps'], 'map')}"
    causes = " and ".join(words.cause(cause) for cause in incident["causes"])
    worst = f"{badge(incident['worst'])} " if incident["worst"] else ""
    return (
        f"<li><div>{worst}<strong>{escape(incident['what'] or taken)}</strong> "
        f'<span class="cause">{escape(sentence(causes))}</span></div>'
        f"<div>{taken}, {incident['out']} not up <small>for {duration(incident['seconds'])}</small></div>"
        f"<p>journalctl MPATHD_WATCH_INCIDENT={escape(incident['id'])}</p></li>"
    )

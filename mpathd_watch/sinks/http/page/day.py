"""The last 24 hours of a map as a bar: what health it had when, and when nobody watched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from html import escape
from typing import Final

from mpathd_watch.core.model.text import duration
from mpathd_watch.core.model.vocabulary import MapHealth
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks import words
from mpathd_watch.sinks.dates import date
from mpathd_watch.sinks.http.page.html import tone
from mpathd_watch.sinks.status.document import MapEntry
from mpathd_watch.sinks.words import MAPS_WORST_FIRST
from mpathd_watch.store.day import Change, Day

UNWATCHED: Final = "not watched"
_NO_TROUBLE: Final = frozenset({MapHealth.HEALTHY.value, MapHealth.UNKNOWN.value, UNWATCHED})
_WIDE: Final = 1000
_LEAST: Final = 6
"""Of ``_WIDE``: what a stretch of trouble has at least, because an outage of 40 s would be too narrow to be seen."""
MOST_STRETCHES: Final = 60
"""Stretches of a bar; of a map that flaps all day only the newest are drawn."""


@immutable
class Stretch:
    """From ``begin`` to ``end`` the map had this health, or ``UNWATCHED``."""

    begin: float
    end: float
    health: str

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.end - self.begin


def bar(day: Day | None, entry: MapEntry, now: float, zone: tzinfo | None) -> str:
    """The bar, with a sentence for who can't see it; empty if nothing is known. ``now`` is the wall clock."""
    found = list(stretches(day, entry, now)) if day is not None else []
    if day is None or not found:
        return ""
    begin = now - (day.end - day.begin)
    drawn = "".join(_rectangle(stretch, begin, now, zone) for stretch in found[-MOST_STRETCHES:])
    troubled = [stretch for stretch in found if stretch.health not in _NO_TROUBLE]
    trouble = escape(summary(troubled)) if troubled else ""
    return (
        f'<span class="day"><svg viewBox="0 0 {_WIDE} 10" preserveAspectRatio="none" role="img" '
        f'aria-label="last 24 h: {escape(summary(found))}">{drawn}</svg><small>{trouble}</small></span>'
    )


def stretches(day: Day, entry: MapEntry, now: float) -> Iterator[Stretch]:
    """What is known of the map's last 24 hours, the oldest first. The newest health is that of the document."""
    begin = max(now - (day.end - day.begin), day.known)
    changes = [*day.changes.get(entry["wwid"], ())]
    if not changes or changes[-1].health != entry["health"]:
        changes.append(Change(now - entry["seconds"], entry["health"]))
    ends = [*(change.at for change in changes[1:]), now]
    for change, end in zip(changes, ends, strict=True):
        since = max(change.at, begin)
        if since >= end:
            continue  # before the day, or the clock was set back
        for gap_begin, gap_end in day.unwatched:
            if since < min(gap_end, end) and gap_begin < end:
                if gap_begin > since:
                    yield Stretch(since, gap_begin, change.health)
                yield Stretch(max(gap_begin, since), min(gap_end, end), UNWATCHED)
                since = gap_end
        if end > since:
            yield Stretch(since, end, change.health)


def summary(found: Sequence[Stretch]) -> str:
    """``healthy``, or how long the map was in which trouble, the worst first, and how long nobody watched."""
    spent: dict[str, float] = {}
    for stretch in found:
        spent[stretch.health] = spent.get(stretch.health, 0.0) + stretch.seconds
    known = [word.value for word in MAPS_WORST_FIRST]
    order = [*sorted(set(spent) - {*known, UNWATCHED}), *known, UNWATCHED]
    texts = [
        f"{words.in_words(health)} {duration(spent[health])}"
        for health in order
        if health in spent and health != MapHealth.HEALTHY
    ]
    return ", ".join(texts) or "healthy"


def _rectangle(stretch: Stretch, begin: float, end: float, zone: tzinfo | None) -> str:
    scale = _WIDE / (end - begin)
    left, wide = (stretch.begin - begin) * scale, stretch.seconds * scale
    if stretch.health not in _NO_TROUBLE:
        wide = max(wide, _LEAST)
        left = min(left, _WIDE - wide)
    kind = "gap" if stretch.health == UNWATCHED else tone(stretch.health)
    if stretch.health == MapHealth.LOST:
        kind += " lost"
    times = f"{date(stretch.begin, zone):%H:%M:%S} to {date(stretch.end, zone):%H:%M:%S}"
    title = f"{words.in_words(stretch.health)} {times} ({duration(stretch.seconds)})"
    place = f'x="{left:.1f}" y="0" width="{wide:.1f}" height="10"'
    return f'<rect class="{kind}" {place}><title>{escape(title)}</title></rect>'

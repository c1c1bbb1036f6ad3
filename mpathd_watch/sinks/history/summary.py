"""The lines below the table: how many outages, the time at risk of each map, the worst failover, what is not proven."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import tzinfo
from typing import Final

from mpathd_watch.core.model.mappings import empty
from mpathd_watch.core.model.text import clean, duration, listed, plural
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.history.text import drill_text, moment
from mpathd_watch.sinks.words import in_words
from mpathd_watch.store.past import MapRisk, PastDrill, PastOutage, ProvenPath

WORST_WITHIN_DAYS: Final = 90
"""The days of which the worst failover is shown."""


@immutable
class Summary:
    """What the filters have left: ``verdicts`` counts outages by verdict, an empty word for those that are open.

    ``worst`` is the outage with the longest failover of the last ``WORST_WITHIN_DAYS``. ``risks``, ``unproven``
    and ``drills`` (the newest last) are about the same maps and paths.
    """

    verdicts: Mapping[str, int] = field(default_factory=empty)
    risks: Sequence[MapRisk] = ()
    worst: PastOutage | None = None
    unproven: Sequence[ProvenPath] = ()
    drills: Sequence[PastDrill] = ()

    @property
    def outages(self) -> int:
        """How many outages there are."""
        return sum(self.verdicts.values())


def summary_lines(summary: Summary, zone: tzinfo | None = None) -> Iterator[str]:
    """The lines; none is about something that there is not."""
    counts = ", ".join(
        f"{count} {in_words(clean(word)) if word else 'open'}"
        for word, count in sorted(summary.verdicts.items())
        if count
    )
    yield plural(summary.outages, "outage") + (f": {counts}" if counts else "")
    for risk in summary.risks:
        parts = [f"{duration(risk.at_risk)} at risk"] if risk.at_risk else []
        parts += [f"{duration(risk.lost)} lost"] if risk.lost else []
        if parts:
            yield f"{clean(risk.map)}: {', '.join(parts)}"
    if summary.worst is not None and (took := summary.worst.phases.get("failover")) is not None:
        outage = summary.worst
        allowed = outage.bounds.get("failover")
        budget = f" of at most {duration(allowed)}" if allowed is not None else ""
        yield (
            f"longest failover within {WORST_WITHIN_DAYS} days: {took.text}{budget}, {clean(outage.map)} "
            f"{clean(outage.path)}, {moment(outage.began, zone)} ({clean(outage.id)})"
        )
    if summary.drills:
        passed, last = sum(drill.passed for drill in summary.drills), summary.drills[-1]
        yield (
            f"{plural(len(summary.drills), 'drill')}: {passed} passed; the last one on {drill_text(last)}, "
            f"{moment(last.began, zone)} ({clean(last.id)})"
        )
    if summary.unproven:
        names = [f"{clean(each.map)} {clean(each.path)}" for each in summary.unproven]
        yield f"failover never proven: {plural(len(names), 'path')} ({listed(names)}; see --unproven)"


def unproven_lines(paths: Sequence[ProvenPath], zone: tzinfo | None = None) -> Iterator[str]:
    """A line for each path: its map, its name, and when it last kept its failover budget."""
    maps, names = [clean(each.map) for each in paths], [clean(each.path) for each in paths]
    map_room, room = max(map(len, maps), default=0), max(map(len, names), default=0)
    for each, map_, name in zip(paths, maps, names, strict=True):
        last = "never proven" if each.proven is None else f"last proven {moment(each.proven, zone)}"
        yield f"{map_:<{map_room}}  {name:<{room}}  {last}"

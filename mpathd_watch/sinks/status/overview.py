"""What the screen, the page and the summary share: the state of the host in one line, and what I/O of a map will do."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, tzinfo

from mpathd_watch.core.model.text import plural
from mpathd_watch.core.model.vocabulary import MapHealth
from mpathd_watch.sinks.status.choice import has_fault
from mpathd_watch.sinks.status.document import Document, MapEntry, PathEntry
from mpathd_watch.sinks.words import MAPS_WORST_FIRST, PATHS_WORST_FIRST, badness, counted

_HALF_A_DAY = 43200


def overview(healths: Collection[str], *, started: bool) -> str:
    """``3 maps: 2 healthy, 1 at risk``, or why there is no map to report."""
    if not started:
        return "reading the host for the first time"
    if not healths:
        return "no multipath maps on this host"
    return f"{plural(len(healths), 'map')}: {counted(healths)}"


def overview_of(document: Document) -> str:
    """The overview of a status document."""
    return overview([entry["health"] for entry in document["maps"]], started=document["daemon"]["started"])


def outlook(entry: MapEntry) -> str:
    """Whether I/O hangs or fails without a usable path; empty while there is more than one, or if it is not known.

    A map that is only expected has no I/O.
    """
    if not entry.get("exists", True):
        return "the map does not exist"
    if entry["queues"] is None or entry["health"] not in (MapHealth.LOST, MapHealth.AT_RISK):
        return ""
    effect = "I/O hangs" if entry["queues"] else "I/O fails"
    return effect if entry["health"] == MapHealth.LOST else f"{effect} if the last path is lost"


def maps_worst_first(document: Document) -> list[MapEntry]:
    """The maps, the worst first; of those that are healthy, the ones with a fault first."""
    return sorted(
        document["maps"], key=lambda entry: (badness(entry["health"], MAPS_WORST_FIRST), not has_fault(entry))
    )


def paths_worst_first(entry: MapEntry) -> list[PathEntry]:
    """The map's paths, the worst first."""
    return sorted(entry["paths"], key=lambda path: badness(path["health"], PATHS_WORST_FIRST))


def clock_or_date(moment: str, seconds: float, zone: tzinfo | None) -> str:
    """A moment of the document that was ``seconds`` ago: the clock in ``zone``, with the date if it is long ago."""
    local = datetime.fromisoformat(moment).astimezone(zone)
    return local.strftime("%H:%M:%S" if seconds < _HALF_A_DAY else "%b %d %H:%M")

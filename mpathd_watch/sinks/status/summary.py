"""The status line that ``systemctl status`` shows."""

from __future__ import annotations

from mpathd_watch.core.model.identity import by_label
from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.vocabulary import Health, MapHealth
from mpathd_watch.core.state import MapState, PathState
from mpathd_watch.sinks.status.overview import overview
from mpathd_watch.sinks.view import View
from mpathd_watch.sinks.words import MAPS_WORST_FIRST, PATHS_WORST_FIRST, badness, clock, in_words, missed

MAX_LENGTH = 240
"""Characters: what fits three lines of a terminal, far below the 4096 bytes of a notification."""


def summary(view: View) -> str:
    """How many maps in which health, the worst with its worst path, sources that are down, a journald that hangs."""
    parts = [_maps(view), *_sources(view), *_journal(view)]
    line = "; ".join(parts)
    return line if len(line) <= MAX_LENGTH else f"{line[: MAX_LENGTH - 1]}…"


def _maps(view: View) -> str:
    maps = list(view.state.maps.values())
    line = overview([map_.health for map_ in maps], started=view.state.started)
    troubled = sorted(
        (map_ for map_ in maps if map_.health is not MapHealth.HEALTHY),
        key=lambda map_: (badness(map_.health, MAPS_WORST_FIRST), by_label(map_)),
    )
    if troubled:
        others = len(troubled) - 1
        line += f" ({_trouble(troubled[0], view)}{f'; {others} more not healthy' if others else ''})"
    return line


def _trouble(map_: MapState, view: View) -> str:
    label = clean(map_.label)
    paths = sorted(
        (path for path in map_.paths.values() if path.health is not Health.UP),
        key=lambda path: (badness(path.health, PATHS_WORST_FIRST), by_label(path)),
    )
    if not paths:
        return f"{label}: {in_words(map_.health)} {clock(view.now.since(map_.since))}"
    others = len(paths) - 1
    return f"{label}: {_path(paths[0], view)}{f' and {others} more' if others else ''}"


def _path(path: PathState, view: View) -> str:
    began = path.outage.began if path.outage is not None else path.verdict.since
    return f"{clean(path.label)} {path.health} {clock(view.now.since(began))}"


def _sources(view: View) -> list[str]:
    return [
        f"{name} down ({clean(source.reason) or 'no reason given'})"
        for name, source in sorted(view.state.sources.items())
        if missed(source.up, source.reason)
    ]


def _journal(view: View) -> list[str]:
    journal = view.outlets.get("journal")
    return [f"journald does not read; entries that wait: {journal.waiting}"] if journal and journal.stalled else []

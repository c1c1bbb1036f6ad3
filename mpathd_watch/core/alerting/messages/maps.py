"""Entries about maps."""

from __future__ import annotations

from mpathd_watch.core.alerting.messages.fields import map_fields, name, usable
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.layers import table as layers
from mpathd_watch.core.model.identity import by_label
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import duration, plural
from mpathd_watch.core.model.vocabulary import USABLE, Health, MapHealth
from mpathd_watch.core.state import MapState

_KINDS = {
    MapHealth.HEALTHY: AlertKind.MAP_RECOVERED,
    MapHealth.DEGRADED: AlertKind.MAP_DEGRADED,
    MapHealth.AT_RISK: AlertKind.MAP_AT_RISK,
    MapHealth.LOST: AlertKind.MAP_LOST,
}
MOST_NAMED = 4
"""Paths that a message names."""


def map_changed(map_: MapState, previous: MapHealth, now: Instant) -> Alert:
    """The alert for a map that has come into ``map_.health``."""
    kind = _KINDS[map_.health]
    # A path that is only suspect has an alert of its own, and all paths are still used.
    only_suspect = map_.health is MapHealth.DEGRADED and all(path.health in USABLE for path in map_.paths.values())
    return Alert(
        kind,
        Priority.INFO if only_suspect else kind.value.priority,
        f"{map_.label}: {_text(map_, now)}.",
        {**map_fields(map_), "HEALTH": map_.health.value, "PREVIOUS_HEALTH": previous.value},
    )


def _text(map_: MapState, now: Instant) -> str:
    match map_.health:
        case MapHealth.LOST:
            stalled = any(path.health is Health.STALLED for path in map_.paths.values())
            holding = "the kernel still holds I/O for a stalled path, then " if stalled else ""
            paths = f" ({_not_up(map_)})" if map_.paths else ""
            return f"no usable path{paths}: {holding}{_without_path(map_, lost=True)}"
        case MapHealth.AT_RISK:
            last = name(next(path for path in map_.paths.values() if path.health in USABLE))
            others = _not_up(map_)
            alone = f"the only path left of {len(map_.paths)} ({others})" if others else "its only path"
            return f"{last} is {alone}; if it fails, {_without_path(map_, lost=False)}"
        case MapHealth.DEGRADED:
            return f"degraded, {usable(map_)} ({_not_up(map_)})"
        case _:
            took = f" after {duration(now.since(map_.troubled))}" if map_.troubled else ""
            return f"healthy again{took}, all {plural(len(map_.paths), 'path')} up"


def _not_up(map_: MapState) -> str:
    """The paths that are not up, worst first, at most ``MOST_NAMED`` by name."""
    order = tuple(Health)
    bad = sorted(
        (path for path in map_.paths.values() if path.health is not Health.UP),
        key=lambda path: (order.index(path.health), by_label(path)),
    )
    named = [f"{path.label} {path.health}" for path in bad[:MOST_NAMED]]
    if len(bad) > len(named):
        named.append(f"{len(bad) - len(named)} more")
    return ", ".join(named)


def _without_path(map_: MapState, *, lost: bool) -> str:
    return layers.of(map_.layer).without_path(map_.queues, map_.queueing.text, lost)

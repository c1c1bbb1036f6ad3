"""Entries about maps."""

from __future__ import annotations

from mpathd_watch.core.alerting.messages.fields import forget, map_fields, name, usable
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.layers import table as layers
from mpathd_watch.core.layers.row import Waiting
from mpathd_watch.core.model.identity import by_label
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.outage import Span
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


def map_changed(map_: MapState, previous: MapHealth, troubled: Span | None, waiting: Waiting) -> Alert:
    """The alert for a map that has come into ``map_.health``; ``troubled``: for how long it has not been healthy.

    ``waiting``: how long its I/O waits without a path.
    """
    kind = _KINDS[map_.health]
    # A path that is only suspect has an alert of its own, and all paths are still used.
    only_suspect = map_.health is MapHealth.DEGRADED and all(path.health in USABLE for path in map_.paths.values())
    return Alert(
        kind,
        Priority.INFO if only_suspect else kind.value.priority,
        f"{map_.label}: {_text(map_, troubled, waiting)}.",
        {**map_fields(map_), "HEALTH": map_.health.value, "PREVIOUS_HEALTH": previous.value},
    )


def map_io_fails(map_: MapState, now: Instant) -> Alert:
    """The entry for I/O that waited for a path, and does so no more."""
    kind = AlertKind.MAP_IO_FAILS
    waited = duration(now.since(map_.since))
    return Alert(
        kind,
        kind.value.priority,
        f"{map_.label}: I/O fails now; no path has been usable for {waited}.",
        {**map_fields(map_), "HEALTH": map_.health.value},
    )


def map_removed(map_: MapState, *, lost: bool) -> Alert:
    """The entry for a map that dm no longer has; ``lost``: none of its paths was usable."""
    if lost:
        text = (
            "the map was removed while none of its paths was usable. It counts as lost until it is back; if it is gone "
            f"for good: {forget(map_)}"
        )
    else:
        text = f"the map was removed, and is no longer expected; {map_.usable} of {map_.expected} paths were usable"
    kind = AlertKind.MAP_REMOVED
    fields = {**map_fields(map_), "PREVIOUS_HEALTH": map_.health.value}
    return Alert(kind, Priority.NOTICE if lost else kind.value.priority, f"{map_.label}: {text}.", fields)


def map_forgotten(map_: MapState) -> Alert:
    """The entry for a map that is not there and not expected any more."""
    kind = AlertKind.MAP_FORGOTTEN
    return Alert(
        kind,
        kind.value.priority,
        f"{map_.label}: the map is no longer expected.",
        {**map_fields(map_), "PREVIOUS_HEALTH": map_.health.value},
    )


def _text(map_: MapState, troubled: Span | None, waiting: Waiting) -> str:
    match map_.health:
        case MapHealth.LOST if not map_.exists:
            expected = f"{plural(map_.expected, 'path')} {'is' if map_.expected == 1 else 'are'} expected"
            return f"the map does not exist, and {expected}. If it is gone for good: {forget(map_)}"
        case MapHealth.LOST:
            stalled = any(path.health is Health.STALLED for path in map_.paths.values())
            holding = "the kernel still holds I/O for a stalled path; after that, " if stalled else ""
            paths = f" ({_not_up(map_)})" if map_.paths else ""
            return f"no usable path{paths}: {holding}{_without_path(map_, waiting, lost=not stalled)}"
        case MapHealth.AT_RISK:
            last = name(next(path for path in map_.paths.values() if path.health in USABLE))
            others = _not_up(map_)
            alone = f"the only path left of {map_.expected} ({others})" if others else "its only path"
            return f"{last} is {alone}; if it fails, {_without_path(map_, waiting, lost=False)}"
        case MapHealth.DEGRADED:
            return f"degraded, {usable(map_)} ({_not_up(map_)})"
        case _:
            took = "" if troubled is None else f" after {troubled.text}"
            return f"healthy again{took}, all {plural(map_.expected, 'path')} up"


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
    if map_.unnamed:
        named.append(f"{plural(map_.unnamed, 'declared path')} never seen")
    return ", ".join(named)


def _without_path(map_: MapState, waiting: Waiting, *, lost: bool) -> str:
    return layers.of(map_.layer).without_path(waiting, lost)

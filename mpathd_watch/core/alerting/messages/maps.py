"""Entries about maps."""

from __future__ import annotations

from mpathd_watch.core.alerting.messages.fields import map_fields, name, usable
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import duration, plural
from mpathd_watch.core.model.vocabulary import USABLE, Health, MapHealth
from mpathd_watch.core.state import MapState

_MAP_KINDS = {
    MapHealth.HEALTHY: AlertKind.MAP_RECOVERED,
    MapHealth.DEGRADED: AlertKind.MAP_DEGRADED,
    MapHealth.AT_RISK: AlertKind.MAP_AT_RISK,
    MapHealth.LOST: AlertKind.MAP_LOST,
}


def map_changed(known: MapState, previous: MapHealth, now: Instant) -> Alert:
    """The alert for a map that has come into ``known.health``."""
    kind = _MAP_KINDS[known.health]
    expected = len(known.paths)
    match known.health:
        case MapHealth.LOST:
            stalled = any(path.health is Health.STALLED for path in known.paths.values())
            holding = "the kernel still holds I/O for a stalled path, then " if stalled else ""
            paths = f" ({_not_up(known)})" if known.paths else ""
            told = f"no usable path{paths}: {holding}{_without_a_path(known, lost=True)}"
        case MapHealth.AT_RISK:
            last = next(path for path in known.paths.values() if path.health in USABLE)
            others = _not_up(known)
            told = (
                f"{name(last)} is the only path left of {expected} ({others}); if it fails, "
                if others
                else f"{name(last)} is its only path; if it fails, "
            ) + _without_a_path(known, lost=False)
        case MapHealth.DEGRADED:
            told = f"degraded, {usable(known)} ({_not_up(known)})"
        case _:
            took = f" after {duration(now.since(known.troubled))}" if known.troubled else ""
            told = f"healthy again{took}, all {plural(expected, 'path')} up"
    # A path that is merely suspect has an alert of its own, and all paths are still used.
    doubted = known.health is MapHealth.DEGRADED and all(path.health in USABLE for path in known.paths.values())
    return Alert(
        kind,
        Priority.INFO if doubted else kind.value.priority,
        f"{known.label}: {told}.",
        {**map_fields(known), "HEALTH": known.health.value, "PREVIOUS_HEALTH": previous.value},
    )


def _not_up(known: MapState) -> str:
    """The paths that are not up, worst first, at most four by name."""
    order = tuple(Health)
    bad = sorted(
        (path for path in known.paths.values() if path.health is not Health.UP),
        key=lambda path: (order.index(path.health), path.label),
    )
    named = [f"{path.label} {path.health}" for path in bad[:4]]
    if len(bad) > len(named):
        named.append(f"{len(bad) - len(named)} more")
    return ", ".join(named)


def _without_a_path(known: MapState, *, lost: bool) -> str:
    if known.queues is None:
        return "I/O fails or hangs, multipathd does not say which"
    if not known.queues:
        return "I/O fails" if lost else "I/O fails at once"
    if known.queueing.endswith("chk"):
        return f"I/O hangs for {known.queueing.removesuffix('chk').strip()} checks of multipathd, then fails"
    if known.queueing.endswith("sec"):
        return f"I/O hangs for {known.queueing.removesuffix('sec').strip()} s more, then fails"
    return "I/O hangs until a path returns"

"""Entries about paths that are up, but flap or are slow, and about the end of either."""

from __future__ import annotations

from mpathd_watch.core.alerting.messages.fields import name, path_fields, usable
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import duration, plural
from mpathd_watch.core.state import MapState, PathState
from mpathd_watch.core.verdicts.comparison import Comparison, Measure
from mpathd_watch.core.verdicts.flapping import Flaps
from mpathd_watch.core.verdicts.io_latency import FORGET
from mpathd_watch.core.verdicts.slow_path import Slowness

_MEASURED = {Measure.LATENCY: "its I/O takes {} on average", Measure.ROUND_TRIP: "its TCP round trip takes {}"}


def path_flapping(map_: MapState, path: PathState, now: Instant, window: float, *, covered: bool = False) -> Alert:
    """The alert for a path that has begun to flap; ``window`` is how many seconds it must be up to be steady again.

    ``covered``: another path of its nexus is the alert for it, too.
    """
    kind = AlertKind.PATH_FLAPPING
    instants = path.flaps.instants
    within = max(0.0, now.monotonic - min(instants, default=now.monotonic))
    return Alert(
        kind,
        Priority.INFO if covered else kind.value.priority,
        f"{map_.label}: path {name(path)} is flapping: it failed {plural(len(instants), 'time')} within "
        f"{_short(within)}; its single failures have priority info until it has been up for "
        f"{_short(window)}. {usable(map_)}.",
        {
            **path_fields(map_, path),
            "HEALTH": path.health.value,
            "FAILURES": str(len(instants)),
            "WITHIN_SEC": f"{within:.3f}",
        },
    )


def path_slow(map_: MapState, path: PathState, slowness: Slowness) -> Alert:
    """The alert for a path that has just been found slow."""
    kind = AlertKind.PATH_SLOW
    compared = slowness.compared or Comparison(Measure.LATENCY, 0.0, 0.0, 0.0)
    return Alert(
        kind,
        kind.value.priority,
        f"{map_.label}: path {name(path)} is slow: {_compared(compared)}. {usable(map_)}.",
        {**path_fields(map_, path), "HEALTH": path.health.value, **_fields(compared)},
    )


def path_steady(
    map_: MapState, path: PathState, now: Instant, *, what: Flaps | Slowness, covered: bool = False
) -> Alert:
    """The alert for the end of one of both; ``what``: the flaps as they were before it, or the quality as it is now."""
    kind, over = AlertKind.PATH_STEADY, AlertKind.PATH_SLOW
    fields: dict[str, str] = {}
    if isinstance(what, Flaps):
        over = AlertKind.PATH_FLAPPING
        lasted = f" after {_short(now.since(what.since))}" if what.since else ""
        up = max(0.0, now.monotonic - (now.monotonic if what.steady is None else what.steady))
        text = f"no longer flaps{lasted}: it has been up for {_short(up)} without a failure"
    elif what.compared is None:
        text = f"is no longer reported as slow: for {_short(FORGET)} there was nothing to compare it with"
    else:
        fields = _fields(what.compared)
        text = f"is no longer slow: {_compared(what.compared)}"
    return Alert(
        kind,
        Priority.INFO if covered else kind.value.priority,
        f"{map_.label}: path {name(path)} {text}. {usable(map_)}.",
        {**path_fields(map_, path), "HEALTH": path.health.value, "ENDED": over.event, **fields},
    )


def _compared(compared: Comparison) -> str:
    path, siblings = _fine(compared.value), _fine(compared.siblings)
    within = "" if compared.ios is None else f" and {plural(compared.ios, 'I/O')}"
    over = f", over {_short(compared.seconds)}{within}"
    return f"{_MEASURED[compared.measure].format(path)}, that of its siblings {siblings}{over}"


def _fields(compared: Comparison) -> dict[str, str]:
    return {
        "MEASURE": compared.measure.value,
        "VALUE_SEC": f"{compared.value:.6f}",
        "SIBLINGS_SEC": f"{compared.siblings:.6f}",
        "COMPARED_SEC": f"{compared.seconds:.3f}",
        **({} if compared.ios is None else {"COMPARED_IOS": str(compared.ios)}),
    }


def _fine(seconds: float) -> str:
    """``seconds`` in milliseconds where they are few."""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else duration(seconds)


def _short(seconds: float) -> str:
    """``seconds`` without a remainder of nothing: ``10 min``."""
    return duration(seconds).removesuffix(" 0 s").removesuffix(" 0 min")

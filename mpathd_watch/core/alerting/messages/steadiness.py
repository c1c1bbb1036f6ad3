"""Entries about paths that work, and not well: slow ones, flapping ones, and those that are neither any longer."""

from __future__ import annotations

from mpathd_watch.core.alerting.messages.fields import name, path_fields, usable
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import duration, plural
from mpathd_watch.core.state import MapState, PathState
from mpathd_watch.core.verdicts.flapping import Flaps
from mpathd_watch.core.verdicts.slow_path import FORGET, INTERVAL, STREAK, Comparison, Measure, Quality

_MEASURED = {Measure.LATENCY: "its I/O takes {} on average", Measure.ROUND_TRIP: "its TCP round trip takes {}"}


def path_flapping(known: MapState, path: PathState, now: Instant, window: float, *, spoken_for: bool = False) -> Alert:
    """The alert for a path that has begun to flap; ``window`` is how many seconds it must be up to be steady again.

    ``spoken_for``: another path of its session is the alert for it, too.
    """
    kind = AlertKind.PATH_FLAPPING
    instants = path.flaps.instants
    within = max(0.0, now.monotonic - min(instants, default=now.monotonic))
    return Alert(
        kind,
        Priority.INFO if spoken_for else kind.value.priority,
        f"{known.label}: path {name(path)} is flapping: it failed {plural(len(instants), 'time')} within "
        f"{_short(within)}; single failures of it are told at priority info until it has been steady for "
        f"{_short(window)}. {usable(known)}.",
        {
            **path_fields(known, path),
            "HEALTH": path.health.value,
            "FAILURES": str(len(instants)),
            "WITHIN_SEC": f"{within:.3f}",
        },
    )


def path_slow(known: MapState, path: PathState, quality: Quality) -> Alert:
    """The alert for a path that has just been found slow."""
    kind = AlertKind.PATH_SLOW
    compared = quality.compared or Comparison(Measure.LATENCY, 0.0, 0.0)
    return Alert(
        kind,
        kind.value.priority,
        f"{known.label}: path {name(path)} is slow: {_told(compared)}, for about {_short(STREAK * INTERVAL)}. "
        f"{usable(known)}.",
        {**path_fields(known, path), "HEALTH": path.health.value, **_fields(compared)},
    )


def path_steady(
    known: MapState, path: PathState, now: Instant, *, what: Flaps | Quality, spoken_for: bool = False
) -> Alert:
    """The alert for the end of one of both; ``what``: the flaps as they were before it, or the quality as it is now."""
    kind, over = AlertKind.PATH_STEADY, AlertKind.PATH_SLOW
    fields: dict[str, str] = {}
    if isinstance(what, Flaps):
        over = AlertKind.PATH_FLAPPING
        lasted = f" after {_short(now.since(what.since))}" if what.since else ""
        up = max(0.0, now.monotonic - (now.monotonic if what.steady is None else what.steady))
        told = f"flapping no longer{lasted}: it has been up for {_short(up)} without a failure"
    elif what.compared is None:
        told = f"called slow no longer: for {_short(FORGET * INTERVAL)} there was nothing to compare it with"
    else:
        fields = _fields(what.compared)
        told = f"slow no longer: {_told(what.compared)}"
    return Alert(
        kind,
        Priority.INFO if spoken_for else kind.value.priority,
        f"{known.label}: path {name(path)} is {told}. {usable(known)}.",
        {**path_fields(known, path), "HEALTH": path.health.value, "ENDED": over.event, **fields},
    )


def _told(compared: Comparison) -> str:
    path, siblings = _fine(compared.value), _fine(compared.siblings)
    return f"{_MEASURED[compared.measure].format(path)}, that of its siblings {siblings}"


def _fields(compared: Comparison) -> dict[str, str]:
    return {
        "MEASURE": compared.measure.value,
        "VALUE_SEC": f"{compared.value:.6f}",
        "SIBLINGS_SEC": f"{compared.siblings:.6f}",
    }


def _fine(seconds: float) -> str:
    """``seconds`` in milliseconds where they are few."""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else duration(seconds)


def _short(seconds: float) -> str:
    """``seconds`` without a remainder of nothing: ``10 min``."""
    return duration(seconds).removesuffix(" 0 s").removesuffix(" 0 min")

"""Entries about paths: what a path has come into, and why."""

from __future__ import annotations

from math import inf, isinf

from mpathd_watch.core.alerting.messages import sentences
from mpathd_watch.core.alerting.messages.context import Context
from mpathd_watch.core.alerting.messages.fields import (
    forget,
    map_fields,
    more_paths,
    name,
    outage_fields,
    path_fields,
    usable,
)
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.facts import DeviceFacts
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Cause, Health, Phase
from mpathd_watch.core.state import MapState, NexusState, PathState
from mpathd_watch.core.transports import table
from mpathd_watch.core.verdicts.health import BY_ARRAY
from mpathd_watch.core.verdicts.outage import phases

_KINDS = {
    Health.SUSPECT: AlertKind.PATH_SUSPECT,
    Health.MISSING: AlertKind.PATH_MISSING,
    Health.FAILED: AlertKind.PATH_FAILED,
    Health.RECOVERING: AlertKind.PATH_RECOVERING,
    Health.STALLED: AlertKind.PATH_STALLED,
    Health.UP: AlertKind.PATH_REINSTATED,
}
_PHASES = {
    Health.SUSPECT: Phase.DETECTION,
    Health.STALLED: Phase.REPLACEMENT,
    Health.RECOVERING: Phase.REINSTATEMENT,
}
_PROMISED = {**_PHASES, Health.FAILED: Phase.FAILOVER, Health.UP: Phase.FAILOVER}
"""The phase whose bound the entry about a path in this health carries."""


def _phase(path: PathState) -> Phase:
    """The phase that an overdue path is in."""
    return Phase.TRANSITION if path.in_transition else _PHASES[path.health]


def _promised(path: PathState, outage: Outage) -> float:
    if path.in_transition:
        return sentences.bound(Phase.TRANSITION, outage)
    phase = _PROMISED.get(path.health)
    return inf if phase is None or outage.cause in BY_ARRAY else sentences.bound(phase, outage)


def path_changed(context: Context, before: PathState, path: PathState, outage: Outage, *, siblings: int = 0) -> Alert:
    """The alert for a path that has come into ``path.health``; ``outage`` is the one this belongs to.

    ``siblings`` other paths of its nexus have become suspect, or are missing, with it.
    """
    kind, map_ = _KINDS[path.health], context.map
    text = _changed(context, path, outage, siblings)
    if path.health is Health.MISSING and outage.cause is Cause.LOGOUT:
        text += f". If that was intended and is for good: {forget(map_, path)}"
    if before.outage is None and outage.inherited and outage.cause is not Cause.ABSENT:
        text += ". It was already in this state when mpathd-watch started"
    return Alert(
        kind,
        Priority.INFO if before.flaps.flapping else kind.value.priority,
        f"{map_.label}: path {name(path)} {text}. {usable(map_)}.",
        {
            **path_fields(map_, path),
            "HEALTH": path.health.value,
            "PREVIOUS_HEALTH": before.health.value,
            **outage_fields(outage, context.now),
            **_measured(path, outage, context.nexus_of(path)),
        },
    )


def _changed(context: Context, path: PathState, outage: Outage, siblings: int) -> str:
    match path.health:
        case Health.SUSPECT:
            return sentences.suspect(context, path, siblings)
        case Health.STALLED:
            return sentences.stalled(context, path, outage)
        case Health.FAILED:
            return sentences.failed(context, path, outage)
        case Health.MISSING:
            others = more_paths(siblings, table.of(path.place.transport).words.noun)
            return f"is missing{others}: {sentences.cause_text(outage.cause)}"
        case Health.RECOVERING:
            return sentences.recovering(context, path, outage)
        case _:
            return sentences.up_again(context, path, outage)


def path_cause(context: Context, path: PathState, outage: Outage) -> Alert:
    """The entry for a cause that has become known after the failure was reported."""
    kind, map_ = AlertKind.PATH_CAUSE, context.map
    return Alert(
        kind,
        kind.value.priority,
        f"{map_.label}: why path {name(path)} failed: {sentences.cause_so_far(context, path, outage)}. {usable(map_)}.",
        {**path_fields(map_, path), "HEALTH": path.health.value, **outage_fields(outage, context.now)},
    )


def path_overdue(context: Context, path: PathState, *, siblings: int) -> Alert:
    """The alert for a path whose phase should be over; ``siblings`` other paths of its nexus are overdue with it."""
    kind, map_, now = AlertKind.PATH_OVERDUE, context.map, context.now
    outage = path.outage or Outage("", now)
    phase = _phase(path)
    promised = sentences.bound(phase, outage)
    noun = table.of(path.place.transport).words.noun
    others = more_paths(siblings, noun)
    text = sentences.overdue(context, path, outage, phase)
    return Alert(
        kind,
        kind.value.priority,
        f"{map_.label}: path {name(path)} is overdue{others}: {text}. {usable(map_)}.",
        {
            **path_fields(map_, path),
            "HEALTH": path.health.value,
            **outage_fields(outage, now),
            "PHASE": phase.value,
            "BUDGET_SEC": f"{promised:.3f}",
        },
    )


def path_added(map_: MapState, label: str, device: DeviceFacts) -> Alert:
    """The alert for a path that was never there before."""
    return Alert(
        AlertKind.PATH_ADDED,
        Priority.INFO,
        f"{map_.label}: new path {label} ({device.name}), expected from now on.",
        {**map_fields(map_), "PATH": label, "DEV": device.name, "HCTL": device.hctl},
    )


def path_removed(map_: MapState, path: PathState) -> Alert:
    """The alert for a path whose map was removed."""
    return Alert(
        AlertKind.PATH_REMOVED,
        Priority.INFO,
        f"{map_.label}: the map was removed, and path {name(path)} with it.",
        {**path_fields(map_, path), "PREVIOUS_HEALTH": path.health.value},
    )


def path_forgotten(map_: MapState, path: PathState) -> Alert:
    """The entry for a path that is not there and not expected any more."""
    return Alert(
        AlertKind.PATH_FORGOTTEN,
        Priority.INFO,
        f"{map_.label}: path {name(path)} is no longer expected.",
        {**path_fields(map_, path), "PREVIOUS_HEALTH": path.health.value},
    )


def _measured(path: PathState, outage: Outage, nexus: NexusState | None) -> dict[str, str]:
    """Silence, bound and verdict as fields. Of a suspect path, BUDGET_SEC less SILENCE_SEC is what is left.

    Where the last sign of life has not been read yet, there is no SILENCE_SEC, and all of BUDGET_SEC may be left.
    """
    fields = {}
    promised = _promised(path, outage)
    if not isinf(promised):
        fields["BUDGET_SEC"] = f"{promised:.3f}"
    silence = phases(outage).get(Phase.DETECTION)
    if path.health is Health.SUSPECT and nexus is not None:
        silence = nexus.silence if nexus.read_since_suspected else None
    if silence is not None:
        fields["SILENCE_SEC"] = f"{silence:.3f}"
    if outage.judgement is not None:
        fields["VERDICT"] = outage.judgement.verdict.value
        if outage.judgement.broken is not None:
            fields["PHASE"] = outage.judgement.broken.value
    return fields

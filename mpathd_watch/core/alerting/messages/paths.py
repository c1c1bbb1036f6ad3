"""Entries about paths: what a path has come into, why, and what the timeouts in force promise."""

from __future__ import annotations

from math import isinf

from mpathd_watch.core.alerting.messages import evidence
from mpathd_watch.core.alerting.messages.context import Scene
from mpathd_watch.core.alerting.messages.fields import CAUSES, map_fields, name, outage_fields, path_fields, usable
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.facts import RECOVERY_OFF, DeviceFacts
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import duration, plural
from mpathd_watch.core.model.vocabulary import (
    DOWN_SESSION,
    Cause,
    DeviceState,
    DmState,
    Health,
    Phase,
    SessionStatus,
    Verdict,
)
from mpathd_watch.core.state import MapState, PathState, SessionState
from mpathd_watch.core.verdicts.budget import bound
from mpathd_watch.core.verdicts.outage import CONNECTION_CAUSES, Judgement, Outage, phases

_KINDS = {
    Health.SUSPECT: AlertKind.PATH_SUSPECT,
    Health.MISSING: AlertKind.PATH_MISSING,
    Health.FAILED: AlertKind.PATH_FAILED,
    Health.RECOVERING: AlertKind.PATH_RECOVERING,
    Health.STALLED: AlertKind.PATH_STALLED,
    Health.UP: AlertKind.PATH_REINSTATED,
}
_PROMISED = {
    Health.SUSPECT: Phase.DETECTION,
    Health.STALLED: Phase.REPLACEMENT,
    Health.FAILED: Phase.FAILOVER,
    Health.RECOVERING: Phase.REINSTATEMENT,
    Health.UP: Phase.FAILOVER,
}
"""The bound that the entry about a path in this health carries."""


_LATE = {
    Health.SUSPECT: Phase.DETECTION,
    Health.STALLED: Phase.REPLACEMENT,
    Health.RECOVERING: Phase.REINSTATEMENT,
}
"""The phase that a path in this health is in, where one has a bound."""


def path_changed(
    scene: Scene, before: PathState, path: PathState, outage: Outage, *, spoken_for: bool = False, siblings: int = 0
) -> Alert:
    """The alert for a path that has come into ``path.health``; ``outage`` is the one this belongs to.

    ``siblings`` other paths of its session have become suspect with it; ``spoken_for``: one of those is the alert.
    """
    known, now, session = scene.known, scene.now, scene.session_of(path)
    kind = _KINDS[path.health]
    quiet = outage.shared or spoken_for or before.flaps.flapping
    match path.health:
        case Health.SUSPECT:
            others = f", and so are {plural(siblings, 'more path')} of its session" if siblings else ""
            told = f"is suspect{others}: {evidence.doubt(scene, path)}. {_until(path, now)}"
        case Health.STALLED:
            told = f"stalled: {_held_by(path, outage, session)}. {_held(path, session, now)}"
        case Health.FAILED:
            told = (
                f"failed{_after(outage, now)}: {_failed_by(path, session)}; cause: {_cause_so_far(scene, path, outage)}"
            )
        case Health.MISSING:
            told = f"is missing: {CAUSES[outage.cause]}"
        case Health.RECOVERING:
            told = _recovering(path, outage, now, multipathd_up=scene.multipathd_up)
        case _:
            told = _back(outage, now)
    if before.outage is None and outage.inherited:
        told += ". It was so when first seen"
    return Alert(
        kind,
        Priority.INFO if quiet else kind.value.priority,
        f"{known.label}: path {name(path)} {told}. {usable(known)}.",
        {
            **path_fields(known, path),
            "HEALTH": path.health.value,
            "PREVIOUS_HEALTH": before.health.value,
            **outage_fields(outage, now),
            **_measured(path.health, outage, session),
        },
    )


def path_cause(scene: Scene, path: PathState, outage: Outage) -> Alert:
    """The entry for a cause that has become known after the failure was told."""
    kind, known = AlertKind.PATH_CAUSE, scene.known
    return Alert(
        kind,
        Priority.INFO if outage.shared or path.flaps.flapping else kind.value.priority,
        f"{known.label}: why path {name(path)} failed: {_cause_so_far(scene, path, outage)}. {usable(known)}.",
        {**path_fields(known, path), "HEALTH": path.health.value, **outage_fields(outage, scene.now)},
    )


def path_overdue(
    known: MapState, path: PathState, now: Instant, *, siblings: int, spoken_for: bool, multipathd_up: bool
) -> Alert:
    """The alert for a path whose phase should be over.

    ``siblings`` other paths of its lost session are overdue with it; ``spoken_for``: one of those is the alert for all.
    """
    kind = AlertKind.PATH_OVERDUE
    outage = path.outage or Outage("", now)
    phase = _LATE[path.health]
    promised = _bound(phase, outage)
    if phase is Phase.REINSTATEMENT:
        begun = outage.transport_up or path.since
        held = f"its transport has been back for {duration(now.since(begun))}, and it is not reinstated"
        why = "" if multipathd_up else "; multipathd does not answer, and without it nothing reinstates the path"
        told = f"{held}; {promised:.0f} s at most were to be expected of multipathd's checks{why}"
    elif phase is Phase.DETECTION:
        told = (
            "its session is silent, and the kernel has not given it up; noop_out_interval and noop_out_timeout promise "
            f"that it does within {promised:.0f} s. I/O hangs that other paths could serve"
        )
    else:
        told = (
            f"stalled for {duration(now.since(path.since))}, and not failed; recovery_tmo is {promised:.0f} s. "
            "I/O hangs that other paths could serve"
        )
    others = f", and so are {plural(siblings, 'more path')} of its session" if siblings and not spoken_for else ""
    return Alert(
        kind,
        Priority.INFO if spoken_for else kind.value.priority,
        f"{known.label}: path {name(path)} is overdue{others}: {told}. {usable(known)}.",
        {
            **path_fields(known, path),
            "HEALTH": path.health.value,
            **outage_fields(outage, now),
            "PHASE": phase.value,
            "BUDGET_SEC": f"{promised:.3f}",
        },
    )


def path_added(known: MapState, label: str, device: DeviceFacts) -> Alert:
    """The alert for a path that was never there before."""
    return Alert(
        AlertKind.PATH_ADDED,
        Priority.INFO,
        f"{known.label}: new path {label} ({device.name}), expected from now on.",
        {**map_fields(known), "PATH": label, "DEV": device.name, "HCTL": device.hctl},
    )


def path_removed(known: MapState, path: PathState) -> Alert:
    """The alert for a path whose map was removed."""
    return Alert(
        AlertKind.PATH_REMOVED,
        Priority.INFO,
        f"{known.label}: the map was removed, and with it path {name(path)}.",
        {**path_fields(known, path), "PREVIOUS_HEALTH": path.health.value},
    )


# --- what holds or fails it -------------------------------------------------------------------------------------------


def _until(path: PathState, now: Instant) -> str:
    """What comes of a suspect path, and when."""
    if path.deadline is None:
        return "I/O on it may hang"
    left = max(0.0, path.deadline.monotonic - now.monotonic)
    return f"The kernel gives its session up within {left:.0f} s unless it is heard; I/O on it may hang until then"


def _held_by(path: PathState, outage: Outage, session: SessionState | None) -> str:
    """What holds the path's I/O."""
    if session is None or session.status is not SessionStatus.FAILED:
        return f"its device is {path.device}"
    silence = phases(outage).get(Phase.DETECTION)
    told = "its session is FAILED" + ("" if silence is None else f", {duration(silence)} after its last sign of life")
    return f"{told} (the kernel: {session.lost_to})" if session.lost_to else told


def _held(path: PathState, session: SessionState | None, now: Instant) -> str:
    """How long the kernel holds the I/O; only a FAILED session has its replacement timeout running."""
    tmo = session.facts.recovery_tmo if session and session.status is SessionStatus.FAILED else None
    if tmo is None:
        return "I/O on it is held"
    if tmo == RECOVERY_OFF:
        return "I/O on it is held without end, because recovery_tmo is off"
    if path.deadline is None:
        return f"I/O on it is held for up to {tmo} s (recovery_tmo), then the path fails"
    left = max(0.0, path.deadline.monotonic - now.monotonic)
    return f"I/O on it is held for up to {left:.0f} s (recovery_tmo), then the path fails"


def _failed_by(path: PathState, session: SessionState | None) -> str:
    """What speaks against the path; its session and device are polled, and may be a step behind dm's uevent."""
    told = []
    if path.dm is DmState.FAILED:
        told.append("dm has failed it")
    if session is not None and session.status in DOWN_SESSION:
        told.append("its session is down")
    if path.device in (DeviceState.OFFLINE, DeviceState.TRANSPORT_OFFLINE, DeviceState.CANCEL, DeviceState.DELETED):
        told.append(f"its device is {path.device}")
    return ", ".join(told) or f"multipathd's checker says {path.checker}"


def _cause_so_far(scene: Scene, path: PathState, outage: Outage) -> str:
    """The cause with what speaks for it; unknown at the first instant, it may become known by what that has read."""
    if outage.cause is Cause.UNKNOWN and outage.began == scene.now:
        return "not known yet"
    if outage.cause not in CONNECTION_CAUSES:
        return CAUSES[outage.cause]
    around = evidence.around(scene, path)
    # What the interface lacks says more than the cause's own words.
    shown = outage.cause is Cause.CARRIER_LOST and evidence.is_cut_off(scene, path)
    return ", ".join(around if shown else [evidence.cause(path, outage), *around])


# --- how long it took, and was to take --------------------------------------------------------------------------------


def _after(outage: Outage, now: Instant) -> str:
    """How long a path that has just failed took for it."""
    if outage.stalled is None or outage.failed != now:
        return ""
    stalled = f" after {duration(now.since(outage.stalled))} stalled"
    failover, promised = phases(outage).get(Phase.FAILOVER), _bound(Phase.FAILOVER, outage)
    if failover is None:
        return stalled
    budget = "" if isinf(promised) else f" (at most {promised:.0f} s promised)"
    return f"{stalled}, {duration(failover)} after its last sign of life{budget}"


def _recovering(path: PathState, outage: Outage, now: Instant, *, multipathd_up: bool) -> str:
    took = "" if outage.inherited else f" after {duration((outage.transport_up or now).since(outage.began))}"
    waits = "waiting for multipathd to reinstate it"
    if not multipathd_up:
        waits = "multipathd does not answer, and without it nothing reinstates the path"
    elif path.deadline is not None:
        waits += f", within {max(0.0, path.deadline.monotonic - now.monotonic):.0f} s"
    return f"recovering: its transport is back{took}, {waits}"


def _back(outage: Outage, end: Instant) -> str:
    if not outage.real:
        why = f"; cause: {CAUSES[outage.cause]}" if outage.cause is not Cause.UNKNOWN else ""
        return f"is well again after {duration(end.since(outage.began))}: it was suspect, and nothing came of it{why}"
    parts = []
    if outage.stalled is not None:
        ends = (moment.since(outage.stalled) for moment in (outage.failed, outage.transport_up, end) if moment)
        parts.append(f"stalled {duration(min(filter(None, ends), default=0.0))}")
    if outage.failed is None:
        parts.append("never failed")
    if outage.transport_up is not None and outage.transport_up != end:
        parts.append(f"reinstated {duration(end.since(outage.transport_up))} after its transport was back")
    took = "" if outage.inherited else f" after {duration(end.since(outage.began))}"
    told = f" ({', '.join(parts)})" if parts else ""
    return f"is up again{took}{told}; cause: {CAUSES[outage.cause]}{_verdict(outage)}"


def _verdict(outage: Outage) -> str:
    """Whether the promise was kept; nothing where there was none."""
    judgement = outage.judgement or Judgement()
    if judgement.broken is not None:
        promised = _bound(judgement.broken, outage)
        took = judgement.phases.get(judgement.broken)
        measured = "took longer" if took is None else f"took {duration(took)}"
        return f"; over budget: {judgement.broken} {measured}, and {promised:.0f} s were promised"
    failover = judgement.phases.get(Phase.FAILOVER)
    if judgement.verdict is not Verdict.WITHIN_BUDGET:
        return ""
    if failover is None:
        return "; within budget"
    return f"; within budget: failover took {duration(failover)} of at most {_bound(Phase.FAILOVER, outage):.0f} s"


def _measured(health: Health, outage: Outage, session: SessionState | None) -> dict[str, str]:
    """What an entry says of silence, bounds and verdict, in fields."""
    fields = {}
    phase = _PROMISED.get(health)
    promised = _bound(phase, outage) if phase else float("inf")
    if not isinf(promised):
        fields["BUDGET_SEC"] = f"{promised:.3f}"
    silence = phases(outage).get(Phase.DETECTION)
    if health is Health.SUSPECT and session is not None:
        silence = session.silence
    if silence is not None:
        fields["SILENCE_SEC"] = f"{silence:.3f}"
    if outage.judgement is not None:
        fields["VERDICT"] = outage.judgement.verdict.value
        if outage.judgement.broken is not None:
            fields["PHASE"] = outage.judgement.broken.value
    return fields


def _bound(phase: Phase, outage: Outage) -> float:
    return float("inf") if outage.timeouts is None else bound(phase, outage.timeouts)

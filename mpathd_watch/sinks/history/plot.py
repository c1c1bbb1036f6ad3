"""One past outage as a plot: health, session, disk and dm over time, with the deadlines as marks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import isinf
from typing import Final

from mpathd_watch.core.model.outage import PathStates
from mpathd_watch.core.model.vocabulary import (
    DeviceState,
    DmState,
    Health,
    Liveness,
    SessionStatus,
)
from mpathd_watch.sinks.history.figure import Bar, Look, Mark, Phase, Row
from mpathd_watch.sinks.history.stages import measured, stages
from mpathd_watch.sinks.history.svg import svg
from mpathd_watch.sinks.history.text import verdict
from mpathd_watch.sinks.words import cause
from mpathd_watch.store.past import PastOutage, RawChange

MARGIN: Final = 5.0
"""Seconds that are shown before the first and after the last moment of the outage."""
_LOOKS: Final[Mapping[str, Look]] = {
    Health.UP: Look.GOOD,
    Health.SUSPECT: Look.HELD,
    Health.STALLED: Look.HELD,
    Health.RECOVERING: Look.BACK,
    Health.FAILED: Look.BAD,
    Health.MISSING: Look.BAD,
    SessionStatus.LOGGED_IN: Look.GOOD,
    SessionStatus.FAILED: Look.HELD,
    SessionStatus.FREE: Look.BAD,
    DmState.ACTIVE: Look.GOOD,
}
"""No word means one thing of one layer and another of the next: dm and health share ``failed``, for example."""
_DISK: Final = {Liveness.CARRYING: Look.GOOD, Liveness.HOLDING: Look.HELD, Liveness.GIVEN_UP: Look.BAD}
_ENTERS: Final = {
    "suspected": Health.SUSPECT,
    "stalled": Health.STALLED,
    "failed": Health.FAILED,
    "reinstated": Health.UP,
}
"""The health that a path enters at each stage; with ``transport_up`` it is recovering once it had failed."""

_DEADLINES: Final = {
    "failover": "I/O moves by",
    "transition": "transition ends by",
    "reinstatement": "up again by",
}
"""What must have happened when these phases have taken as long as they may."""


def plot(outage: PastOutage, now: float) -> str:
    """The SVG. An outage that is open is drawn until ``now``."""
    latest = [at.least if isinf(at.most) else at.most for at in outage.instants.values()]
    latest += [change.at for change in outage.states]
    end = max([*latest, now - outage.began if outage.open else 0.0]) + (0.0 if outage.open else MARGIN)
    begin = min([at.least for at in outage.instants.values()] + [0.0]) - MARGIN
    title = f"{outage.map} {outage.path}: {cause(outage.cause)}, {verdict(outage)}"
    if outage.lasted is not None:
        title += f", {outage.lasted.text}"
    phases = [
        Phase(each.name, each.begin.least, each.took.least, each.took.most, each.allowed, each.over)
        for each in measured(outage)
        if each.begin is not None and each.took is not None
    ]
    return svg(title, list(_rows(outage, begin, end)), list(_marks(outage, end)), phases, "the outage began")


def _rows(outage: PastOutage, begin: float, end: float) -> Iterator[Row]:
    states = outage.states or _by_instants(outage)
    before = [] if outage.inherited or outage.earliest is not None else [(begin, str(Health.UP))]
    layers = (
        ("path", [*before, *((change.at, change.states.health) for change in states)]),
        ("session", [(change.at, change.states.session) for change in states]),
        ("disk", [(change.at, change.states.device) for change in states]),
        ("dm", [(change.at, change.states.dm) for change in states]),
    )
    for name, changes in layers:
        bars = tuple(_bars(changes, begin, end))
        if bars:
            yield Row(name, bars)


def _bars(changes: Sequence[tuple[float, str]], begin: float, end: float) -> Iterator[Bar]:
    """Each state until the next one, within ``begin`` and ``end``; where there is no word, nothing is drawn."""
    merged: list[tuple[float, str]] = []
    for at, word in changes:
        if not merged or merged[-1][1] != word:
            merged.append((max(at, begin), word))
    for (at, word), (until, _) in pairwise([*merged, (end, "")]):
        if word and until > at:
            yield Bar(at, until, word, look(word))


def look(word: str) -> Look:
    """What a state of any layer means for I/O."""
    return _LOOKS.get(word) or _DISK.get(DeviceState.parse(word).liveness, Look.DULL)


def _by_instants(outage: PastOutage) -> list[RawChange]:
    """The health alone, from the stages of the outage, where its raw states were not stored."""
    changes: list[RawChange] = []
    at_stages = sorted((at.least, name) for name, at in outage.instants.items())
    failed = False
    for at, name in at_stages:
        failed = failed or name == "failed"
        if name in _ENTERS:
            changes.append(RawChange(at, PathStates(_ENTERS[name])))
        elif name == "transport_up" and failed:
            changes.append(RawChange(at, PathStates(Health.RECOVERING)))
    return changes


def _marks(outage: PastOutage, end: float) -> Iterator[Mark]:
    for stage in stages(outage):
        yield Mark(stage.at.least, stage.name, None if stage.at.exact else min(stage.at.most, end))
    for phase in measured(outage):
        if phase.begin is None or phase.allowed is None:
            continue
        deadline = phase.begin.most + phase.allowed
        if deadline <= end and phase.name in _DEADLINES:
            yield Mark(deadline, _DEADLINES[phase.name], deadline=True)

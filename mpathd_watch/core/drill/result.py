"""The result of a drill: promised against measured for each phase of each path, and whether it has passed.

It has passed only with evidence: every path that the drill is about was lost and is back, each phase was measured from
its beginning to its end and kept what was promised, and nothing else failed meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from math import inf

from mpathd_watch.core.catalog import causes
from mpathd_watch.core.drill.following import Following, Track
from mpathd_watch.core.drill.io_wait import SlowIo
from mpathd_watch.core.drill.promise import Promise
from mpathd_watch.core.drill.target import Key, Target
from mpathd_watch.core.model.budget import Bounds
from mpathd_watch.core.model.identity import in_order
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.text import clean, duration, listed, plural
from mpathd_watch.core.model.vocabulary import Health, Phase
from mpathd_watch.core.verdicts.outage import phases
from mpathd_watch.immutable import immutable

PHASES = (Phase.DETECTION, Phase.REPLACEMENT, Phase.FAILOVER, Phase.REINSTATEMENT)
"""The phases that a drill proves, in their order; ``failover`` is the first two together."""


class Outcome(StrEnum):
    """What a drill has shown."""

    PASSED = "passed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Ending(StrEnum):
    """Why a drill ended: everything was back, a limit had passed, or somebody stopped it."""

    BACK = "back"
    LIMIT = "limit"
    STOPPED = "stopped"


@immutable
class PhaseResult:
    """One phase, in seconds. ``promised`` is ``inf`` where nothing is; ``measured`` is ``None`` without both its ends.

    ``tolerance``: what the kernel's timers and polling may add to the promise.
    """

    phase: Phase
    promised: float
    measured: float | None
    tolerance: float = 0.0

    @property
    def kept(self) -> bool | None:
        """Whether it kept its promise; ``None`` without evidence."""
        if self.promised == inf or self.measured is None:
            return None
        return self.measured <= self.promised + self.tolerance


@immutable
class PathResult:
    """One path that was lost, or should have been.

    ``expected``: the drill was about it. ``health``: the last one. ``back``: it was lost and is in use again.
    ``outages``: all that it had meanwhile, the one that runs at last. ``phases`` are those of the first.
    """

    wwid: str
    map: str
    path: str
    dev: str
    expected: bool
    health: Health
    back: bool
    outages: tuple[Outage, ...] = ()
    phases: tuple[PhaseResult, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether its failover is proven: one outage, each phase of which kept its promise, and it is back."""
        return self.back and len(self.outages) == 1 and all(phase.kept for phase in self.phases)


@immutable
class DrillRecord:
    """A drill that has been made. ``reasons``: why it has not passed. ``promise``: what was announced before.

    ``slowest``: the slowest I/O of the maps that it was about, ``None`` if no I/O ended.
    """

    id: str
    target: Target
    began: Instant
    ended: Instant
    outcome: Outcome
    ending: Ending
    promise: Promise
    reasons: tuple[str, ...] = ()
    paths: tuple[PathResult, ...] = ()
    slowest: SlowIo | None = None

    @property
    def worst(self) -> tuple[PhaseResult, ...]:
        """Of each phase, the path that came closest to its promise or broke it by the most; none if none was lost."""
        expected = [phase for path in self.paths if path.expected for phase in path.phases]
        by_phase = ([each for each in expected if each.phase is phase] for phase in PHASES)
        return tuple(max(found, key=_closeness) for found in by_phase if found)


def conclude(following: Following, ending: Ending) -> DrillRecord:
    """The result as things are when the drill ends."""
    found = tuple(_path(following, key) for key in sorted(_keys(following), key=lambda key: (in_order(key[1]), key[0])))
    reasons = tuple(_reasons(following, found, ending))
    outcome = Outcome.FAILED if reasons else Outcome.PASSED
    return DrillRecord(
        id=drill_id(following.plan.target, following.began),
        target=following.plan.target,
        began=following.began,
        ended=following.now,
        outcome=Outcome.INTERRUPTED if ending is Ending.STOPPED else outcome,
        ending=ending,
        promise=following.choice.promise if following.choice else Promise(),
        reasons=reasons,
        paths=found,
        slowest=following.slowest,
    )


def drill_id(target: Target, began: Instant) -> str:
    """16 hexadecimal digits that name one drill."""
    return hashlib.sha256(f"drill\0{target.kind}\0{target.name}\0{began.wall:.6f}".encode()).hexdigest()[:16]


def measured(outage: Outage, slack: float) -> tuple[PhaseResult, ...]:
    """The phases of an outage with what was promised for them."""
    bounds, taken = outage.bounds or Bounds(), phases(outage)
    return tuple(
        PhaseResult(phase, bounds.of(phase), taken.get(phase), slack + bounds.lateness(phase))
        for phase in PHASES
        if phase is not Phase.REPLACEMENT or bounds.replacement > 0 or phase in taken
    )


def _closeness(phase: PhaseResult) -> float:
    return inf if phase.measured is None else phase.measured - phase.promised


def _keys(following: Following) -> set[Key]:
    """Every path that the drill is about, and every other one that was lost or is not up."""
    expected = set(following.choice.fault.paths) if following.choice else set()
    return expected | {key for key, track in following.tracks.items() if track.lost or not track.back}


def _path(following: Following, key: Key) -> PathResult:
    wwid, label = key
    track = following.tracks.get(key)
    if track is None:
        map_ = following.maps.get(wwid)
        return PathResult(wwid, map_.label if map_ else wwid, label, "", expected=True, health=Health.UP, back=False)
    outages = tuple(_outages(track))
    return PathResult(
        wwid,
        track.map,
        label,
        track.dev,
        expected=following.expected(key),
        health=track.health,
        back=track.lost and track.back,
        outages=outages,
        phases=measured(outages[0], following.slack) if outages else (),
    )


def _outages(track: Track) -> Iterator[Outage]:
    yield from track.ended
    if track.outage is not None and track.outage.real:
        yield track.outage


def _reasons(following: Following, found: Iterable[PathResult], ending: Ending) -> Iterator[str]:
    if ending is Ending.STOPPED:
        yield "it was stopped before everything was back"
    if ending is Ending.LIMIT:
        yield f"it had not ended after {duration(following.now.since(following.began))}"
    if not any(track.lost for key, track in following.tracks.items() if following.expected(key)):
        yield "no path failed"
    else:
        faults: dict[str, list[str]] = {}
        for path in found:
            for reason in _against(path):
                faults.setdefault(reason, []).append(f"{clean(path.path)} of {clean(path.map)}")
        for reason, names in faults.items():
            number = "" if len(names) == 1 else f"{plural(len(names), 'path')}: "
            yield f"{number}{listed(names)} {reason}"
    for name in following.lost_maps:
        yield f"map {clean(name)} had no usable path for a while"
    yield from following.broken


def _against(path: PathResult) -> Iterator[str]:
    """Why this path stands against the drill."""
    if not path.expected:
        yield f"{'failed too' if path.outages else f'is {path.health}'}, which is no part of the drill"
        return
    if not path.outages:
        yield "did not fail"
        return
    if not path.back:
        yield f"did not come back: it is {path.health}"
    if len(path.outages) > 1:
        yield f"failed {len(path.outages)} times"
    for phase in path.phases:
        if phase.kept is False:
            yield f"broke its budget: {phase.phase} took longer than promised"
        elif phase.kept is None and path.back:
            yield f"{_unproven(path.outages[0], phase)}: {phase.phase} is not proven"


def _unproven(outage: Outage, phase: PhaseResult) -> str:
    if not causes.CAUSES[outage.cause].connection:
        return f"was not lost with its connection (cause: {causes.text(outage.cause)})"
    if outage.failed is None:
        return "was back before its I/O had to move"
    if phase.promised == inf:
        return "had timeouts that promise nothing"
    return "was not seen from the beginning to the end"

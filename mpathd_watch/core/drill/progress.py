"""How far a drill has come, phase by phase, with the time that is left: what is shown while it runs."""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.drill.following import Following, Track
from mpathd_watch.core.drill.result import PHASES, PhaseResult, measured
from mpathd_watch.core.model.vocabulary import Health, Phase
from mpathd_watch.immutable import immutable

_RUNNING = {
    Phase.DETECTION: frozenset({Health.SUSPECT}),
    Phase.REPLACEMENT: frozenset({Health.STALLED}),
    Phase.FAILOVER: frozenset({Health.STALLED}),
    Phase.REINSTATEMENT: frozenset({Health.RECOVERING}),
}
"""The healths of a path in each phase."""


@immutable
class Step:
    """One phase over all paths of the drill.

    ``done`` of ``paths`` have it behind them; ``worst`` is the one that took the longest. ``left``: seconds until the
    first of those that are in it must be through, negative if that has passed; ``None`` if none is, or nothing bounds
    it.
    """

    phase: Phase
    paths: int
    done: int
    worst: PhaseResult | None = None
    left: float | None = None


def steps(following: Following) -> list[Step]:
    """The phases in their order."""
    tracks = [track for key, track in following.tracks.items() if following.expected(key)]
    paths = len(following.choice.fault.paths) if following.choice else 0
    return [_step(following, phase, tracks, paths) for phase in PHASES]


def _step(following: Following, phase: Phase, tracks: list[Track], paths: int) -> Step:
    taken = [each for track in tracks for each in _measured(track, phase, following.slack)]
    left = [
        track.deadline.monotonic - following.now.monotonic
        for track in tracks
        if track.health in _RUNNING[phase] and track.deadline is not None
    ]
    worst = max(taken, key=lambda each: each.measured or 0.0, default=None)
    return Step(phase, paths, len(taken), worst, min(left, default=None))


def _measured(track: Track, phase: Phase, slack: float) -> Iterator[PhaseResult]:
    outage = track.shown
    if outage is not None:
        yield from (each for each in measured(outage, slack) if each.phase is phase and each.measured is not None)

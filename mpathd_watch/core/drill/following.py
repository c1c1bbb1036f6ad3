"""What has happened in a drill until now: each path that left ``up``, its outages, and what the I/O took.

``advance`` looks at the state several times a second. The instants are those of the core's own outages, so looking
seldom makes none of them less exact. A path that has never left ``up`` has no track.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from mpathd_watch.core.drill import io_wait
from mpathd_watch.core.drill.io_wait import SlowIo
from mpathd_watch.core.drill.plan import Choice, Plan
from mpathd_watch.core.drill.target import Key
from mpathd_watch.core.effects import OutageEnded
from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import empty, frozen
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Health, MapHealth
from mpathd_watch.core.state import MapState, PathState, State
from mpathd_watch.immutable import immutable, replace

SETTLED = 3.0
"""Seconds for which all must be back before a drill ends: another session may notice the fault a moment later."""


@immutable
class Track:
    """One path. ``outage``: the one that runs. ``ended``: those that are over, in which it was worse than suspect.

    ``deadline``: when the phase that it is in must be over; ``None`` where nothing bounds it.
    """

    map: str
    path: str
    dev: str = ""
    health: Health = Health.UP
    outage: Outage | None = None
    ended: tuple[Outage, ...] = ()
    deadline: Instant | None = None

    @property
    def lost(self) -> bool:
        """Whether it has been worse than suspect since the drill began."""
        return bool(self.ended) or (self.outage is not None and self.outage.real)

    @property
    def back(self) -> bool:
        """Whether it is in use, after an outage or without one."""
        return self.health is Health.UP and self.outage is None

    @property
    def shown(self) -> Outage | None:
        """The outage that runs, else the last one."""
        return self.outage or (self.ended[-1] if self.ended else None)


@immutable
class Following:
    """A drill since ``began``, at the moment ``now``.

    ``choice``: what fails, once that is known: of a map's portals the first one of which a path is lost. ``lost_maps``:
    labels of the maps that had no usable path for a while. ``calm``: since when all is back, after something was lost.
    ``broken``: what went wrong in mpathd-watch itself. ``io``: the counters of the disks when they were last read.
    """

    plan: Plan
    began: Instant
    now: Instant
    slack: float
    choice: Choice | None = None
    tracks: Mapping[Key, Track] = field(default_factory=empty)
    lost_maps: tuple[str, ...] = ()
    calm: Instant | None = None
    slowest: SlowIo | None = None
    broken: tuple[str, ...] = ()
    io: Mapping[Key, IoFacts] = field(default_factory=empty)
    maps: Mapping[str, MapState] = field(default_factory=empty)

    @property
    def over(self) -> bool:
        """Whether all that was lost has been back for long enough."""
        return self.calm is not None and self.now.since(self.calm) >= SETTLED

    def expected(self, key: Key) -> bool:
        """Whether this path is one that the drill is about."""
        return self.choice is not None and key in self.choice.fault.paths


def begun(plan: Plan, state: State, now: Instant) -> Following:
    """The drill at its beginning; with one thing only that may fail, it is known what will."""
    choice = plan.choices[0] if len(plan.choices) == 1 else None
    following = Following(plan, now, now, state.settings.slack_seconds, choice)
    return replace(following, maps=state.maps, io=frozen(dict(_counters(following, state.maps.values()))))


def advance(following: Following, state: State, ended: Iterable[OutageEnded], now: Instant) -> Following:
    """The drill after ``state`` was reached; ``ended`` are the outages that ended since it was last looked at."""
    over: dict[Key, list[OutageEnded]] = {}
    for each in ended:
        over.setdefault((each.wwid, each.path), []).append(each)
    changed = [map_ for wwid, map_ in state.maps.items() if following.maps.get(wwid) is not map_]
    tracks = dict(following.tracks)
    for map_ in changed:
        for label, path in map_.paths.items():
            key = (map_.wwid, label)
            if key in tracks or path.health is not Health.UP:
                tracks[key] = _seen(tracks.get(key) or Track(map_.label, label), path)
    for wwid, label in _gone(following.maps, state.maps):
        known = tracks.get((wwid, label)) or Track(following.maps[wwid].label, label)
        tracks[wwid, label] = replace(known, health=Health.MISSING, deadline=None)
    for key, outages in over.items():
        known = tracks.get(key) or Track(outages[0].map, key[1])
        tracks[key] = replace(known, ended=(*known.ended, *(each.outage for each in outages)))
    following = replace(following, now=now, maps=state.maps, tracks=frozen(tracks))
    following = replace(following, choice=following.choice or _chosen(following))
    following = _with_lost_maps(_with_io(following, changed), changed)
    return replace(following, calm=_calm(following, now))


def _seen(track: Track, path: PathState) -> Track:
    """The path as it is now. Its outage goes with it; one that is over comes by itself."""
    return replace(
        track, dev=path.place.dev or track.dev, health=path.health, outage=path.outage, deadline=path.verdict.deadline
    )


def _gone(before: Mapping[str, MapState], now: Mapping[str, MapState]) -> Iterator[Key]:
    """The paths that nobody expects any more: their map was removed, or they were forgotten."""
    for wwid, map_ in before.items():
        if now.get(wwid) is not map_:
            left = now[wwid].paths if wwid in now else {}
            yield from ((wwid, label) for label in map_.paths if label not in left)


def _chosen(following: Following) -> Choice | None:
    """Which of several things has failed: the first of which a path is lost."""
    for key, track in following.tracks.items():
        if track.lost:
            for choice in following.plan.choices:
                if key in choice.fault.paths:
                    return choice
    return None


def _with_lost_maps(following: Following, changed: Iterable[MapState]) -> Following:
    lost = [map_.label for map_ in changed if map_.health is MapHealth.LOST]
    return replace(following, lost_maps=tuple(dict.fromkeys((*following.lost_maps, *lost))))


def _calm(following: Following, now: Instant) -> Instant | None:
    """Since when nothing is wrong, once a path that the drill is about was lost."""
    lost = any(track.lost for key, track in following.tracks.items() if following.expected(key))
    back = all(track.back for track in following.tracks.values())
    return (following.calm or now) if lost and back else None


def _counters(following: Following, maps: Iterable[MapState]) -> Iterator[tuple[Key, IoFacts]]:
    """The counters of the disks of the maps that the drill is about."""
    concerned = {wwid for choice in following.plan.choices for wwid, _ in choice.fault.paths}
    for map_ in maps:
        if map_.wwid in concerned:
            for label, path in map_.paths.items():
                if path.disk.io is not None:
                    yield (map_.wwid, label), path.disk.io


def _with_io(following: Following, changed: Iterable[MapState]) -> Following:
    now = dict(_counters(following, changed))
    if all(following.io.get(key) == io for key, io in now.items()):
        return following
    slowest = following.slowest
    for key, io in now.items():
        slowest = io_wait.slower(slowest, following.maps[key[0]].label, key, following.io.get(key), io)
    return replace(following, slowest=slowest, io=frozen({**following.io, **now}))

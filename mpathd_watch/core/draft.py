"""The draft of the next state, and the effects gathered on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mpathd_watch.core.effects import Effect, MapDropped, OutageDropped, Refresh, Remember, Scope
from mpathd_watch.core.layers import table as layers
from mpathd_watch.core.layers.row import LayerRow
from mpathd_watch.core.model.incident import Incident
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import Chunked, frozen
from mpathd_watch.core.model.memory import ExpectedMap
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import Arrays, Deadlines, Due, MapState, NexusState, PathState, SourceState, State, Wait
from mpathd_watch.immutable import immutable, replace

_NEVER_ASKED = SourceState()

PathKey = tuple[str, str]
"""WWID and path label."""


@immutable
class Left:
    """An outage has left its ``incident``; ``ended`` if it was seen to end."""

    path: PathKey
    incident: str
    ended: Outage | None


class OpenIncidents(dict[str, Incident]):
    """The incidents that go on, by their ids, the oldest first. ``left`` gathers the outages that leave theirs."""

    def __init__(self, incidents: Mapping[str, Incident]) -> None:
        super().__init__(incidents)
        self.left: list[Left] = []


class Draft:
    """The next state in the making. Used within one call of ``step`` and dropped.

    Copies only what is written to, so that an event costs what it changes. ``touched`` gathers the paths, and
    ``regrouped`` the maps, whose health must be judged again before the step ends. ``measured`` gathers the maps of
    which the disks' I/O counters have been read. ``rest`` holds the fields of the state that have no draft of their
    own.
    """

    def __init__(self, before: State, now: Instant) -> None:
        self.before = before
        self.now = now
        self.effects: list[Effect] = []
        self.touched: set[PathKey] = set()
        self.regrouped: set[str] = set()
        self.measured: set[str] = set()
        self.maps = Chunked.of(before.maps).draft()
        self.nexuses = Chunked.of(before.nexuses).draft()
        self.sources = dict(before.sources)
        self.deadlines = Deadlines.of(before.deadlines).draft()
        self.counters = before.counters
        self.rest = before
        self.incidents = OpenIncidents(before.incidents)
        self._paths: dict[str, dict[str, PathState]] = {}
        self._asked: set[Scope] = set()

    # --- paths and maps -----------------------------------------------------------------------------------------------

    def paths(self, wwid: str) -> Mapping[str, PathState]:
        """The paths of a map as the draft has them, by label. Writing to one may leave this mapping as it is."""
        return self._paths[wwid] if wwid in self._paths else self.maps[wwid].paths

    def keep_path(self, wwid: str, path: PathState) -> None:
        """Write one path, which need not be judged again."""
        if wwid not in self._paths:
            self._paths[wwid] = dict(self.maps[wwid].paths)
        self._paths[wwid][path.label] = path

    def set_path(self, wwid: str, path: PathState) -> None:
        """Write one path and have it judged again."""
        if self.paths(wwid).get(path.label) is not path:
            self.keep_path(wwid, path)
            self.touched.add((wwid, path.label))

    def drop_path(self, wwid: str, label: str) -> None:
        """Forget one path; its map must be judged again."""
        self._leave(wwid, self.paths(wwid)[label])
        paths = {known: path for known, path in self.paths(wwid).items() if known != label}
        self._paths[wwid] = paths
        self.touched.discard((wwid, label))
        self.regrouped.add(wwid)
        for wait in Wait:
            self.deadlines.drop(Due(wait, wwid, label))

    def touch_all(self) -> None:
        """Have every path judged again."""
        self.touched.update((wwid, label) for wwid in self.maps for label in self.paths(wwid))

    def whole_map(self, wwid: str) -> MapState:
        """The map with the draft of its paths."""
        if wwid in self._paths:
            self.maps[wwid] = replace(self.maps[wwid], paths=frozen(self._paths.pop(wwid)))
        return self.maps[wwid]

    def drop_map(self, wwid: str) -> None:
        """Forget a map and its paths."""
        for path in self.paths(wwid).values():
            self._leave(wwid, path)
        self.emit(MapDropped(wwid))
        self._paths.pop(wwid, None)
        del self.maps[wwid]
        self.touched = {key for key in self.touched if key[0] != wwid}
        self.regrouped.discard(wwid)
        self.measured.discard(wwid)
        self.deadlines.drop_map(wwid)

    def _leave(self, wwid: str, path: PathState) -> None:
        """Nobody will see the end of the outage of a path that is forgotten, nor of one that waits since the start."""
        waiting = self.rest.memory.outages.get(wwid, {}).get(path.label)
        if waiting is not None:
            self.rest = replace(self.rest, memory=self.rest.memory.without_outage(wwid, path.label))
        outage = path.outage if waiting is None else waiting.outage
        if outage is not None:
            self.emit(OutageDropped(outage.id, outage.real))
            self.release(wwid, path.label, path.incident if waiting is None else waiting.incident, None)

    def release(self, wwid: str, label: str, incident: str, ended: Outage | None) -> None:
        """The outage of a path belongs to its incident no more; ``ended`` if it was seen to end."""
        self.incidents.left.append(Left((wwid, label), incident, ended))

    def layer_of(self, wwid: str) -> LayerRow:
        """What joins the paths of a map."""
        return layers.of(self.maps[wwid].layer)

    def remember(self, expected: Mapping[str, ExpectedMap | None]) -> None:
        """Keep over restarts what is expected of these maps, by WWID; ``None``: nothing any more."""
        known = {**self.rest.expected, **expected}
        kept = {wwid: map_ for wwid, map_ in known.items() if map_ is not None}
        for wwid, map_ in expected.items():
            if self.rest.expected.get(wwid) != map_:
                self.emit(Remember(wwid, map_))
        self.rest = replace(self.rest, expected=frozen(kept))

    # --- nexuses ------------------------------------------------------------------------------------------------------

    def nexus_of(self, path: PathState) -> NexusState | None:
        """The nexus a path goes through, by its label."""
        return self.nexuses.get(path.nexus) if path.nexus else None

    def paths_through(self, *labels: str) -> Iterator[tuple[str, PathState]]:
        """Every path through one of these nexuses, with the WWID of its map."""
        wanted = frozenset(labels)
        for wwid in tuple(self.maps) if wanted else ():
            yield from ((wwid, path) for path in tuple(self.paths(wwid).values()) if path.nexus in wanted)

    def touch_paths_through(self, *labels: str) -> None:
        """Have every path through one of these nexuses judged again."""
        self.touched.update((wwid, path.label) for wwid, path in self.paths_through(*labels))

    # --- arrays -------------------------------------------------------------------------------------------------------

    @property
    def arrays(self) -> Arrays:
        """What arrays are doing."""
        return self.rest.arrays

    @arrays.setter
    def arrays(self, arrays: Arrays) -> None:
        if arrays != self.rest.arrays:
            self.rest = replace(self.rest, arrays=arrays)

    # --- sources ------------------------------------------------------------------------------------------------------

    def source(self, name: SourceName) -> SourceState:
        """A source as the draft has it."""
        return self.sources.get(name, _NEVER_ASKED)

    def is_up(self, name: SourceName) -> bool:
        """Whether the source answers."""
        return bool(self.source(name).up)

    def multipathd_answered(self) -> None:
        """Note that multipathd has answered, or failed to; what waited for the first time is judged now."""
        if not self.rest.multipathd_asked:
            self.rest = replace(self.rest, multipathd_asked=True)
            self.regrouped.update(self.maps)

    # --- deadlines ----------------------------------------------------------------------------------------------------

    def take(self, due: Due) -> bool:
        """Whether this deadline has come; then it is done with."""
        moment = self.deadlines.get(due)
        if moment is None or moment > self.now.monotonic:
            return False
        del self.deadlines[due]
        return True

    # --- effects ------------------------------------------------------------------------------------------------------

    def emit(self, effect: Effect) -> None:
        """Add an alert, or something to keep."""
        self.effects.append(effect)

    def refresh(self, *scopes: Scope) -> None:
        """Have sources read again; asking twice in one step is asking once."""
        for scope in scopes:
            if scope not in self._asked:
                self._asked.add(scope)
                self.effects.append(Refresh(scope))

    def refresh_devices(self, names: Iterable[str]) -> None:
        """Have these disks read again."""
        self.effects.append(Refresh(Scope.DEVICES, tuple(names)))

    def resync(self, reason: str) -> None:
        """Have everything read again, and count why."""
        resyncs = {**self.counters.resyncs, reason: self.counters.resyncs.get(reason, 0) + 1}
        self.counters = replace(self.counters, resyncs=frozen(resyncs))
        self.refresh(Scope.SYSTEM, Scope.MAPS, Scope.PATHS)

    def put_together(self) -> None:
        """Put all drafts of paths into their maps: then ``maps`` has the paths as the draft has them."""
        for wwid in tuple(self._paths):
            self.whole_map(wwid)

    def finished(self) -> State:
        """The next state."""
        self.put_together()
        return replace(
            self.rest,
            sources=frozen(self.sources),
            maps=self.maps.finished(),
            nexuses=self.nexuses.finished(),
            counters=self.counters,
            incidents=self.before.incidents if self.incidents == self.before.incidents else frozen(self.incidents),
            deadlines=self.deadlines.finished(),
        )

"""One turn of the state machine: a draft of the next state, and the effects gathered on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mpathd_watch.core.effects import Alert, Effect, Refresh, Scope
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import MapState, PathState, SessionState, SourceState, State, frozen

PathKey = tuple[str, str]
"""WWID and path label."""


class Turn:
    """The next state in the making. Used within one call of ``step`` and dropped.

    Copies a mapping only when it is first written to, so that an event costs what it changes. ``touched`` gathers the
    paths, and ``regrouped`` the maps, whose health must be judged again before the turn ends.
    """

    def __init__(self, state: State, now: Instant) -> None:
        self.state = state
        self.now = now
        self.effects: list[Effect] = []
        self.touched: set[PathKey] = set()
        self.regrouped: set[str] = set()
        self.maps = dict(state.maps)
        self.sessions = dict(state.sessions)
        self.sources = dict(state.sources)
        self.unmapped = state.unmapped
        self.links = state.links
        self.auditing = state.auditing
        self.deadlines = dict(state.deadlines)
        self.counters = state.counters
        self.settings = state.settings
        self.started = state.started
        self.multipathd_heard = state.multipathd_heard
        self.dm_doubted = state.dm_doubted
        self._paths: dict[str, dict[str, PathState]] = {}

    def paths(self, wwid: str) -> dict[str, PathState]:
        """The draft of a map's paths, for writing."""
        if wwid not in self._paths:
            self._paths[wwid] = dict(self.maps[wwid].paths)
        return self._paths[wwid]

    def set_path(self, wwid: str, path: PathState) -> None:
        """Write one path and have it judged again."""
        paths = self.paths(wwid)
        if paths.get(path.label) is not path:
            paths[path.label] = path
            self.touched.add((wwid, path.label))

    def whole_map(self, wwid: str) -> MapState:
        """The map with the draft of its paths."""
        if wwid in self._paths:
            self.maps[wwid] = replace(self.maps[wwid], paths=frozen(self._paths.pop(wwid)))
        return self.maps[wwid]

    def drop_map(self, wwid: str) -> None:
        """Forget a map and its paths."""
        self._paths.pop(wwid, None)
        del self.maps[wwid]
        self.touched = {key for key in self.touched if key[0] != wwid}
        self.regrouped.discard(wwid)
        self.deadlines = {due: moment for due, moment in self.deadlines.items() if due.wwid != wwid}

    def session_of(self, path: PathState) -> SessionState | None:
        """The session a path goes through, by its label."""
        return self.sessions.get(path.session) if path.session else None

    def source(self, name: SourceName) -> SourceState:
        """A source as the draft has it."""
        return self.sources.get(name, SourceState())

    def is_up(self, name: SourceName) -> bool:
        """Whether the source answers."""
        return bool(self.source(name).up)

    def emit(self, alert: Alert) -> None:
        """Add an alert."""
        self.effects.append(alert)

    def refresh(self, *scopes: Scope) -> None:
        """Have sources read again; asking twice in one turn is asking once."""
        for scope in scopes:
            wanted = Refresh(scope)
            if wanted not in self.effects:
                self.effects.append(wanted)

    def refresh_devices(self, names: Iterable[str]) -> None:
        """Have these disks read again."""
        self.effects.append(Refresh(Scope.DEVICES, tuple(names)))

    def hear_multipathd(self) -> None:
        """Note that multipathd has spoken, or failed to; what waited for that is taken up at the first time."""
        if not self.multipathd_heard:
            self.multipathd_heard = True
            self.regrouped.update(self.maps)

    def resync(self, reason: str) -> None:
        """Have everything read again, and count why."""
        resyncs = dict(self.counters.resyncs)
        resyncs[reason] = resyncs.get(reason, 0) + 1
        self.counters = replace(self.counters, resyncs=frozen(resyncs))
        self.refresh(Scope.SYSTEM, Scope.MAPS, Scope.PATHS)

    def finished(self) -> State:
        """The next state."""
        for wwid in tuple(self._paths):
            self.whole_map(wwid)
        return replace(
            self.state,
            settings=self.settings,
            started=self.started,
            multipathd_heard=self.multipathd_heard,
            sources=frozen(self.sources),
            maps=frozen(self.maps),
            sessions=frozen(self.sessions),
            unmapped=self.unmapped,
            links=self.links,
            auditing=self.auditing,
            counters=self.counters,
            dm_doubted=self.dm_doubted,
            deadlines=frozen(self.deadlines),
        )

"""What a message about a path may speak of: its map, the sessions and the network around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.state import MapState, PathState, SessionState


@dataclass(frozen=True, slots=True)
class Scene:
    """``known`` is the path's map; ``links`` is ``None`` while nobody tells of the network interfaces."""

    known: MapState
    sessions: Mapping[str, SessionState]
    links: Mapping[str, LinkFacts] | None
    now: Instant
    multipathd_up: bool

    def session_of(self, path: PathState) -> SessionState | None:
        """The session the path goes through."""
        return self.sessions.get(path.session) if path.session else None

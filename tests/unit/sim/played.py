"""A world without a product, whose random phases are as short as possible unless a test wants others."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from mpathd_watch.core.events import DmPathEvent
from tests.sim.clock import Clock
from tests.sim.laws import Laws
from tests.sim.world.changes import What
from tests.sim.world.disks import Disk
from tests.sim.world.host import World
from tests.sim.world.links import Link, Portal
from tests.sim.world.sessions import Session
from tests.sim.world.shape import Shape

SHORTEST = Laws(
    ping_timer_lateness=(0.0, 0.0),
    session_down=(0.0, 0.0),
    disks_follow=(0.0, 0.0),
    login=(0.1, 0.1),
    link_active=(0.0, 0.0),
    io_fails=(0.01, 0.01),
    late_answers=0.0,
    alignment=(1.0, 1.0),
)


class Played:
    """A world and what has happened in it: seconds since it began, and in words."""

    def __init__(self, shape: Shape, laws: Laws, seed: str) -> None:
        self.clock = Clock()
        self.began = self.clock.now
        self.world = World(self.clock, Random(seed), shape, laws)  # noqa: S311  # a simulation, not a secret
        self.happened: list[tuple[float, str]] = []
        self.uevents: list[DmPathEvent] = []
        self.world.changes.listen(self._changed)

    @property
    def now(self) -> float:
        return self.clock.now - self.began

    @property
    def portal(self) -> Portal:
        return self.world.portals[0]

    @property
    def session(self) -> Session:
        found = self.world.session_to(self.portal)
        assert found is not None
        return found

    @property
    def disk(self) -> Disk:
        return self.session.disks[0]

    def run(self, until: float) -> None:
        self.clock.run(self.began + until)

    def at(self, moment: float, act: Callable[[], None]) -> None:
        self.clock.at(self.began + moment, act)

    def when(self, what: str) -> list[float]:
        """The moments at which something has happened."""
        return [moment for moment, each in self.happened if each == what]

    def _changed(self, what: What, thing: Any) -> None:
        text = None
        match what, thing:
            case What.SESSION, Session():
                text = f"session {thing.portal.number} {thing.state.value}"
            case What.DISK, Disk():
                text = f"disk {thing.name} {thing.state.value}"
            case What.ERROR, (Session() as session, error):
                text = f"error {session.portal.number} {error}"
            case What.LINK, Link():
                text = f"link {thing.number} {int(thing.carrier)}"
            case What.UEVENT, DmPathEvent():
                self.uevents.append(thing)
                text = f"dm {thing.dev_t} {thing.action.value}"
            case _:
                pass
        if text:
            self.happened.append((round(self.now, 3), text))


def world(shape: Shape | None = None, laws: Laws = SHORTEST, seed: str = "test") -> Played:
    """A world of this shape, with the shortest phases."""
    return Played(shape or Shape(), laws, seed)

"""The story of a run: what the world did beside what the product reported of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mpathd_watch.core.effects import Alert, Effect, OutageEnded
from mpathd_watch.core.events import DmPathEvent, Event, EventsLost, SourceDown, SourceUp
from mpathd_watch.core.state import State
from tests.sim.clock import MONOTONIC_AT_START
from tests.sim.product import Product
from tests.sim.world.changes import What
from tests.sim.world.disks import Disk
from tests.sim.world.host import World
from tests.sim.world.links import Link
from tests.sim.world.sessions import Session

WORLD, PRODUCT = "world", "product"


class Chronicle:
    """Keeps lines: when, who, what."""

    def __init__(self, world: World, product: Product, *, booted: float = 0.0) -> None:
        self.lines: list[tuple[float, str, str]] = []
        self._booted = booted
        self._world = world
        self._product = product
        world.changes.listen(self._changed)
        product.observers.append(self._stepped)

    def write(self, who: str, text: str) -> None:
        """Add a line."""
        self.lines.append((self._booted + self._world.clock.now - MONOTONIC_AT_START, who, text))

    def around(self, moment: float, before: float, after: float) -> Iterator[str]:
        """The lines around a moment of the run."""
        for at, who, text in self.lines:
            if moment - before <= at <= moment + after:
                yield f"{at:9.2f}  {who:8}{text}"

    def _changed(self, what: What, thing: Any) -> None:
        match what:
            case What.SESSION if isinstance(thing, Session):
                self.write(WORLD, f"session {thing.portal.label} {thing.state}")
            case What.ANSWERS if isinstance(thing, Session):
                self.write(WORLD, f"session {thing.portal.label} {'answers' if thing.answers else 'does not answer'}")
            case What.DISK if isinstance(thing, Disk):
                access = f", {thing.access}" if thing.access else ""
                self.write(WORLD, f"disk {thing.name} of {thing.session.portal.label} {thing.state}{access}")
            case What.CHECKER if isinstance(thing, Disk):
                self.write(WORLD, f"checker of {thing.name}: {self._world.multipathd.state_of(thing)}")
            case What.LINK if isinstance(thing, Link):
                self.write(WORLD, f"{thing.name} {'has' if thing.carrier else 'has no'} carrier")
            case What.UEVENT:
                self.write(WORLD, f"uevent {self._uevent(thing)}")
            case What.MULTIPATHD:
                daemon = self._world.multipathd
                self.write(WORLD, f"multipathd {'works' if daemon.works else 'hangs' if daemon.pid else 'is dead'}")
            case What.ERROR:
                session, error = thing
                self.write(WORLD, f"connection error {error} of {session.portal.label}")
            case _:
                pass

    def _uevent(self, event: object) -> str:
        if isinstance(event, DmPathEvent):
            names = [disk.name for disk in self._world.disks() if disk.dev_t == event.dev_t]
            return f"{event.action} {event.map_name} {'/'.join(names) or event.dev_t} {event.seqnum}"
        return str(event)

    def _stepped(self, before: State, after: State, event: Event, effects: tuple[Effect, ...]) -> None:
        if isinstance(event, SourceDown | SourceUp | EventsLost):
            self.write(PRODUCT, f"<- {event}")
        for wwid, map_ in after.maps.items():
            old = before.maps.get(wwid)
            if old is map_:
                continue
            for label, path in map_.paths.items():
                known = None if old is None else old.paths.get(label)
                if known is None or known.health is not path.health:
                    self.write(PRODUCT, f"{map_.name} {label} {path.health}  (by {type(event).__name__})")
        for effect in effects:
            if isinstance(effect, Alert):
                self.write(PRODUCT, f"<{effect.priority.value}> {effect.kind.event}: {effect.message}")
            elif isinstance(effect, OutageEnded):
                self.write(PRODUCT, f"outage of {effect.map} {effect.path} ended: {effect.outage.cause}")

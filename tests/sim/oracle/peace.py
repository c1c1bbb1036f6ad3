"""Rules (c) and (e): once the world is well, nothing stands; and as long as it is well, nobody is woken.

And (e) of alerts that the kernel's own timers rule out: they end a session and a wait in time, whatever is wrong.
"""

from __future__ import annotations

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert, Effect
from mpathd_watch.core.events import Event
from mpathd_watch.core.model.vocabulary import Health, MapHealth, Phase, SourceName
from mpathd_watch.core.state import State
from tests.sim.oracle.violation import Accuse
from tests.sim.product import Product
from tests.sim.world.host import World

MOST_HELD = 140.0
"""Seconds for which the kernel holds I/O at most."""
_IN_TIME = frozenset({Phase.DETECTION.value, Phase.REPLACEMENT.value})
_OF_THE_AUDIT = frozenset({AlertKind.CONFIG_FINDING})


class PeaceOracle:
    """Knows whether anything has been done to the world."""

    def __init__(self, world: World, product: Product, accuse: Accuse) -> None:
        self.healthy = True
        self._world = world
        self._product = product
        self._accuse = accuse
        product.observers.append(self._stepped)

    def _stepped(self, _: State, __: State, ___: Event, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Alert) and effect.kind is AlertKind.PATH_OVERDUE:
                phase = effect.fields["PHASE"]
                if phase in _IN_TIME and not self._hung():
                    self._accuse("e", f"the kernel ends {phase} in time, and path_overdue is logged: {effect.message}")
        if not self.healthy:
            return
        for effect in effects:
            if isinstance(effect, Alert) and effect.priority <= Priority.WARNING and effect.kind not in _OF_THE_AUDIT:
                self._accuse("e", f"nothing is wrong, and {effect.kind.event} is logged: {effect.message}")

    def _hung(self) -> bool:
        """Whether sysfs has not shown what the kernel has done, or only for too short a time."""
        sysfs, now = self._product.sources.sysfs, self._world.clock.now
        blinked = any(now - session.blinked < MOST_HELD for session in self._world.sessions)
        return blinked or sysfs.hung or now - sysfs.returned < 2.0

    def check_quiet(self) -> None:
        """Everything has been repaired a while ago: whatever is not up, and every alert that stands, is wrong."""
        state = self._product.state
        for map_ in state.maps.values():
            if map_.health is not MapHealth.HEALTHY or map_.announced is not MapHealth.HEALTHY:
                self._accuse("c", f"map {map_.name} is {map_.health}, announced as {map_.announced}")
            for path in map_.paths.values():
                if path.health is not Health.UP or path.outage is not None or path.verdict.overdue:
                    self._accuse("c", f"{map_.name} {path.label} is {path.health}")
                failures, ends = sum(path.failures.values()), path.reinstatements
                if failures > ends:
                    self._accuse("f", f"{map_.name} {path.label} has {failures} failures and {ends} reinstatements")
                if path.verdict.announced is not Health.UP:
                    self._accuse("c", f"{map_.name} {path.label} is up, announced as {path.verdict.announced}")
        for nexus in state.nexuses.values():
            if nexus.announced_lost or nexus.suspicion is not None:
                self._accuse("c", f"session {nexus.label} is announced as lost, or suspect")
        for name in (SourceName.UEVENT, SourceName.SYSFS, SourceName.MULTIPATHD):
            if state.source(name).up is not True:
                self._accuse("c", f"source {name} is not up")
        for group in state.arrays.groups:
            self._accuse("c", f"port group {group.number} is announced as down")
        if state.dm_stale is not None:
            self._accuse("c", "dm's states count as stale")

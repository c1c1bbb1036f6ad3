"""Rule (g): the work for an event is bounded, and the core asks for nothing in a loop."""

from __future__ import annotations

from mpathd_watch.core.effects import Alert, Effect
from mpathd_watch.core.events import Event, Remembered
from mpathd_watch.core.state import State
from tests.sim.clock import Clock
from tests.sim.oracle.violation import Accuse
from tests.sim.product import Product

WINDOW = 10.0
STEPS, STEPS_A_PATH = 600, 60
"""Steps of the core within a window, and more for each path: a session in trouble is polled five times a second."""
EFFECTS, EFFECTS_A_PATH = 20, 6


class CostOracle:
    """Counts steps and effects."""

    def __init__(self, clock: Clock, product: Product, accuse: Accuse) -> None:
        self.alerts = 0
        self._clock = clock
        self._accuse = accuse
        self._began = clock.now
        self._steps = 0
        product.observers.append(self._stepped)

    def _stepped(self, _: State, after: State, event: Event, effects: tuple[Effect, ...]) -> None:
        paths = sum(len(map_.paths) for map_ in after.maps.values())
        if isinstance(event, Remembered):  # there is no map yet
            paths = sum(len(known) for known in event.memory.outages.values())
        self.alerts += sum(isinstance(effect, Alert) for effect in effects)
        if len(effects) > EFFECTS + EFFECTS_A_PATH * paths:
            self._accuse("g", f"{type(event).__name__} has {len(effects)} effects with {paths} paths")
        if self._clock.now - self._began > WINDOW:
            self._began, self._steps = self._clock.now, 0
        self._steps += 1
        if self._steps == STEPS + STEPS_A_PATH * paths:
            self._accuse("g", f"{self._steps} steps within {self._clock.now - self._began:.1f} s with {paths} paths")

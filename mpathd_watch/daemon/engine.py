"""The engine: the only place where the state changes. Events come in, effects go out to the outlets."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Protocol

from mpathd_watch.core.effects import Alert, Refresh
from mpathd_watch.core.events import Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.state import State
from mpathd_watch.core.step import next_deadline, step
from mpathd_watch.sinks.view import View


class Outlets(Protocol):
    """What carries out the engine's effects."""

    def alert(self, alert: Alert) -> None:
        """Report an alert."""

    def refresh(self, refresh: Refresh) -> None:
        """Make a source read something again."""

    def recorded(self, event: Event, now: Instant) -> None:
        """Write the event to the recording, if there is one."""

    def broken(self, event: Event, report: str) -> None:
        """Report that an event could not be processed, which is a bug of ours."""


class Engine:
    """Owns the state. Only one loop may feed it; any thread may take a ``view``."""

    def __init__(self, clock: Callable[[], Instant], outlets: Outlets) -> None:
        self._clock = clock
        self._outlets = outlets
        self.state = State()

    def view(self) -> View:
        """The state as it stands, with the present time."""
        return View(self.state, self._clock())

    @property
    def deadline(self) -> float | None:
        """The CLOCK_MONOTONIC second at which the core wants a ``Tick``."""
        return next_deadline(self.state)

    def feed(self, event: Event, at: Instant | None = None) -> None:
        """Process one event and carry out its effects."""
        now = at or self._clock()
        self._outlets.recorded(event, now)
        try:
            self.state, effects = step(self.state, event, now)
        except Exception:  # noqa: BLE001  # a bug in the core must not stop the daemon: the next snapshot corrects the state
            self._outlets.broken(event, traceback.format_exc())
            return
        for effect in effects:
            match effect:
                case Alert():
                    self._outlets.alert(effect)
                case Refresh():
                    self._outlets.refresh(effect)

"""The engine: the only place where the state changes. Events come in, effects go out to the outlets."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from mpathd_watch.core.effects import Alert, Effect, Kept, Refresh
from mpathd_watch.core.events import DmPathEvents, Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.state import State
from mpathd_watch.core.step import gathered, next_deadline, step
from mpathd_watch.daemon.internal_errors import where
from mpathd_watch.sinks.view import View


class Outlets:
    """Where effects go. Each method does nothing here: an outlet overrides those that it has a use for."""

    def alert(self, alert: Alert) -> None:
        """Report an alert."""

    def refresh(self, refresh: Refresh) -> None:
        """Make a source read something again."""

    def keep(self, kept: Kept) -> None:
        """Keep what must outlive the daemon."""

    def recorded(self, event: Event, now: Instant) -> None:
        """Write the event to the recording, if there is one."""

    def broken(self, event: Event, report: str) -> None:
        """Report that an event could not be processed, which is a bug of ours."""

    def handle(self, effect: Effect) -> None:
        """Pass one effect on to its method."""
        match effect:
            case Alert():
                self.alert(effect)
            case Refresh():
                self.refresh(effect)
            case _:
                self.keep(effect)


class Engine:
    """Owns the state. Only one loop may feed it; any thread may take a ``view``.

    ``state`` is the one that is shown: what events that came together have led to, never what only some of them have.
    """

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

    def feed(self, *events: Event, at: Instant | None = None) -> None:
        """Process events in their order, show what they lead to, and carry out their effects in order."""
        state, following = self.state, list[Effect]()
        broken: list[tuple[Event, str]] = []
        for together in gathered(events):
            now = at or self._clock()
            self._outlets.recorded(together, now)
            waiting = deque([together])
            while waiting:
                event = waiting.popleft()
                try:
                    state, effects = step(state, event, now)
                except Exception as error:  # noqa: BLE001  # a bug in the core must not stop the daemon: the next snapshot corrects the state
                    if isinstance(event, DmPathEvents):
                        waiting.extend(event.events)  # only what breaks it is lost
                    else:
                        broken.append((event, where(error)))
                else:
                    following += effects
        self.state = state
        for event, report in broken:
            self._outlets.broken(event, report)
        for effect in following:
            self._outlets.handle(effect)

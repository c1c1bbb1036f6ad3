"""The product in this layer: the real service, which may be stopped, killed and started again at any moment."""

from __future__ import annotations

import asyncio
import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from mpathd_watch.config import Config, ConfigError
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Alert, Effect
from mpathd_watch.core.events import Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.state import State
from mpathd_watch.daemon.reporters import Reporters
from mpathd_watch.daemon.service import Service
from mpathd_watch.daemon.surroundings import Surroundings
from mpathd_watch.sinks.backlog import Outlet
from tests.sim.daemon.host import Faulty, Host
from tests.sim.daemon.loop import VirtualLoop
from tests.sim.daemon.seen import SeenSources
from tests.sim.oracle.violation import Accuse
from tests.sim.product import Product
from tests.sim.world.host import World

ENDS_WITHIN = 1.0
"""Seconds within which the daemon must have ended after a signal or a cancellation."""


class DaemonProduct(Product):
    """Runs the service, without a state directory. ``reload`` is what it reads at SIGHUP."""

    keeps = False

    def __init__(self, loop: VirtualLoop, random: Random, world: World, accuse: Accuse) -> None:
        super().__init__(loop.clock, random, world)
        self.faulty = Faulty()
        self.host: Host | None = None
        self.starts = 0
        self.ended = 0
        """How often a daemon was started, and has ended."""
        self.reload: Callable[[], Config] = lambda: self.config
        self._loop = loop
        self._accuse = accuse
        self._directory = TemporaryDirectory()
        self._life: asyncio.Task[None] | None = None
        self._service: WatchedService | None = None
        self.config = Config(sysfs=self._directory.name)
        (Path(self._directory.name) / "class/iscsi_transport").mkdir(parents=True)

    # --- beginning and ending -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it, once the one before has ended."""
        self.state = State()
        self.runs = True
        self.starts += 1
        self.started = self._clock.now
        seen = SeenSources(self._clock, self._random, self._world)
        self.sources = seen
        self.host = Host(self._loop, self._random, self._world, seen, self.faulty)
        self._life = self._loop.create_task(self._live(self.host, self._life), name="daemon")

    def end(self, *, killed: bool = False) -> None:  # noqa: ARG002  # by chance
        """Stop it by a signal, or cancel whatever it is doing."""
        life, host, sources = self._life, self.host, self.sources
        if life is None or host is None:
            return
        self.runs = False
        stop = self._loop.signals.get(signal.SIGTERM)
        if stop is not None and self._random.random() < 0.5:
            stop()
        else:
            life.cancel()
        self._loop.signals.clear()
        self._clock.after(ENDS_WITHIN, lambda: self._must_have_ended(life))
        host.close()
        assert isinstance(sources, SeenSources)
        sources.close()

    def close(self) -> None:
        """The run is over: end it, and see that nothing of it is left."""
        if self.runs:
            self.end()
        self._loop.run_to(self._clock.now + ENDS_WITHIN + 0.1)
        left = [task.get_name() for task in asyncio.all_tasks(self._loop)]
        if left or self._loop.timers():
            self._accuse("end", f"{left} and {self._loop.timers()} timers are left after the daemon has ended")
        self._directory.cleanup()

    async def _live(self, host: Host, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        service = WatchedService(self, self.config, self._load, host.surroundings())
        self._service = service
        await service.run()

    def _load(self) -> Config:
        return self.reload()

    def _must_have_ended(self, life: asyncio.Task[None]) -> None:
        self.ended += 1
        if not life.done():
            self._accuse("end", f"the daemon has not ended within {ENDS_WITHIN:g} s")
        elif not life.cancelled() and (error := life.exception()) is not None:
            self._accuse("crash", _text(error))

    # --- what it does -------------------------------------------------------------------------------------------------

    def stepped(
        self, service: WatchedService, before: State, after: State, event: Event, effects: tuple[Effect, ...]
    ) -> None:
        """The service has processed an event."""
        if not self.runs or service is not self._service:
            return
        self.steps += 1
        self.state = after
        assert isinstance(self.sources, SeenSources)
        self.sources.follow(event)
        for observer in self.observers:
            observer(before, after, event, effects)

    def broken(self, text: str) -> None:
        """The service has reported a bug of ours."""
        self._accuse("crash", text)

    def check_alive(self) -> None:
        """It must not end by itself."""
        if self.runs and self._life is not None and self._life.done():
            error = None if self._life.cancelled() else self._life.exception()
            self.broken("the daemon has ended by itself" if error is None else _text(error))
            self.runs = False

    def hang_up(self) -> None:
        """SIGHUP."""
        handler = self._loop.signals.get(signal.SIGHUP)
        if self.runs and handler is not None:
            handler()


class WatchedService(Service):
    """Shows each step to the product."""

    def __init__(
        self, product: DaemonProduct, config: Config, reload: Callable[[], Config], surroundings: Surroundings
    ) -> None:
        super().__init__(config, reload, Reporters({"log": _Log(product)}), None, surroundings=surroundings)
        self._product = product
        self._effects: list[Effect] = []

    def handle(self, effect: Effect) -> None:
        self._effects.append(effect)
        super().handle(effect)

    def broken(self, event: Event, report: str) -> None:
        self._product.broken(report)
        super().broken(event, report)

    def recorded(self, event: Event, now: Instant) -> None:
        super().recorded(event, now)
        self._effects = []

    def _feed(self, *events: Event) -> None:
        # One by one, which leads to the same: the oracle judges each step.
        for event in events:
            before = self._engine.state
            super()._feed(event)
            self._product.stepped(self, before, self._engine.state, event, tuple(self._effects))


class _Log:
    """Reads what the service logs: an error is a bug of ours."""

    def __init__(self, product: DaemonProduct) -> None:
        self._product = product

    @property
    def outlet(self) -> Outlet:
        return Outlet(0, 0, stalled=False)

    def alert(self, alert: Alert) -> None:
        """The oracle reads them."""

    def log(self, priority: Priority, text: str) -> None:
        if priority <= Priority.ERR:
            self._product.broken(text)

    def stop(self, deadline: float = 2.0) -> bool:  # noqa: ARG002
        return True


def _text(error: BaseException) -> str:
    return "".join(traceback.format_exception(error, limit=-6))


def bad_file() -> Config:
    """A configuration file with a mistake."""
    raise ConfigError("config.toml: unknown key 'x'")

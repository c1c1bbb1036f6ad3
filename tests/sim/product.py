"""The product in the simulation: the core, fed by the modelled sources as the daemon feeds it by the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.effects import Alert, Effect, Refresh, Scope
from mpathd_watch.core.events import ConfigurationRead, DmStatusRead, Event, Remembered, SettingsChanged, Tick
from mpathd_watch.core.formats.multipath_conf import Document
from mpathd_watch.core.model.facts import DmStatus
from mpathd_watch.core.model.memory import Memory
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.model.system import System
from mpathd_watch.core.model.vocabulary import DmState
from mpathd_watch.core.state import State
from mpathd_watch.core.step import next_deadline, step
from mpathd_watch.sources.multipathd.replies import parse_configuration
from tests.sim.clock import Clock, Timer
from tests.sim.sources.multipathd import MultipathdSource
from tests.sim.sources.source import Source
from tests.sim.sources.sysfs import Sysfs
from tests.sim.sources.uevents import KernelErrors, Network, Uevents
from tests.sim.store import Store
from tests.sim.world.host import World
from tests.sim.world.shape import Shape

TICK_LATE = 0.003
"""Seconds by which the loop is late for a deadline."""

ROOT_STEP = 1.0
"""Seconds after the start at which the privileged step has read dm's status."""

Observer = Callable[[State, State, Event, tuple[Effect, ...]], None]


class Sources:
    """The sources of one run of the daemon."""

    def __init__(self, clock: Clock, random: Random, world: World, emit: Callable[[Event], None]) -> None:
        self.uevents = Uevents(clock, random, emit, world)
        self.errors = KernelErrors(clock, random, emit, world)
        self.network = Network(clock, random, emit, world)
        self.sysfs = Sysfs(clock, random, emit, world)
        self.multipathd = MultipathdSource(clock, random, emit, world, document(world.shape))

    def all(self) -> Iterable[Source]:
        """Each of them."""
        return (self.uevents, self.errors, self.network, self.sysfs, self.multipathd)


class Product:
    """The daemon: it may be restarted or killed. ``observers`` see each step of the core.

    ``keeps``: whether it keeps anything over restarts. ``store``: what it keeps; ``memory``: what it knew from that
    when it started. ``ended_at``: when the last one ended.
    """

    keeps = True

    def __init__(self, clock: Clock, random: Random, world: World, store: Store | None = None) -> None:
        self.store = store or Store(clock)
        self.memory = Memory()
        self.ended_at = clock.now
        self.state = State()
        self.steps = 0
        self.runs = False
        self.started = clock.now
        self.observers: list[Observer] = []
        self._clock = clock
        self._random = random
        self._world = world
        self._tick: Timer | None = None
        self.sources = Sources(clock, random, world, self.feed)

    @property
    def now(self) -> float:
        """The present CLOCK_MONOTONIC second."""
        return self._clock.now

    def start(self) -> None:
        """Start with an empty state, and with what the store holds, as the daemon does."""
        self.state = State()
        self.runs = True
        self.started = self._clock.now
        self.sources = Sources(self._clock, self._random, self._world, self.feed)
        self.memory = self.store.memory()
        self.feed(SettingsChanged.to(Settings()))
        self.feed(Remembered(self.memory))
        self.sources.uevents.begin()
        self.sources.errors.begin()
        self.sources.network.begin()
        self.sources.sysfs.begin()
        self.sources.multipathd.begin()
        self.feed(ConfigurationRead(configuration(self._world.shape)))
        sources = self.sources
        self._clock.after(ROOT_STEP, lambda: self._dm_status(sources))

    def _dm_status(self, sources: Sources) -> None:
        """The privileged step after the start passes on the kernel's own states (``ExecStartPost``)."""
        if self.runs and self.sources is sources:
            self.feed(DmStatusRead(dm_status(self._world), self._clock.now))

    def end(self, *, killed: bool = False) -> None:
        """End, by a signal or a crash: only what is in the store is kept."""
        self.runs = False
        self.ended_at = self._clock.now
        self.store.ended(killed=killed)
        for source in self.sources.all():
            source.close()
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None

    def feed(self, event: Event) -> None:
        """One step of the core, and what follows from it."""
        self.steps += 1
        before = self.state
        self.state, effects = step(before, event, self._clock.instant)
        if self.state.watches:
            self.store.watch()
        for effect in effects:
            if isinstance(effect, Refresh):
                self._refresh(effect)
            elif not isinstance(effect, Alert):
                self.store.put(effect)
        for observer in self.observers:
            observer(before, self.state, event, effects)
        self._plan_tick()

    def _plan_tick(self) -> None:
        due = next_deadline(self.state)
        if self._tick is not None and self._tick.action is not None:
            if due is not None and self._tick.moment == due + TICK_LATE:
                return
            self._tick.cancel()
        self._tick = None if due is None else self._clock.at(due + TICK_LATE, self._ticked)

    def _ticked(self) -> None:
        self._tick = None
        if self.runs:
            self.feed(Tick())

    def _refresh(self, wanted: Refresh) -> None:
        match wanted.scope:
            case Scope.SYSTEM:
                self.sources.sysfs.wake_system()
            case Scope.NEXUSES:
                self.sources.sysfs.wake_sessions()
            case Scope.DEVICES:
                self.sources.sysfs.wake_devices(wanted.devices)
            case Scope.PATHS:
                self.sources.multipathd.wake_paths()
            case Scope.MAPS:
                self.sources.multipathd.wake_maps()


def dm_status(world: World) -> tuple[DmStatus, ...]:
    """The kernel's own states, as root reads them."""
    return tuple(
        DmStatus(
            map_.name,
            None,
            {disk.dev_t: DmState.FAILED if disk in map_.failed else DmState.ACTIVE for disk in map_.members},
        )
        for map_ in world.maps
    )


def document(shape: Shape) -> Document:
    """What multipathd runs with."""
    return parse_configuration(printed(shape), shape.version).items[0]


def printed(shape: Shape) -> str:
    """The same as multipathd prints it."""
    return f"""defaults {{
	polling_interval {shape.polling_interval}
	max_polling_interval {shape.max_polling_interval}
	path_grouping_policy "{shape.policy}"
	no_path_retry "{shape.no_path_retry}"
	fast_io_fail_tmo {shape.recovery_tmo if shape.recovery_tmo > 0 else "off"}
}}
"""


def configuration(shape: Shape) -> Configuration:
    """The files."""
    return Configuration(multipath=document(shape), version=shape.version, iscsid_running=True, system=System())

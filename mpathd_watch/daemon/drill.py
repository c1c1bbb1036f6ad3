"""``mpathd-watch drill``: the daemon's own sources and core, for one failover.

It reads the host itself, and does not ask a daemon that runs: a daemon shows its status on request, and neither the
end of a phase as it comes nor the counters of the disks. Every source can be read by several processes at once: netlink
groups have any number of listeners, and multipathd any number of clients. So it works beside a daemon and without one,
and for an ordinary user where sysfs is readable. Without CAP_NET_ADMIN the kernel's reason for the loss of a connection
is missing, and no instant.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeAlias

from mpathd_watch.config import Config
from mpathd_watch.core.drill import lines
from mpathd_watch.core.drill.following import Following, advance, begun
from mpathd_watch.core.drill.plan import Plan, plan
from mpathd_watch.core.drill.result import DrillRecord, Ending, conclude
from mpathd_watch.core.drill.target import Target
from mpathd_watch.core.effects import Kept, OutageEnded, Refresh, Scope
from mpathd_watch.core.events import Emit, Event, SettingsChanged, Tick
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import State
from mpathd_watch.daemon import clock
from mpathd_watch.daemon.engine import Engine, Outlets
from mpathd_watch.daemon.live_sources import LiveSources, live_sources
from mpathd_watch.immutable import replace

PREPARED_WITHIN = 20.0
"""Seconds until a drill is refused because of what is not known. The first audit waits for multipathd's answers, and
an idle session gives a sign of life every noop_out_interval."""
LOOK_EVERY = 0.1
"""Seconds between two looks at the state."""
READ_EVERY = 1.0
"""Seconds between two readings of what is missing before the drill, and of the disks' counters while a path is out."""

Sources: TypeAlias = Callable[[Config, Emit, Path, Path | None], LiveSources]


class Watcher(Protocol):
    """Who shows a drill while it runs. No method may make the loop wait."""

    def begun(self, following: Following) -> None:
        """The drill begins: the administrator may cause the fault."""

    def watched(self, following: Following, happened: Iterable[str]) -> None:
        """Show how far it is; ``happened`` are sentences about what has changed."""


class Interrupted(Exception):  # noqa: N818  # it is no error
    """A signal came before the drill had begun."""


class Drill(Outlets):
    """One drill on ``target``. It ends after ``limit`` seconds at the latest.

    ``root`` and ``handed_over`` are as in ``ConfigurationSource``; ``terminal``: see ``safety.objections``. ``sources``
    makes the sources, by default those of this host.
    """

    def __init__(
        self,
        config: Config,
        target: Target,
        limit: float,
        *,
        root: Path = Path("/"),
        handed_over: Path | None = None,
        terminal: str = "",
        sources: Sources = live_sources,
    ) -> None:
        self._config = config
        self._target = target
        self._limit = limit
        self._terminal = terminal
        self._engine = Engine(clock.now, self)
        self._sources = sources(config, self._feed, root, handed_over)
        self._stop = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._ended: list[OutageEnded] = []
        self._broken: list[str] = []

    async def run(self, watcher: Watcher) -> DrillRecord | Plan:
        """Check, and follow until it ends. The plan, with its reasons, if it is refused.

        Raises ``TargetError`` if there is no such target, and ``Interrupted`` at a signal before it has begun.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        self._feed(SettingsChanged.to(self._config.settings))
        watching = asyncio.create_task(self._sources.run())
        try:
            drill = await self._prepared(watching)
            if drill.reasons:
                return drill
            return await self._followed(begun(drill, self._state, clock.now()), watching, watcher)
        finally:
            if self._timer is not None:
                self._timer.cancel()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    # --- outlets of the engine ----------------------------------------------------------------------------------------

    def refresh(self, refresh: Refresh) -> None:
        """Make a source read again."""
        self._sources.refresh(refresh)

    def keep(self, kept: Kept) -> None:
        """Keep an outage that is over for the next look."""
        if isinstance(kept, OutageEnded):
            self._ended.append(kept)

    def broken(self, event: Event, report: str) -> None:
        """Note a bug, which keeps the drill from passing, and have everything read again."""
        last = "; ".join(report.split("\n")[-3:])
        self._broken.append(f"internal error while processing a {type(event).__name__} ({last}); please report this")
        self._sources.sysfs.wake_system()
        self._sources.multipathd.wake_maps()

    # --- the loop -----------------------------------------------------------------------------------------------------

    @property
    def _state(self) -> State:
        return self._engine.state

    def _feed(self, *events: Event) -> None:
        self._engine.feed(*events)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._engine.deadline is not None:
            self._timer = asyncio.get_running_loop().call_at(self._engine.deadline, self._feed, Tick())

    async def _prepared(self, watching: asyncio.Task[None]) -> Plan:
        """The plan, once nothing stands against it or what is not known will hardly be known any more."""
        begun_at = asked = clock.now()
        while True:
            await self._pause(watching)
            if self._stop.is_set():
                raise Interrupted
            now = clock.now()
            late = now.since(begun_at) >= PREPARED_WITHIN
            if late or _is_read(self._state):
                drill = plan(self._state, self._target, self._terminal)
                if late or not drill.objections.passing:
                    return drill
                if now.since(asked) >= READ_EVERY:
                    # A sign of life alone is no news, and is not reported by itself.
                    asked = now
                    self._sources.refresh(Refresh(Scope.NEXUSES))

    async def _followed(self, following: Following, watching: asyncio.Task[None], watcher: Watcher) -> DrillRecord:
        watcher.begun(following)
        read = following.now.monotonic
        self._ended.clear()
        while True:
            await self._pause(watching)
            now = clock.now()
            ended, self._ended = self._ended, []
            before, following = following, advance(following, self._state, ended, now)
            following = replace(following, broken=tuple(self._broken))
            watcher.watched(following, list(lines.changes(before, following)))
            if following.over:
                return conclude(following, Ending.BACK)
            if self._stop.is_set():
                return conclude(following, Ending.STOPPED)
            if now.since(following.began) >= self._limit:
                return conclude(following, Ending.LIMIT)
            if now.monotonic - read >= READ_EVERY:
                read = now.monotonic
                self._read_disks(following)

    async def _pause(self, watching: asyncio.Task[None]) -> None:
        """Wait until the next look. Raises what has ended the sources, which nothing should."""
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait((watching, stopping), timeout=LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if watching.done():
            watching.result()

    def _read_disks(self, following: Following) -> None:
        """Have the disks' counters read of the maps of which a path is out."""
        wwids = {wwid for (wwid, _), track in following.tracks.items() if not track.back}
        devices = [
            path.place.dev
            for wwid in wwids
            if wwid in self._state.maps
            for path in self._state.maps[wwid].paths.values()
            if path.member and path.place.dev
        ]
        if devices:
            self._sources.refresh(Refresh(Scope.DEVICES, tuple(devices)))


def _is_read(state: State) -> bool:
    """Whether every source that counts has answered or failed, and the audit has been made."""
    names = (SourceName.UEVENT, SourceName.MULTIPATHD, SourceName.NETWORK, SourceName.CONFIGURATION)
    return state.started and state.auditing.at is not None and all(state.source(name).up is not None for name in names)

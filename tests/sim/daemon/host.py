"""The host of one daemon: its threads and sockets, and the real sources on them."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, cast

from mpathd_watch.config import Config
from mpathd_watch.core.events import Emit, Event
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.daemon.live_sources import LiveSources
from mpathd_watch.daemon.surroundings import Serving, Surroundings
from mpathd_watch.sinks.notify import Notifier
from mpathd_watch.sources.configuration import ConfigurationSource
from mpathd_watch.sources.iscsi.kernel_errors import KernelErrorSource
from mpathd_watch.sources.iscsi.session_source import SessionSource
from mpathd_watch.sources.multipathd.client import MultipathdClient
from mpathd_watch.sources.multipathd.presence import Presence
from mpathd_watch.sources.multipathd.replies import MAPS_COMMAND, PATHS_COMMAND
from mpathd_watch.sources.multipathd.source import MultipathdSource
from mpathd_watch.sources.network.source import NetworkSource
from mpathd_watch.sources.reading.poller import Poller
from mpathd_watch.sources.reading.worker import Worker
from mpathd_watch.sources.sysfs.source import SysfsSource
from mpathd_watch.sources.uevent.source import UeventSource
from tests.sim.daemon.loop import VirtualLoop
from tests.sim.daemon.readers import NoUsage, WorldDisks, WorldEnds, WorldSessions, WorldSurvey
from tests.sim.daemon.replies import GARBAGE, reply
from tests.sim.daemon.seen import SeenSources
from tests.sim.daemon.sockets import (
    NOTIFICATION,
    MultipathdSocket,
    Netlink,
    UeventMonitor,
    connection_error,
    devices,
)
from tests.sim.daemon.threads import Thread
from tests.sim.laws import Range
from tests.sim.sources.uevents import MOST_LATE
from tests.sim.world.changes import What
from tests.sim.world.host import World

WATCHDOG = 10.0
"""WatchdogSec=, in seconds."""

TOOK: dict[str, Range] = {
    "iscsi-sessions": (0.0005, 0.005),
    "iscsi-ends": (0.001, 0.01),
    "iscsi-tcp": (0.0005, 0.005),
    "sysfs-disks": (0.0005, 0.02),
    "network": (0.001, 0.02),
    "configuration": (0.001, 0.05),
    "reload": (0.001, 0.05),
}
"""Seconds that a read of each worker takes."""

SYSFS = frozenset({"iscsi-sessions", "iscsi-ends", "sysfs-disks"})
"""The workers that read sysfs."""


class Faulty:
    """What is wrong around the daemon besides the faults of the world. It outlives a restart of the daemon."""

    def __init__(self) -> None:
        self.hung: set[str] = set()
        """The workers whose reads do not return."""
        self.unreadable = False
        """sysfs is not mounted."""
        self.garbage: str | None = None
        """What multipathd answers to everything."""
        self.backlog_full = False
        self.hanging_up = False
        """multipathd closes the connection in place of an answer."""


class Host:
    """Runs one daemon's sources. ``close`` it when the daemon ends."""

    def __init__(self, loop: VirtualLoop, random: Random, world: World, seen: SeenSources, faulty: Faulty) -> None:
        self.threads: dict[str, Thread] = {}
        self.fed: list[float] = []
        """When the watchdog was fed."""
        self.notified: list[tuple[float, str]] = []
        self.server = MultipathdSocket(
            loop,
            random,
            self._answer_took,
            pid=lambda: world.multipathd.pid,
            works=lambda: world.multipathd.works,
            reply=self._reply,
        )
        self._loop = loop
        self._random = random
        self._world = world
        self._seen = seen
        self._faulty = faulty
        self._uevents: UeventMonitor | None = None
        self._latest_uevent = 0.0
        self._errors: Netlink | None = None
        self._links: Netlink | None = None
        self._disks = WorldDisks(world, seen.sysfs, lambda: faulty.unreadable)
        self._ends = WorldEnds(world)
        world.changes.listen(self._changed)
        seen.sysfs.released = self.release
        seen.uevents.overflowed = self._overflowed

    def close(self) -> None:
        """The daemon has ended."""
        self._world.changes.silence(self._changed)
        self._ends.close()

    def release(self) -> None:
        """Reads that have hung return, unless they still hang."""
        for name, thread in self.threads.items():
            if not self._hangs(name):
                thread.release()

    def surroundings(self) -> Surroundings:
        """All of it, for the service."""
        environ = {"NOTIFY_SOCKET": "/simulated", "WATCHDOG_USEC": str(int(WATCHDOG * 1e6))}
        return Surroundings(
            now=lambda: self._world.clock.instant,
            notifier=lambda: Notifier(environ, 1, self._notified),
            worker=self.worker,
            http=_NoHttp,
            sources=self.sources,
        )

    def worker(self, name: str) -> Worker:
        """A worker of this name."""
        look = self._disks.look if name == "sysfs-disks" else lambda: None
        thread = Thread(self._world.clock, self._random, TOOK[name], partial(self._hangs, name), look)
        self.threads[name] = thread
        return Worker(name, thread.submit)

    def sources(self, config: Config, emit: Emit, _root: Path, _handed_over: Path | None) -> LiveSources:
        """As ``live_sources``."""
        world, sysfs = self._world, Path(config.sysfs)

        def clock() -> float:
            return world.clock.now

        # Reads cost nothing here: what a look at the world really costs is another each time.
        poller = Poller(emit, clock, SourceName.SYSFS, sysfs, self.worker, processor_time=lambda: 0.0)
        readers = WorldSessions(world, self._seen.sysfs, lambda: self._faulty.unreadable)
        sessions = SessionSource(poller, tcp=self._ends.ask, reader=readers, ends=self._ends)
        client = MultipathdClient(
            presence=self._presence,
            clock=clock,
            connect=lambda address: cast("socket.socket", self.server.connect(address)),
        )
        configuration = ConfigurationSource(emit, clock, survey=WorldSurvey(world), worker=self.worker)
        return LiveSources(
            uevent=UeventSource(emit, self._open_uevents),
            kernel_errors=KernelErrorSource(emit, sysfs, self._open_errors),
            network=NetworkSource(emit, clock, self._open_links, self._list_links, self.worker),
            sessions=sessions,
            sysfs=SysfsSource(poller, sessions, reader=self._disks, usage=NoUsage()),
            multipathd=MultipathdSource(emit, client, clock, version=lambda: configuration.version),
            configuration=configuration,
        )

    # --- what the sources find ----------------------------------------------------------------------------------------

    def _hangs(self, name: str) -> bool:
        return name in self._faulty.hung or (name in SYSFS and self._seen.sysfs.hung)

    def _presence(self) -> Presence:
        pid = self._world.multipathd.pid
        return Presence(pid is not None, pid, "it is simulated" if pid else "multipathd is not running: no pid")

    def _answer_took(self) -> Range:
        shortest, longest = self._world.laws.command
        return shortest, longest + self._seen.multipathd.slow

    def _reply(self, command: str) -> str | None:
        if self._faulty.hanging_up:
            return None
        garbage = self._faulty.garbage
        if command in (PATHS_COMMAND, MAPS_COMMAND):
            self._seen.multipathd.listed(garbled=garbage is not None)
        return reply(self._world, command) if garbage is None else garbage

    def _open_uevents(self) -> UeventMonitor:
        self._uevents = UeventMonitor(self._loop)
        return self._uevents

    def _open_errors(self) -> socket.socket:
        self._errors = Netlink(self._loop)
        return cast("socket.socket", self._errors)

    def _open_links(self) -> socket.socket:
        self._links = Netlink(self._loop)
        return cast("socket.socket", self._links)

    def _list_links(self) -> tuple[Any, ...]:
        return tuple(link.facts() for link in self._world.links)

    def _notified(self, text: str) -> None:
        now = self._world.clock.now
        if text == "WATCHDOG=1":
            self.fed.append(now)
        else:
            self.notified.append((now, text))

    # --- what happens in the world ------------------------------------------------------------------------------------

    def _changed(self, what: What, thing: Any) -> None:
        clock, laws = self._world.clock, self._world.laws
        match what:
            case What.UEVENT:
                self._uevent(thing)
            case What.ERROR if not self._seen.errors.losing and self._errors is not None:
                session, error = thing
                datagram = connection_error(session.sid, error)
                clock.after(self._random.uniform(*laws.netlink), partial(self._errors.arrive, datagram))
            case What.LINK if self._links is not None:
                clock.after(self._random.uniform(*laws.carrier_reported), partial(self._links.arrive, NOTIFICATION))
            case What.MULTIPATHD:
                self.server.changed()

    def _uevent(self, event: Event) -> None:
        monitor, uevents = self._uevents, self._seen.uevents
        if monitor is None:
            return
        if uevents.losing:
            uevents.drop()
            return
        clock = self._world.clock
        moment = clock.now + self._random.uniform(*self._world.laws.uevent)
        if uevents.late:
            moment += self._random.uniform(0.0, MOST_LATE)
        else:
            moment = self._latest_uevent = max(moment, self._latest_uevent)
        clock.at(moment, partial(monitor.arrive, devices(event)))

    def _overflowed(self) -> None:
        if self._uevents is not None:
            self._uevents.overflow()


class _NoHttp:
    """Nobody asks."""

    def __init__(self, serving: Serving) -> None:
        self.places = serving.config.listen
        self.age = serving.heartbeat

    def start(self) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""


__all__ = ["GARBAGE", "SYSFS", "WATCHDOG", "Faulty", "Host"]

"""What only a running daemon can do wrong: rules about deadlines, the watchdog, requests, and the loop itself.

The letters of the violations: ``watchdog``, ``busy``, ``deadline``, ``requests``, ``silent``; ``end`` and ``crash`` are
found by ``product``.
"""

from __future__ import annotations

from itertools import pairwise

from mpathd_watch.core.effects import Effect
from mpathd_watch.core.events import Event, PathsListed, SourceAnswered, SourceErrors
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import State
from mpathd_watch.sources.multipathd.replies import MAPS_COMMAND, PATHS_COMMAND
from tests.sim.daemon.host import SYSFS, WATCHDOG
from tests.sim.daemon.loop import VirtualLoop
from tests.sim.daemon.product import DaemonProduct
from tests.sim.daemon.seen import SeenSysfs
from tests.sim.oracle.violation import Accuse
from tests.sim.world.host import World

EVERY = 1.0
"""Seconds between two checks."""
TURNS, TURNS_A_SESSION, TURNS_A_START = 400, 120, 200
"""Turns of the loop in a second, and more for each session and for each start of the daemon."""
SYSFS_DOWN_WITHIN = 7.2
"""Seconds within which sysfs is down that hangs: a poll follows within 1 s, may ask about the connections for 0.5 s
first, and has 5 s."""
PATHS_DEADLINE, MAPS_DEADLINE = 4.1, 30.0
GRAIN = 0.01
SESSIONS_WITHIN = 1.0 + 0.5 + 5.0 + 0.5
DISKS_WITHIN = 5.0 + 4.0
"""A round every 5 s; a full scan may wait for the local ends for 2 s, and for the connections."""
NETWORK_WITHIN, CONFIGURATION_WITHIN = 60.0 + 15.0 + 5.5, 5.0 + 45.0 + 0.5
MULTIPATHD_WITHIN = 5.0 + 2 * 4.1 + 30.0 + 11.0
WAKES_APART = 0.5


class Rules:
    """Looks once a second."""

    def __init__(self, loop: VirtualLoop, world: World, product: DaemonProduct, accuse: Accuse) -> None:
        self.most_turns = 0
        self._loop = loop
        self._world = world
        self._product = product
        self._accuse = accuse
        self._clock = world.clock
        self._turns = 0
        self._answered = 0.0
        self._starts = 0
        self._without_disks = 0.0
        """When the daemon last knew of no disk."""
        product.observers.append(self._stepped)
        self._clock.after(EVERY, self._look)

    def _stepped(self, _: State, __: State, event: Event, ___: tuple[Effect, ...]) -> None:
        if isinstance(event, PathsListed) or (
            isinstance(event, SourceAnswered | SourceErrors) and event.source is SourceName.MULTIPATHD
        ):
            self._answered = self._clock.now

    def _look(self) -> None:
        self._clock.after(EVERY, self._look)
        turns, self._turns = self._loop.turns - self._turns, self._loop.turns
        self.most_turns = max(self.most_turns, turns)
        starts, self._starts = self._product.starts - self._starts, self._product.starts
        if turns > TURNS + TURNS_A_SESSION * len(self._world.portals) + TURNS_A_START * starts:
            self._accuse("busy", f"{turns} turns of the loop within {EVERY:g} s")
        self._product.check_alive()
        if self._product.runs and self._clock.now - self._product.started > EVERY:
            self._watchdog()
            self._sysfs()
            self._multipathd()
            self._threads()

    def _watchdog(self) -> None:
        host = self._product.host
        assert host is not None
        last = host.fed[-1] if host.fed else self._product.started
        moments = [*host.fed[-3:], self._clock.now] if host.fed else [last, self._clock.now]
        longest = max(after - before for before, after in pairwise(moments))
        if longest > WATCHDOG / 2 + GRAIN:
            self._accuse("watchdog", f"the watchdog was not fed for {longest:.1f} s")

    def _sysfs(self) -> None:
        sysfs, now = self._product.sources.sysfs, self._clock.now
        assert isinstance(sysfs, SeenSysfs)
        since = sysfs.hung_since
        if sysfs.up and since is not None and now - since > SYSFS_DOWN_WITHIN:
            self._accuse("deadline", f"sysfs has hung for {now - since:.1f} s and is not down")

    def _multipathd(self) -> None:
        host, now = self._product.host, self._clock.now
        assert host is not None
        waiting = host.server.in_flight()
        if len(waiting) > 1:
            self._accuse("requests", f"{len(waiting)} requests to multipathd are in flight")
        for connection in waiting:
            deadline = PATHS_DEADLINE if connection.command == PATHS_COMMAND else MAPS_DEADLINE
            if now - connection.asked > deadline + GRAIN:
                self._accuse("deadline", f"a request to multipathd waits for {now - connection.asked:.1f} s")
        self._listings(host.server.requests)
        works = self._world.multipathd.works and self._product.faulty.garbage is None
        if works and not self._product.faulty.hanging_up and not self._product.faulty.backlog_full:
            silent = now - max(self._answered, self._product.started)
            if silent > MULTIPATHD_WITHIN and self._product.sources.multipathd.up:
                self._accuse("silent", f"nothing was asked of multipathd for {silent:.0f} s")

    def _listings(self, requests: list[tuple[float, str]]) -> None:
        """Full listings come after a wake, and wakes are spaced."""
        maps = [moment for moment, command in requests if command == MAPS_COMMAND and moment > self._clock.now - 10.0]
        if len(maps) > 10.0 / WAKES_APART + 3:
            self._accuse("requests", f"{len(maps)} full listings of multipathd within 10 s")
        del requests[:-100]

    def _threads(self) -> None:
        host, now, hung = self._product.host, self._clock.now, self._product.faulty.hung
        assert host is not None
        if not any(path.member for map_ in self._product.state.maps.values() for path in map_.paths.values()):
            self._without_disks = now  # a round reads nothing then
        limits = {
            "iscsi-sessions": SESSIONS_WITHIN,
            "sysfs-disks": DISKS_WITHIN,
            "network": NETWORK_WITHIN,
            "configuration": CONFIGURATION_WITHIN,
        }
        for name, seconds in limits.items():
            thread = host.threads[name]
            if name in hung or (name in SYSFS and self._product.sources.sysfs.hung) or thread.began is not None:
                continue
            if name == "iscsi-sessions" and not self._product.sources.sysfs.up:
                continue  # full scans alone find out when sysfs answers again
            since = max(thread.last, thread.ended, self._product.started)
            if name == "sysfs-disks":
                since = max(since, self._without_disks)
            if now - since > seconds:
                self._accuse("silent", f"{name} has read nothing for {now - since:.0f} s")

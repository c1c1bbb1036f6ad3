"""Maps, disks and sessions as sysfs shows them, polled as ``SessionSource``, ``SysfsSource`` and ``MemberDisks`` do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

from mpathd_watch.core.events import DevicesRead, SessionsRead, SystemRead
from mpathd_watch.core.model.facts import (
    AccessFacts,
    BlockFacts,
    DeviceFacts,
    IoFacts,
    MapFacts,
    SessionFacts,
    TcpFacts,
)
from mpathd_watch.core.model.vocabulary import DeviceState, SessionStatus, SourceName, Transport
from tests.sim.clock import Clock, Timer, on_grid
from tests.sim.sources.source import Emit, Source
from tests.sim.world.changes import What
from tests.sim.world.disks import Disk
from tests.sim.world.dm import Map
from tests.sim.world.host import World
from tests.sim.world.links import PORT, TARGET
from tests.sim.world.sessions import Session

SESSIONS_EVERY, HURRIED_EVERY, BUSY_EVERY, POLLS_APART = 0.5, 0.2, 1.0, 0.05
TIMEOUTS_EVERY = 5.0
TRAIL, OUTAGE_TRAIL = 3.0, 130.0
DISKS_EVERY, SYSTEM_EVERY, TROUBLED_EVERY = 5.0, 60.0, 0.4
COALESCE, SCANS_APART = 0.1, 0.5
READ, SCAN = (0.001, 0.02), (0.02, 0.1)
"""Seconds that a reading of some disks takes, and that a full scan takes."""
DEADLINE = 5.0
INITIATOR = "iqn.2026-01.example:host"
IO_PER_SECOND, IO_MS = 100, 1
SECTORS = 2097152


class Sysfs(Source):
    """The source ``sysfs``: sessions, member disks, full scans. ``hung``: no read returns."""

    def __init__(self, clock: Clock, random: Random, emit: Emit, world: World) -> None:
        super().__init__(SourceName.SYSFS, clock, random, emit)
        self.hung = False
        self.returned = float("-inf")
        """When reads returned again that had hung."""
        self._world = world
        self._origin = clock.now
        self._polled = clock.now
        self._sessions: dict[int, SessionFacts] = {}
        self._tcp: dict[int, TcpFacts] = {}
        self._asked = 0.0
        self._timeouts_due = clock.now
        self._closely: dict[int, float] = {}
        self._disks: dict[str, DeviceFacts] = {}
        self._poll_timer: Timer | None = None
        self._woken = False
        self._ready = False
        """Whether the timers that repeat are running."""
        self._scanned = -SYSTEM_EVERY
        self._scan_timer: Timer | None = None
        self._scanning = False
        self._waiting: list[tuple[tuple[str, ...], bool, bool]] = []
        """Disks that are to be read once the full scan is over, and how: one worker reads them all."""
        self._members_timer: Timer | None = None
        self._troubled_read = clock.now
        self._down_timer: Timer | None = None

    # --- beginning and ending -----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Scan everything, and poll from then on."""
        self._world.changes.listen(self._changed)
        self._scan_at(self.clock.now)

    def close(self) -> None:
        """End."""
        super().close()
        self._world.changes.silence(self._changed)

    def hang(self, *, hung: bool) -> None:
        """Reads do not return from now on, or they do again."""
        if self.closed:
            return
        self.hung = hung
        if self._down_timer is not None:
            self._down_timer.cancel()
            self._down_timer = None
        if hung:
            self._down_timer = self.clock.after(DEADLINE + SESSIONS_EVERY, lambda: self.report_down("timeout"))
        else:
            self.returned = self.clock.now
            self._scan_at(self.clock.now + self.random.uniform(0.1, 1.0))

    # --- what the core asks for ---------------------------------------------------------------------------------------

    def wake_sessions(self) -> None:
        """Poll the sessions now."""
        self._woken = True
        self._poll_at(max(self.clock.now, self._polled + POLLS_APART))

    def wake_system(self) -> None:
        """Do a full scan soon."""
        self._scan_at(max(self.clock.now + COALESCE, self._scanned + SCANS_APART))

    def wake_devices(self, names: Iterable[str]) -> None:
        """Read these closely."""
        wanted = tuple(names)
        asked = self.clock.now
        self.clock.after(self.random.uniform(*READ), lambda: self._read_disks(wanted, asked, closely=True))

    # --- what changes in the world ------------------------------------------------------------------------------------

    def _changed(self, what: What, thing: Any) -> None:
        if what in (What.SESSION, What.ANSWERS):
            self._poll_on_grid()
        elif what is What.MEMBERS:
            if isinstance(thing, Session):
                self._poll_on_grid()
        elif what is What.DISK and isinstance(thing, Disk):
            self._disk_changed(thing)

    def _disk_changed(self, disk: Disk) -> None:
        """Those in trouble are read with the polls, others in rounds."""
        known = self._disks.get(disk.name)
        troubled = disk.session.sid in self._in_trouble() or (known and known.state is not DeviceState.RUNNING)
        if troubled:
            at = on_grid(self.clock.now, self._troubled_read, TROUBLED_EVERY)
            asked = (disk.name,)
            self.clock.at(at + 0.02, lambda: self._read_disks(asked, self.clock.now, closely=False))

    def _in_trouble(self) -> set[int]:
        now = self.clock.now
        down = {sid for sid, facts in self._sessions.items() if facts.state is not SessionStatus.LOGGED_IN}
        return down | {sid for sid, until in self._closely.items() if until > now}

    # --- sessions -----------------------------------------------------------------------------------------------------

    def _interval(self) -> float:
        if any(until > self.clock.now for until in self._closely.values()):
            return HURRIED_EVERY
        sessions = self._world.sessions
        busy = bool(sessions) and all(session.busy and session.answers for session in sessions)
        return BUSY_EVERY if busy else SESSIONS_EVERY

    def _poll_on_grid(self) -> None:
        self._poll_at(on_grid(self.clock.now, self._polled, self._interval()))

    def _poll_at(self, moment: float) -> None:
        if self._poll_timer is not None:
            if self._poll_timer.action is not None and self._poll_timer.moment <= moment:
                return
            self._poll_timer.cancel()
        self._poll_timer = self.clock.at(moment, self._poll)

    def _poll(self) -> None:
        if self._poll_timer is not None:
            self._poll_timer.cancel()
            self._poll_timer = None
        now = self.clock.now
        if self.hung or not self.up or self.closed:
            return
        self._polled = now
        woken, self._woken = self._woken, False
        timeouts = now >= self._timeouts_due - 1e-6
        if timeouts:
            self._timeouts_due = now + TIMEOUTS_EVERY
        asks = woken or timeouts
        if asks:
            self._ask()
        read = self._read_sessions()
        changed = read != self._sessions
        if changed:
            self._watch_closely(read)
        self._sessions = read
        if changed or asks:
            self.emit(SessionsRead(tuple(read.values()), now if asks else min(now, self._asked)))
        if changed:
            self._read_troubled()
        self._poll_at(on_grid(self._timeouts_due, self._polled, self._interval()))

    def _ask(self) -> None:
        """Ask the kernel about the connections."""
        self._asked = self.clock.now
        self._tcp = {
            session.sid: TcpFacts(0.0005, session.retransmits, 0, session.heard)
            for session in self._world.sessions
            if session.state is SessionStatus.LOGGED_IN
        }

    def _read_sessions(self) -> dict[int, SessionFacts]:
        return {session.sid: self.session_facts(session) for session in self._world.sessions}

    def session_facts(self, session: Session) -> SessionFacts:
        """A session as sysfs shows it."""
        link = session.portal.link
        return SessionFacts(
            sid=session.sid,
            state=session.state,
            target=TARGET,
            tpgt=session.portal.number,
            iface="default",
            initiator=INITIATOR,
            address=session.portal.address,
            port=PORT,
            recv_tmo=session.timeouts.recv,
            ping_tmo=session.timeouts.ping,
            recovery_tmo=session.timeouts.recovery,
            local_address=link.address,
            netdev=link.name,
            local_network=link.network,
            alive=session.heard,
            tcp=self._tcp.get(session.sid),
        )

    def _watch_closely(self, read: dict[int, SessionFacts]) -> None:
        now = self.clock.now
        for sid, facts in read.items():
            if self._sessions.get(sid) != facts:
                trail = TRAIL if facts.state is SessionStatus.LOGGED_IN else OUTAGE_TRAIL
                self._closely[sid] = now + trail

    # --- disks --------------------------------------------------------------------------------------------------------

    def _read_troubled(self) -> None:
        self._troubled_read = self.clock.now
        sids = self._in_trouble()
        names = tuple(
            name for name, facts in self._disks.items() if facts.sid in sids or facts.state is not DeviceState.RUNNING
        )
        if names:
            asked = self.clock.now
            self.clock.after(self.random.uniform(*READ), lambda: self._read_disks(names, asked, closely=False))
            # What the kernel does to the disks a moment later is found by the next readings.
            self.clock.after(TROUBLED_EVERY, lambda: self._read_disks(names, self.clock.now, closely=False))

    def _read_members(self) -> None:
        """A round: every disk with its counters."""
        if self.closed:
            return
        self._members_timer = self.clock.after(DISKS_EVERY, self._read_members)
        self._read_disks(tuple(self._disks), self.clock.now, closely=False, counters=True)

    def _read_disks(self, names: Iterable[str], asked: float, *, closely: bool, counters: bool = False) -> None:
        if self._scanning:
            self._waiting.append((tuple(names), closely, counters))
            return
        if self.hung or not self.up or self.closed:
            return
        present = {disk.name: disk for disk in self._world.disks()}
        news, vanished = [], []
        for name in names:
            known = self._disks.get(name)
            if known is None:
                continue
            disk = present.get(name)
            if disk is None or (disk.dev_t, disk.hctl) != (known.dev_t, known.hctl):
                vanished.append(name)
                continue
            facts = self.disk_facts(disk, known, counters=closely or counters, in_flight=closely)
            if not closely:
                facts = replace(facts, access=known.access)
            if closely or facts != known:
                news.append(facts)
        if not (news or vanished):
            return
        if vanished or any(facts.state is not self._disks[facts.name].state for facts in news):
            self._poll()
        for facts in news:
            self._disks[facts.name] = facts
        for name in vanished:
            self._disks.pop(name, None)
        self.emit(DevicesRead(tuple(news), tuple(vanished), asked))

    def disk_facts(self, disk: Disk, known: DeviceFacts | None, *, counters: bool, in_flight: bool) -> DeviceFacts:
        """A disk as sysfs shows it; without ``counters`` they are those of ``known``."""
        io, errors = (known.io, known.io_errors) if known else (None, None)
        if counters or known is None:
            errors = disk.errors & 0xFFFFFFFF
            served = (
                int((self.clock.now - self._origin) * IO_PER_SECOND) if disk.session.busy else (io.reads if io else 0)
            )
            io = IoFacts(served, served * IO_MS, 0, 0)
        return DeviceFacts(
            name=disk.name,
            dev_t=disk.dev_t,
            hctl=disk.hctl,
            state=disk.state,
            transport=Transport.ISCSI,
            sid=disk.session.sid,
            vendor="IET",
            product="VIRTUAL-DISK",
            io_errors=errors,
            io_timeouts=0,
            timeout=30,
            wwid="",
            io=io,
            in_flight=disk.in_flight if in_flight else None,
            block=BlockFacts(SECTORS, 512, 512),
            access=_access(disk),
        )

    # --- full scans ---------------------------------------------------------------------------------------------------

    def _scan_at(self, moment: float) -> None:
        if self._scan_timer is not None and self._scan_timer.action is not None:
            if self._scan_timer.moment <= moment:
                return
            self._scan_timer.cancel()
        self._scan_timer = self.clock.at(moment, self._scan)

    def _scan(self) -> None:
        self._scan_timer = None
        if self.closed or self.hung:
            return
        requested = self.clock.now
        self._scanning = True
        disks = {disk.name: disk for disk in self._world.disks()}
        members = {disk.name for map_ in self._world.maps for disk in map_.members}
        read = {
            name: self.disk_facts(disk, self._disks.get(name), counters=True, in_flight=False)
            for name, disk in sorted(disks.items())
        }
        maps = tuple(self.map_facts(map_, disks) for map_ in self._world.maps)
        self.clock.after(self.random.uniform(*SCAN), lambda: self._scanned_all(maps, read, members, requested))

    def _scanned_all(
        self, maps: tuple[MapFacts, ...], read: dict[str, DeviceFacts], members: set[str], requested: float
    ) -> None:
        """Sessions are read last, long after the disks."""
        self._scanning = False
        if self.closed or self.hung:
            return
        self._ask()
        sessions = self._read_sessions()
        self._watch_closely(sessions)
        self._sessions = sessions
        self._disks = {name: facts for name, facts in read.items() if name in members}
        self._scanned = self._polled = self.clock.now
        wanted = self._scan_timer
        self.report_up()
        if self._scan_timer is not None and self._scan_timer is not wanted:
            self._scan_timer.cancel()  # requested in answer to that: it is this one
            self._scan_timer = None
        unmapped = tuple(facts for name, facts in read.items() if name not in members)
        devices = tuple(self._disks.values())
        self.emit(SystemRead(maps, devices, tuple(sessions.values()), requested, unmapped))
        self._scan_at(self._scanned + SYSTEM_EVERY)
        if not self._ready:
            self._ready = True
            self._members_timer = self.clock.after(DISKS_EVERY, self._read_members)
        self._poll_at(on_grid(self._timeouts_due, self._polled, self._interval()))
        # What changed while it was scanned is found by the polls.
        self._poll_on_grid()
        waiting, self._waiting = self._waiting, []
        for names, closely, counters in waiting:
            self.clock.after(
                self.random.uniform(*READ), partial(self._read_now, names, closely=closely, counters=counters)
            )

    def _read_now(self, names: tuple[str, ...], *, closely: bool, counters: bool) -> None:
        self._read_disks(names, self.clock.now, closely=closely, counters=counters)

    def map_facts(self, map_: Map, disks: dict[str, Disk]) -> MapFacts:
        """A map as sysfs shows it."""
        slaves = tuple(disk.name for disk in map_.members if disk.name in disks)
        return MapFacts(
            map_.wwid, map_.name, map_.sysfs_name, suspended=False, slaves=slaves, block=BlockFacts(SECTORS, 512, 512)
        )


def _access(disk: Disk) -> AccessFacts:
    if disk.access is None:
        return AccessFacts(grouped=False)
    return AccessFacts(
        grouped=True, handler="alua", state=disk.access, preferred=False, group=disk.session.portal.number
    )

"""When sysfs is read: sessions often, disks when something says so, everything in a slow reconciliation.

iSCSI sessions change without any uevent (drivers/scsi/scsi_transport_iscsi.c sends none), and they are few: they are
polled. Disks are many: those behind a session that is in trouble are polled with it, the rest when a uevent or the core
asks, and in rounds that may take only a small share of the time, however many disks there are.
"""

from __future__ import annotations

import asyncio
import errno
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from mpathd_watch.core.events import (
    DevicesRead,
    Event,
    SessionsRead,
    SourceAnswered,
    SourceDown,
    SourceErrors,
    SourceUp,
    SystemRead,
)
from mpathd_watch.core.facts import DeviceFacts, MapFacts, SessionFacts
from mpathd_watch.core.vocabulary import DeviceState, SessionStatus, SourceName
from mpathd_watch.sources.network import Interface, interfaces
from mpathd_watch.sources.sysfs.attributes import Attributes
from mpathd_watch.sources.sysfs.disks import Disks
from mpathd_watch.sources.sysfs.ends import LocalEnd, LocalEnds
from mpathd_watch.sources.sysfs.sessions import Sessions
from mpathd_watch.sources.worker import StalledError, Worker

Result = TypeVar("Result")

SESSIONS_EVERY = 0.5
"""Seconds between polls of the sessions: what an instant of an outage may be late by."""
TIMEOUTS_EVERY = 5.0
"""Seconds between readings of all sessions' timeouts, three small reads each."""
DISKS_EVERY = 5.0
SYSTEM_EVERY = 60.0
SHARE = 200
"""A round of reads is repeated no sooner than after this many times its own duration: half a percent of the time."""
WOKEN_SHARE = 10
"""As ``SHARE``, for whole looks that a uevent or the core asks for."""
COALESCE = 0.1
"""Seconds that a wake may wait for others: a map's creation sends a handful of uevents."""
TRAIL = 3.0
"""Seconds for which the disks of a session that has changed are watched closely: the kernel unblocks or gives up the
devices from a work queue of its own, after the session's state has changed (session_recovery_timedout())."""
ANSWER_EVERY = 5.0
RETRY_AFTER = 1.0
QUICK_DEADLINE = 5.0
SCAN_DEADLINE = 60.0
ENDS_DEADLINE = 2.0
"""A whole look is kept waiting no longer for the sessions' local ends, which take a lock each."""


class SysfsSource:
    """Turns sysfs into events. ``run`` it as a task; ``wake_*`` may be called at any time from the same loop.

    ``run_dir`` is where /run is, by default beside ``sysfs``: with the sysfs of another root goes that root's udev.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        sysfs: Path,
        run_dir: Path | None = None,
        addresses: Callable[[], Mapping[str, Interface]] = interfaces,
    ) -> None:
        self._emit = emit
        self._clock = clock
        self._root = sysfs
        self._sessions = Sessions(sysfs, clock)
        self._disks = Disks(sysfs, run_dir or sysfs.parent / "run")
        self._ends = LocalEnds(sysfs, addresses)
        # Sessions have a thread of their own, so that a long look at the disks can't delay them; and what takes a
        # socket's lock has one, so that a connection that hangs delays neither.
        self._quick = Worker("sysfs-sessions")
        self._slow = Worker("sysfs-disks")
        self._locking = Worker("sysfs-ends")
        self._known_sessions: tuple[SessionFacts, ...] = ()
        self._known_devices: dict[str, DeviceFacts] = {}
        self._up: bool | None = None
        self._said = float("-inf")
        self._timeouts_due = float("-inf")
        self._close_watch: dict[int, float] = {}
        self._wanted: set[str] = set()
        self._wake_quick = asyncio.Event()
        self._wake_slow = asyncio.Event()
        self._system_wanted = True
        self._system_after = float("-inf")

    async def run(self) -> None:
        """Read until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._poll_sessions())
            tasks.create_task(self._poll_disks())

    async def look(self) -> None:
        """Read everything once."""
        await self._read_system()

    def wake_system(self) -> None:
        """Look at everything soon."""
        self._system_wanted = True
        self._wake_slow.set()

    def wake_sessions(self) -> None:
        """Poll the sessions now."""
        self._wake_quick.set()

    def wake_devices(self, names: Iterable[str]) -> None:
        """Read the named disks now."""
        self._wanted.update(names)
        self._wake_slow.set()

    # --- sessions -----------------------------------------------------------------------------------------------------

    async def _poll_sessions(self) -> None:
        while True:
            await self._read_sessions()
            await _wait(self._wake_quick, SESSIONS_EVERY)

    async def _read_sessions(self) -> None:
        attributes = Attributes()
        now = self._clock()
        timeouts = now >= self._timeouts_due
        if timeouts:
            self._timeouts_due = now + TIMEOUTS_EVERY
        sessions = await self._on(
            self._quick, lambda: self._sessions.read(attributes, timeouts=timeouts), QUICK_DEADLINE
        )
        if sessions is None or not self._up:
            return
        self._tell_problems(attributes)
        now = self._clock()
        if sessions != self._known_sessions:
            self._watch_closely(sessions, now)
            self._known_sessions = sessions
            self._said = now
            self._emit(SessionsRead(sessions))
        elif now - self._said >= ANSWER_EVERY:
            self._said = now
            self._emit(SourceAnswered(SourceName.SYSFS))
        self._want_troubled(now)

    def _watch_closely(self, sessions: tuple[SessionFacts, ...], now: float) -> None:
        before = {session.sid: session for session in self._known_sessions}
        for session in sessions:
            if before.get(session.sid) != session:
                self._close_watch[session.sid] = now + TRAIL

    def _want_troubled(self, now: float) -> None:
        """Have the disks read that are in trouble, or whose session is or has just changed."""
        self._close_watch = {sid: until for sid, until in self._close_watch.items() if until > now}
        closely = self._close_watch.keys() | {
            session.sid for session in self._known_sessions if session.state is not SessionStatus.LOGGED_IN
        }
        troubled = [
            name
            for name, facts in self._known_devices.items()
            if facts.sid in closely or facts.state is not DeviceState.RUNNING
        ]
        if troubled:
            self.wake_devices(troubled)

    # --- disks --------------------------------------------------------------------------------------------------------

    async def _poll_disks(self) -> None:
        next_disks = next_system = float("-inf")
        while True:
            now = self._clock()
            if now >= next_system or (self._system_wanted and now >= self._system_after):
                took = await self._timed(self._read_system())
                self._system_after = self._clock() + (max(COALESCE, WOKEN_SHARE * took) if self._up else RETRY_AFTER)
                next_system = self._clock() + max(SYSTEM_EVERY, SHARE * took)
                next_disks = self._clock() + max(DISKS_EVERY, SHARE * took)
            elif self._wanted:
                names, self._wanted = self._wanted, set()
                await self._read_devices(names, counters=False)
            elif now >= next_disks:
                took = await self._timed(self._read_devices(self._known_devices, counters=True))
                next_disks = self._clock() + max(DISKS_EVERY, SHARE * took)
            if not self._wanted:
                wake_at = min(next_disks, next_system, self._system_after if self._system_wanted else next_system)
                await _wait(self._wake_slow, max(0.0, wake_at - self._clock()))
            if self._system_wanted:
                await asyncio.sleep(COALESCE)

    async def _timed(self, reading: Awaitable[None]) -> float:
        start = self._clock()
        await reading
        return self._clock() - start

    async def _read_system(self) -> None:
        self._system_wanted = False
        requested = self._clock()
        attributes, quick = Attributes(), Attributes()

        def scan() -> tuple[tuple[MapFacts, ...], tuple[DeviceFacts, ...], tuple[DeviceFacts, ...]]:
            maps = self._disks.maps(attributes)
            devices = self._disks.devices(attributes, sorted({name for found in maps for name in found.slaves}))
            return maps, devices, self._disks.unmapped(attributes, devices)

        found, (ends, locking) = await asyncio.gather(self._on(self._slow, scan, SCAN_DEADLINE), self._read_ends())
        if found is None:
            return
        # Sessions last: while the disks were read, a poll may have told newer things of them.
        sessions = await self._on(
            self._quick, lambda: self._sessions.read(quick, afresh=True, ends=ends), QUICK_DEADLINE
        )
        if sessions is None:
            return
        maps, devices, unmapped = found
        self._known_devices = {device.name: device for device in devices}
        self._watch_closely(sessions, self._clock())
        self._known_sessions = sessions
        if not self._up:
            self._up = True
            wanted = self._system_wanted
            self._emit(SourceUp(SourceName.SYSFS))
            # Whoever answers that with a wish for a whole look is about to get it; a wish from before came too late.
            self._system_wanted = wanted
        self._said = self._clock()
        self._emit(SystemRead(maps, devices, sessions, requested, unmapped))
        self._tell_problems(attributes)
        self._tell_problems(quick)
        self._tell_problems(locking)

    async def _read_ends(self) -> tuple[Mapping[int, LocalEnd] | None, Attributes]:
        """The sessions' local ends, ``None`` if they can't be had now, which says nothing of the rest of sysfs."""

        def read() -> tuple[Mapping[int, LocalEnd], Attributes]:
            attributes = Attributes()
            return self._ends.read(attributes), attributes

        failed = Attributes()
        try:
            return await self._locking.run(read, ENDS_DEADLINE)
        except StalledError:
            failed.problems["timeout"] += 1
        except OSError as error:
            failed.problems[errno.errorcode.get(error.errno or 0, "error")] += 1
        return None, failed

    async def _read_devices(self, names: Iterable[str], *, counters: bool) -> None:
        known = [self._known_devices[name] for name in sorted(names) if name in self._known_devices]
        if not known:
            return
        attributes = Attributes()
        read = await self._on(
            self._slow, lambda: self._disks.again(attributes, known, counters=counters), SCAN_DEADLINE
        )
        if read is None or not self._up:
            return
        changed, vanished = read
        if changed or vanished:
            # A session takes its disks along, and its last poll may be half a second old: its word first.
            await self._read_sessions()
            if not self._up:
                return
        self._known_devices.update((device.name, device) for device in changed)
        for name in vanished:
            self._known_devices.pop(name, None)
        if changed or vanished:
            self._emit(DevicesRead(changed, vanished))
        self._tell_problems(attributes)

    # --- how it fares -------------------------------------------------------------------------------------------------

    async def _on(self, worker: Worker, job: Callable[[], Result], deadline: float) -> Result | None:
        """What ``job`` returns, or ``None`` after telling why there is nothing."""
        try:
            return await worker.run(job, deadline)
        except StalledError:
            self._down("timeout", f"a read below {self._root} has not returned within {deadline:.0f} s; see dmesg")
        except OSError as error:
            self._down("unreadable", f"{error.filename or self._root}: {error.strerror}; is sysfs mounted there?")
        return None

    def _down(self, reason: str, detail: str) -> None:
        if self._up is not False:
            self._emit(SourceDown(SourceName.SYSFS, reason, detail))
            self._wake_slow.set()
        self._up = False
        self._system_wanted = True

    def _tell_problems(self, attributes: Attributes) -> None:
        problems: Counter[str] = attributes.problems
        for reason, count in sorted(problems.items()):
            self._emit(SourceErrors(SourceName.SYSFS, reason, count))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):  # not wait_for: until Python 3.12 it could swallow a cancellation
            await event.wait()
    except TimeoutError:
        return
    finally:
        event.clear()

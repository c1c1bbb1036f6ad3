"""When sysfs is read: sessions often, disks when something says so, everything in a slow reconciliation.

iSCSI sessions change without any uevent (drivers/scsi/scsi_transport_iscsi.c sends none), and they are few: they are
polled, and more often when there is more to see. Disks are many: those behind a session that is in trouble are polled
with it, the rest when a uevent or the core asks, and in rounds that may take only a small share of the time, however
many disks there are.
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
from mpathd_watch.core.model.facts import DeviceFacts, MapFacts, SessionFacts, TcpFacts
from mpathd_watch.core.model.vocabulary import DOWN_SESSION, DeviceState, SessionStatus, SourceName
from mpathd_watch.sources.iscsi.local_ends import LocalEnd, LocalEnds, Routing
from mpathd_watch.sources.iscsi.sessions import Sessions
from mpathd_watch.sources.iscsi.tcp import Answer, Connection, ask
from mpathd_watch.sources.network.addresses import Interface, interfaces
from mpathd_watch.sources.network.routes import interface_to
from mpathd_watch.sources.reading.attributes import Attributes
from mpathd_watch.sources.reading.worker import StalledError, Worker
from mpathd_watch.sources.sysfs.disks import Depth, Disks

Result = TypeVar("Result")

SESSIONS_EVERY = 0.5
"""Seconds between polls of the sessions: what an instant of an outage may be late by."""
HURRIED_EVERY = 0.2
"""The same while one of them is watched closely, for ``TRAIL`` or ``STORY`` after it has changed."""
BUSY_EVERY = 1.0
"""The same while all are logged in and each has shown life since the poll before."""
POLLS_APART = 0.05
"""Seconds from one poll to the next, however many ask for it."""
TIMEOUTS_EVERY = 5.0
"""Seconds between readings of all sessions' timeouts, three small reads each, and questions after their connections."""
DISKS_EVERY = 5.0
SYSTEM_EVERY = 60.0
SHARE = 200
"""A round of reads is repeated no sooner than after this many times its own duration: half a percent of the time."""
WOKEN_SHARE = 10
"""As ``SHARE``, for whole looks that a uevent or the core asks for."""
LONGEST_PAUSE = 0.5
"""Seconds that this may come to, or as many as the look took if those are more: it takes long where a session is just
being logged out, or the host is busy, and a path that appears meanwhile is still news."""
COALESCE = 0.1
"""Seconds that a wake may wait for others: a map's creation sends a handful of uevents."""
STORY = 130.0
"""As ``TRAIL``, for a session that has gone down: until its replacement timeout, 120 s by default, has passed. What
comes of it later is polled as often as everything else; it may be down for a week."""
TRAIL = 3.0
"""Seconds for which the disks of a session that has changed are watched closely: the kernel unblocks or gives up the
devices from a work queue of its own, after the session's state has changed (session_recovery_timedout())."""
ANSWER_EVERY = 5.0
RETRY_AFTER = 1.0
QUICK_DEADLINE = 5.0
SCAN_DEADLINE = 60.0
ENDS_DEADLINE = 2.0
"""A whole look is kept waiting no longer for the sessions' local ends, which take a lock each."""
ENDS_APART = 3.0
"""Seconds between two readings of the local ends outside whole looks; the double after each that brought no news."""
TCP_PATIENCE = 10.0
"""Seconds without any answer from sock_diag, after which sessions are judged without it."""
TCP_DEADLINE = 0.5
"""A poll of the sessions is kept waiting no longer for how their connections fare, which takes a lock each."""

Asking = Callable[[Mapping[int, Connection], Callable[[], float]], Mapping[int, Answer]]


class SysfsSource:
    """Turns sysfs into events. ``run`` it as a task; ``wake_*`` may be called at any time from the same loop.

    ``run_dir`` is where /run is, by default beside ``sysfs``: with the sysfs of another root goes that root's udev.
    ``addresses``, ``route`` and ``tcp`` are how the network is asked.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        sysfs: Path,
        run_dir: Path | None = None,
        *,
        addresses: Callable[[], Mapping[str, Interface]] = interfaces,
        route: Routing = interface_to,
        tcp: Asking = ask,
    ) -> None:
        self._emit = emit
        self._clock = clock
        self._root = sysfs
        self._tcp = tcp
        self._sessions = Sessions(sysfs, clock)
        self._disks = Disks(sysfs, run_dir or sysfs.parent / "run")
        self._ends = LocalEnds(sysfs, addresses, route, lambda connections: tcp(connections, clock))
        # Sessions have a thread of their own, so that a long look at the disks can't delay them; and what takes a
        # socket's lock has two, so that a connection that hangs delays neither, nor what is asked of the others.
        self._quick = Worker("sysfs-sessions")
        self._slow = Worker("sysfs-disks")
        self._locking = Worker("sysfs-ends")
        self._asking = Worker("sysfs-tcp")
        self._known_sessions: tuple[SessionFacts, ...] = ()
        self._known_devices: dict[str, DeviceFacts] = {}
        self._known_ends: Mapping[int, LocalEnd] = {}
        self._not_found: set[Connection] = set()
        self._asked = 0.0
        self._news_of_ends = False
        self._up: bool | None = None
        self._said = float("-inf")
        self._timeouts_due = float("-inf")
        self._disks_due = float("-inf")
        self._close_watch: dict[int, float] = {}
        self._wanted: set[str] = set()
        self._troubled: set[str] = set()
        self._wake_quick = asyncio.Event()
        self._wake_slow = asyncio.Event()
        self._wake_ends = asyncio.Event()
        self._login = asyncio.Event()
        self._system_wanted = True
        self._system_after = float("-inf")

    async def run(self) -> None:
        """Read until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._poll_sessions())
            tasks.create_task(self._poll_disks())
            tasks.create_task(self._follow_ends())

    async def look(self) -> None:
        """Read everything once."""
        await self._read_system()

    def wake_system(self) -> None:
        """Look at everything soon."""
        self._system_wanted = True
        self._wake_slow.set()

    def wake_sessions(self) -> None:
        """Poll the sessions now and ask how their connections fare; ``SessionsRead`` is the answer in any case."""
        self._wake_quick.set()

    def wake_devices(self, names: Iterable[str]) -> None:
        """Read the named disks closely now; ``DevicesRead`` is the answer in any case, for those that are members."""
        self._wanted.update(names)
        self._wake_slow.set()

    # --- sessions -----------------------------------------------------------------------------------------------------

    async def _poll_sessions(self) -> None:
        polled = float("-inf")
        while True:
            began, woken = self._clock(), self._wake_quick.is_set()
            self._wake_quick.clear()
            await self._read_sessions(woken=woken)
            before, polled = polled, self._clock()
            await _wait(self._wake_quick, self._pause(before))
            await asyncio.sleep(began + POLLS_APART - self._clock())

    def _pause(self, before: float) -> float:
        """Seconds until the next poll, if the one before the last had ended at ``before``."""
        if self._watched_closely():
            return HURRIED_EVERY
        sessions = self._known_sessions
        busy = all(session.alive is not None and session.alive > before for session in sessions)
        return BUSY_EVERY if sessions and busy else SESSIONS_EVERY

    async def _read_sessions(self, *, woken: bool = False) -> None:
        attributes = Attributes()
        requested = self._clock()
        timeouts = requested >= self._timeouts_due
        if timeouts:
            self._timeouts_due = requested + TIMEOUTS_EVERY
        ends = self._known_ends if self._news_of_ends else None
        self._news_of_ends = False
        tcp = await self._ask_tcp(all_of_them=woken) if woken or timeouts or ends is not None else None
        sessions = await self._on(
            self._quick,
            lambda: self._sessions.read(attributes, timeouts=timeouts, ends=ends, tcp=tcp),
            QUICK_DEADLINE,
        )
        if sessions is None or not self._up:
            return
        self._tell_problems(attributes)
        now = self._clock()
        fresh = tcp is not None and any(session.tcp for session in (*sessions, *self._known_sessions))
        changed = sessions != self._known_sessions
        if changed:
            self._watch_closely(sessions, now)
        self._known_sessions = sessions
        if changed or fresh or woken:
            self._said = now
            # TCP's word is as old as the last question, and silence is judged by the older of both.
            self._emit(SessionsRead(sessions, requested if tcp is not None else min(requested, self._asked)))
        elif now - self._said >= ANSWER_EVERY:
            self._said = now
            self._emit(SourceAnswered(SourceName.SYSFS))
        self._want_troubled(now, changed=changed)

    # --- how their connections fare -----------------------------------------------------------------------------------

    async def _ask_tcp(self, *, all_of_them: bool) -> Mapping[int, TcpFacts] | None:
        """Of those sessions that are logged in; ``None`` if there is no answer, and of none if there is none for long.

        A connection that was not found is looked for again only by a wake or a whole look: an adapter may have it in
        its hardware, or another network namespace, and looking for what is not there takes many questions.
        """
        down = {session.sid for session in self._known_sessions if session.state is not SessionStatus.LOGGED_IN}
        connections = {
            sid: end.connection
            for sid, end in self._known_ends.items()
            if end.connection and sid not in down and (all_of_them or end.connection not in self._not_found)
        }
        now = self._clock()
        try:
            answers = await self._asking.run(lambda: self._tcp(connections, self._clock), TCP_DEADLINE)
        except (StalledError, OSError) as error:
            reason = _reason(error) if isinstance(error, OSError) else "timeout"
            self._emit(SourceErrors(SourceName.NETWORK, reason, 1))
            if now - self._asked < TCP_PATIENCE:
                return None
            self._asked = now
            return {}
        self._asked = now
        self._not_found -= {connections[sid] for sid in answers}
        self._not_found |= {connections[sid] for sid in connections.keys() - answers.keys()}
        self._not_found &= {end.connection for end in self._known_ends.values() if end.connection}
        if any(session.sid not in answers and session.sid not in down for session in self._known_sessions):
            self._wake_ends.set()
        return {sid: answer.facts for sid, answer in answers.items()}

    async def _follow_ends(self) -> None:
        """Read the local ends again when a session has logged in, or its connection is not the one that was known."""
        pause = ENDS_APART
        while True:
            await self._wake_ends.wait()
            self._wake_ends.clear()
            self._login.clear()
            before = self._known_ends
            self._tell_problems(await self._read_ends())
            news = self._known_ends != before
            self._news_of_ends |= news
            pause = ENDS_APART if news else min(2 * pause, SYSTEM_EVERY)
            await asyncio.sleep(ENDS_APART)
            await _wait(self._login, pause - ENDS_APART)

    # --- trouble ------------------------------------------------------------------------------------------------------

    def _watch_closely(self, sessions: tuple[SessionFacts, ...], now: float) -> None:
        before = {session.sid: session for session in self._known_sessions}
        for session in sessions:
            known = before.get(session.sid)
            if known == session:
                continue
            self._close_watch[session.sid] = now + (STORY if session.state in DOWN_SESSION else TRAIL)
            if self._up and session.state is SessionStatus.LOGGED_IN and (not known or known.state != session.state):
                self._login.set()
                self._wake_ends.set()

    def _watched_closely(self) -> set[int]:
        """The sessions that have just changed, or whose story goes on."""
        now = self._clock()
        self._close_watch = {sid: until for sid, until in self._close_watch.items() if until > now}
        return set(self._close_watch)

    def _in_trouble(self) -> set[int]:
        """Those, and all that are not logged in."""
        down = {session.sid for session in self._known_sessions if session.state is not SessionStatus.LOGGED_IN}
        return self._watched_closely() | down

    def _want_troubled(self, now: float, *, changed: bool) -> None:
        """Have the disks read that are in trouble, or whose session is or has just changed."""
        if now < self._disks_due and not changed:
            return
        # Sessions may be polled more often than that, but there can be very many disks.
        self._disks_due = now + SESSIONS_EVERY - HURRIED_EVERY / 2
        closely = self._in_trouble()
        self._troubled.update(
            name
            for name, facts in self._known_devices.items()
            if facts.sid in closely or facts.state is not DeviceState.RUNNING
        )
        if self._troubled:
            self._wake_slow.set()

    # --- disks --------------------------------------------------------------------------------------------------------

    async def _poll_disks(self) -> None:
        next_disks = next_system = float("-inf")
        while True:
            now = self._clock()
            if now >= next_system or (self._system_wanted and now >= self._system_after):
                took = await self._timed(self._read_system())
                pause = max(COALESCE, min(WOKEN_SHARE * took, max(LONGEST_PAUSE, took)))
                self._system_after = self._clock() + (pause if self._up else RETRY_AFTER)
                next_system = self._clock() + max(SYSTEM_EVERY, SHARE * took)
                next_disks = self._clock() + max(DISKS_EVERY, SHARE * took)
            elif self._wanted:
                names, self._wanted = self._wanted, set()
                self._troubled -= names
                await self._read_devices(names, Depth.CLOSELY)
            elif self._troubled:
                names, self._troubled = self._troubled, set()
                await self._read_devices(names, Depth.STATE)
            elif now >= next_disks:
                took = await self._timed(self._read_devices(self._known_devices, Depth.COUNTERS))
                next_disks = self._clock() + max(DISKS_EVERY, SHARE * took)
            if not self._wanted and not self._troubled:
                wake_at = min(next_disks, next_system, self._system_after if self._system_wanted else next_system)
                await _wait(self._wake_slow, max(0.0, wake_at - self._clock()))
                self._wake_slow.clear()
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

        found, locking = await asyncio.gather(self._on(self._slow, scan, SCAN_DEADLINE), self._read_ends())
        if found is None:
            return
        tcp = await self._ask_tcp(all_of_them=True)
        ends, self._news_of_ends = self._known_ends, False
        # Sessions last: while the disks were read, a poll may have told newer things of them.
        sessions = await self._on(
            self._quick, lambda: self._sessions.read(quick, afresh=True, ends=ends, tcp=tcp), QUICK_DEADLINE
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

    async def _read_ends(self) -> Attributes:
        """Learn the sessions' local ends, unless they can't be had now, which says nothing of the rest of sysfs."""

        def read() -> tuple[Mapping[int, LocalEnd], Attributes]:
            attributes = Attributes()
            return self._ends.read(attributes), attributes

        failed = Attributes()
        try:
            self._known_ends, attributes = await self._locking.run(read, ENDS_DEADLINE)
        except StalledError:
            failed.problems["timeout"] += 1
        except OSError as error:
            failed.problems[_reason(error)] += 1
        else:
            return attributes
        return failed

    async def _read_devices(self, names: Iterable[str], depth: Depth) -> None:
        known = {name: self._known_devices[name] for name in sorted(names) if name in self._known_devices}
        if not known:
            return
        attributes, requested = Attributes(), self._clock()
        read = await self._on(self._slow, lambda: self._disks.again(attributes, known.values(), depth), SCAN_DEADLINE)
        if read is None or not self._up:
            return
        found, vanished = read
        told = tuple(device for device in found if depth is Depth.CLOSELY or device != known[device.name])
        if vanished or any(device.state is not known[device.name].state for device in told):
            # A session takes its disks along, and its last poll may be half a second old: its word first.
            await self._read_sessions()
            if not self._up:
                return
        self._known_devices.update((device.name, device) for device in told)
        for name in vanished:
            self._known_devices.pop(name, None)
        if told or vanished:
            self._emit(DevicesRead(told, vanished, requested))
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


def _reason(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "error")

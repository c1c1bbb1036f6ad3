"""When the iSCSI sessions are polled.

A change of a session causes no uevent (drivers/scsi/scsi_transport_iscsi.c sends none), and sessions are few. Therefore
they are polled often, and more often after a change.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

from mpathd_watch.core.events import SessionsRead
from mpathd_watch.core.model.facts import SessionFacts
from mpathd_watch.core.model.vocabulary import SessionStatus
from mpathd_watch.sources.iscsi.close_watch import CloseWatch
from mpathd_watch.sources.iscsi.connections import Connections
from mpathd_watch.sources.iscsi.current_ends import CurrentEnds
from mpathd_watch.sources.iscsi.local_ends import LocalEnds, Routing
from mpathd_watch.sources.iscsi.sessions import Sessions
from mpathd_watch.sources.iscsi.tcp import Answer, Connection, ask
from mpathd_watch.sources.network.addresses import Interface, interfaces
from mpathd_watch.sources.network.routes import interface_to
from mpathd_watch.sources.reading.attributes import Attributes
from mpathd_watch.sources.reading.pace import wait_at_most
from mpathd_watch.sources.reading.poller import Poller

SESSIONS_EVERY = 0.5
"""Seconds between polls of the sessions. An instant of an outage may be late by as much."""
HURRIED_EVERY = 0.2
"""The same while one of them is watched closely."""
BUSY_EVERY = 1.0
"""The same while each of them gave a proof of life between two polls."""
POLLS_APART = 0.05
"""Seconds from one poll to the next at least, even if many polls are requested."""
TIMEOUTS_EVERY = 5.0
"""Seconds between readings of the timeouts, three small reads a session, and requests about the connections."""
SESSIONS_DEADLINE = 5.0
"""Seconds that a poll may take."""

Asking = Callable[[Mapping[int, Connection], Callable[[], float]], Mapping[int, Answer]]
"""Like ``tcp.ask``."""


class Listener(Protocol):
    """A function that is called after each successful poll."""

    def __call__(self, *, changed: bool) -> None:
        """``changed``: a session differs from the poll before."""


class SessionSource:
    """Turns the iSCSI sessions below ``poller.root`` into events. ``run`` it as a task; ``wake`` it from the same loop.

    A poll counts only while the source is up; a full scan makes it so (``sysfs.source``). ``addresses``, ``route`` and
    ``tcp`` ask the kernel about the network. ``reader`` reads the sessions and ``ends`` their
    local ends; by default below ``poller.root``.
    """

    def __init__(
        self,
        poller: Poller,
        *,
        addresses: Callable[[], Mapping[str, Interface]] = interfaces,
        route: Routing = interface_to,
        tcp: Asking = ask,
        reader: Sessions | None = None,
        ends: LocalEnds | None = None,
    ) -> None:
        def question(connections: Mapping[int, Connection]) -> Mapping[int, Answer]:
            return tcp(connections, poller.clock)

        self._poller = poller
        self._clock = poller.clock
        self._reader = reader or Sessions(poller.root, poller.clock)
        # A separate thread, so that a long scan of the disks does not delay the sessions.
        self._worker = poller.worker("iscsi-sessions")
        ends = ends or LocalEnds(poller.root, addresses, route, question)
        self._ends = CurrentEnds(ends, poller.availability, poller.worker)
        self._connections = Connections(
            poller.emit, poller.clock, lambda: self._known, self._ends, question, worker=poller.worker
        )
        self._close_watch = CloseWatch(poller.clock)
        self._known: tuple[SessionFacts, ...] = ()
        self._timeouts_due = float("-inf")
        self._wake = asyncio.Event()
        self._listener: Listener = _ignore

    def after_each_poll(self, listener: Listener) -> None:
        """Call ``listener`` after each successful poll."""
        self._listener = listener

    async def run(self) -> None:
        """Poll until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_polling())
            tasks.create_task(self._ends.run())

    def wake(self) -> None:
        """Poll now, and ask about the connections; this emits ``SessionsRead`` in any case."""
        self._wake.set()

    def in_trouble(self) -> set[int]:
        """The numbers of the sessions that are not logged in, or are watched closely."""
        down = {session.sid for session in self._known if session.state is not SessionStatus.LOGGED_IN}
        return self._close_watch.sids() | down

    async def poll(self, *, woken: bool = False) -> None:
        """Read the sessions. Emit ``SessionsRead`` if they changed, and always if ``woken``.

        Nothing is read while the source is down: the full scan that makes it up must find out what happened meanwhile.
        """
        if self._poller.availability.up is False:
            return
        attributes = Attributes()
        requested = self._clock()
        timeouts = requested >= self._timeouts_due
        if timeouts:
            self._timeouts_due = requested + TIMEOUTS_EVERY
        ends = self._ends.take_changed()
        tcp = await self._connections.ask(every_one=woken) if woken or timeouts or ends is not None else None
        sessions = await self._poller.read(
            self._worker,
            lambda: self._reader.read(attributes, timeouts=timeouts, ends=ends, tcp=tcp),
            SESSIONS_DEADLINE,
        )
        if sessions is None or not self._poller.availability.up:
            return
        self._poller.availability.report_problems(attributes.problems)
        fresh = tcp is not None and any(session.tcp for session in (*sessions, *self._known))
        changed = sessions != self._known
        if changed:
            self._follow_changes(sessions)
        self._known = sessions  # in any case: a newer proof of life alone is no change
        if changed or fresh or woken:
            # The TCP facts are as old as the last request, and silence is judged by the older of both.
            asked = requested if tcp is not None else min(requested, self._connections.asked_at)
            self._poller.heartbeat.report(SessionsRead(sessions, asked))
        else:
            self._poller.heartbeat.report_unchanged()
        self._listener(changed=changed)

    async def read_ends(self) -> Counter[str]:
        """Read the local ends for the next ``read_all``, and return what could not be read."""
        return await self._ends.read()

    async def read_all(self, attributes: Attributes) -> tuple[SessionFacts, ...] | None:
        """Read every attribute of all sessions for a full scan; ``None`` if they can't be read."""
        # What was known of the sessions may be old: one that was down may have logged in while the source was down.
        tcp = await self._connections.ask(every_one=True, even_down=True)
        ends = self._ends.take()
        sessions = await self._poller.read(
            self._worker,
            lambda: self._reader.read(attributes, everything=True, ends=ends, tcp=tcp),
            SESSIONS_DEADLINE,
        )
        if sessions is not None:
            self._follow_changes(sessions)
            self._known = sessions
        return sessions

    async def _keep_polling(self) -> None:
        polled = float("-inf")
        while True:
            began, woken = self._clock(), self._wake.is_set()
            self._wake.clear()
            await self.poll(woken=woken)
            before, polled = polled, self._clock()
            await wait_at_most(self._wake, self._pause(before))
            await asyncio.sleep(began + POLLS_APART - self._clock())

    def _pause(self, before: float) -> float:
        """Seconds until the next poll; ``before`` is when the last poll but one ended."""
        if self._close_watch.sids():
            return HURRIED_EVERY
        busy = all(session.alive is not None and session.alive > before for session in self._known)
        return BUSY_EVERY if self._known and busy else SESSIONS_EVERY

    def _follow_changes(self, sessions: tuple[SessionFacts, ...]) -> None:
        """Watch those that changed closely, and have the local ends read after a login."""
        before = {session.sid: session for session in self._known}
        for session in sessions:
            known = before.get(session.sid)
            if known == session:
                continue
            self._close_watch.begin(session)
            logged_in = session.state is SessionStatus.LOGGED_IN and (not known or known.state != session.state)
            if logged_in and self._poller.availability.up:
                self._ends.wake_after_login()


def _ignore(*, changed: bool) -> None:
    """The listener by default."""

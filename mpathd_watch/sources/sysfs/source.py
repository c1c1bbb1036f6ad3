"""When maps and disks are read.

Disks are many. Those of a session in trouble are read with its polls; others when the core requests it, and in rounds
that take only a small share of the time, however many disks there are. A full scan reads everything: when the core
requests it, and every minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from mpathd_watch.core.events import SystemRead
from mpathd_watch.core.model.facts import DeviceFacts, MapFacts
from mpathd_watch.core.model.usage import Usage
from mpathd_watch.sources.iscsi.session_source import SessionSource
from mpathd_watch.sources.reading.attributes import Attributes
from mpathd_watch.sources.reading.pace import Cost, Round, wait_at_most
from mpathd_watch.sources.reading.poller import Poller
from mpathd_watch.sources.sysfs import disks
from mpathd_watch.sources.sysfs.disks import Disks
from mpathd_watch.sources.sysfs.member_disks import MemberDisks
from mpathd_watch.sources.sysfs.usage import UsageReader

DISKS_EVERY = 5.0
SYSTEM_EVERY = 60.0
WOKEN_SHARE = 10
"""A requested full scan waits this many times as long as the last one cost (``Cost``)."""
LONGEST_PAUSE = 0.5
"""The longest such wait in seconds, unless the scan cost more than that: then the wait is as long. A scan costs much on
a busy host, and a path that appears meanwhile must still be reported. A scan that hung costs nothing: what it has read
is old."""
COALESCE = 0.1
"""Seconds for which a wake waits for others: the creation of a map causes several uevents."""
RETRY_AFTER = 1.0

_Scan = tuple[tuple[MapFacts, ...], tuple[DeviceFacts, ...], tuple[DeviceFacts, ...], Usage]
"""The maps, their members, the disks in no map, and what they are used for."""


class SysfsSource:
    """Turns the maps and disks below ``poller.root`` into events; a full scan includes the ``sessions``.

    ``run`` it as a task, and ``sessions`` as another. ``wake_*`` may be called at any time from the same loop.
    ``run_dir`` is the path of /run. By default it is beside sysfs, so that the sysfs of another root is used with the
    udev database of that root; /proc is always beside sysfs. ``reader`` reads the maps and disks, and ``usage`` what
    they are used for; by default there. ``once``: one full scan is all that is wanted (``Disks``).
    """

    def __init__(
        self,
        poller: Poller,
        sessions: SessionSource,
        run_dir: Path | None = None,
        *,
        reader: Disks | None = None,
        usage: UsageReader | None = None,
        once: bool = False,
    ) -> None:
        self._poller = poller
        self._clock = poller.clock
        self._sessions = sessions
        self._disks = reader or Disks(poller.root, run_dir or poller.root.parent / "run", once=once)
        self._usage = usage or UsageReader(poller.root, poller.root.parent / "proc", self._disks.wwid)
        self._worker = poller.worker("sysfs-disks")
        self._wake = asyncio.Event()
        self._members = MemberDisks(poller, self._disks, self._worker, sessions, self._wake)
        self._system_wanted = True
        self._system_after = float("-inf")
        poller.recover_by(self._recover)
        sessions.after_each_poll(self._members.want_troubled)

    async def run(self) -> None:
        """Read until cancelled."""
        system, members = Round(self._clock, SYSTEM_EVERY), Round(self._clock, DISKS_EVERY)
        while True:
            now = self._clock()
            if now >= system.due or (self._system_wanted and now >= self._system_after):
                cost = await self.read_once()
                system.postpone(cost)
                self._system_after = self._clock() + self._pause(cost)
                members.postpone(cost)
            elif self._members.pending:
                await self._members.read_pending()
            elif now >= members.due:
                members.postpone(await self._members.read_all())
            if not self._members.pending:
                wake_at = min(members.due, system.due, self._system_after if self._system_wanted else system.due)
                await wait_at_most(self._wake, max(0.0, wake_at - self._clock()))
                self._wake.clear()
            if self._system_wanted:
                await asyncio.sleep(COALESCE)

    async def read_once(self) -> float:
        """Do a full scan. Return the seconds that reading the maps and disks cost (``Cost``)."""
        self._system_wanted = False
        requested, cost = self._clock(), Cost(self._poller.processor_time)
        attributes, of_sessions = Attributes(), Attributes()

        def scan() -> _Scan:
            maps = self._disks.maps(attributes)
            members = self._disks.devices(attributes, sorted({name for found in maps for name in found.slaves}))
            unmapped = self._disks.unmapped(attributes, members)
            return maps, members, unmapped, self._usage.read(attributes, maps)

        reading = self._poller.read(self._worker, cost.of(scan), disks.DISKS_DEADLINE)
        found, problems_of_ends = await asyncio.gather(reading, self._sessions.read_ends())
        if found is None:
            return cost.seconds
        # Sessions last: while the disks were read, a poll may have reported newer states of them.
        sessions = await self._sessions.read_all(of_sessions)
        if sessions is None:
            return cost.seconds
        maps, members, unmapped, usage = found
        self._members.replace(members, maps)
        wanted = self._system_wanted
        self._poller.availability.report_up()
        # A full scan that is requested in answer to that is this one. An earlier request came too late for it.
        self._system_wanted = wanted
        self._poller.heartbeat.report(SystemRead(maps, members, sessions, requested, unmapped, usage))
        for problems in (attributes.problems, of_sessions.problems, problems_of_ends):
            self._poller.availability.report_problems(problems)
        return cost.seconds

    def wake_system(self) -> None:
        """Do a full scan soon."""
        self._system_wanted = True
        self._wake.set()

    def wake_devices(self, names: Iterable[str]) -> None:
        """Read the named disks closely now; this emits ``DevicesRead`` in any case, for those that are members."""
        self._members.want(names)

    def _pause(self, cost: float) -> float:
        """Seconds until the next requested full scan, after one that cost ``cost`` seconds."""
        if not self._poller.availability.up:
            return RETRY_AFTER
        return max(COALESCE, min(WOKEN_SHARE * cost, max(LONGEST_PAUSE, cost)))

    def _recover(self) -> None:
        """Request a full scan after a failure; wake for it only at the first failure of an outage."""
        self._system_wanted = True
        if self._poller.availability.up is not False:
            self._wake.set()

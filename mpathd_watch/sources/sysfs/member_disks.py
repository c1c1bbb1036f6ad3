"""The member disks of maps: which of them are read again, how closely, and what is reported."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Iterable
from typing import Protocol

from mpathd_watch.core.events import DevicesRead
from mpathd_watch.core.model.facts import DeviceFacts, MapFacts
from mpathd_watch.core.model.vocabulary import DeviceState
from mpathd_watch.sources.reading.attributes import Attributes
from mpathd_watch.sources.reading.pace import Cost
from mpathd_watch.sources.reading.poller import Poller
from mpathd_watch.sources.reading.worker import Worker
from mpathd_watch.sources.sysfs import disks
from mpathd_watch.sources.sysfs.disks import Depth, Disks

_SETTLED = frozenset({DeviceState.RUNNING, DeviceState.LIVE, DeviceState.NONE})
TROUBLED_EVERY = 0.4
"""Seconds between readings of the disks in trouble, slightly less than between ordinary polls of the sessions. Sessions
may be polled more often than that, but there can be very many disks."""

PART = 128
"""Disks that are reported together: the core takes up to 20 ms for those, and then the loop does something else. The
disks of one map are not parted, as their counters are compared."""


class Sessions(Protocol):
    """What the disks need of ``iscsi.session_source.SessionSource``."""

    async def poll(self) -> None:
        """Read the sessions, and emit an event if they changed."""

    def in_trouble(self) -> Collection[int]:
        """The numbers of the sessions whose disks may change soon."""


class MemberDisks:
    """The disks as last read, and those to be read again soon, for which ``wake`` is set."""

    def __init__(self, poller: Poller, reader: Disks, worker: Worker, sessions: Sessions, wake: asyncio.Event) -> None:
        self._poller = poller
        self._reader = reader
        self._worker = worker
        self._sessions = sessions
        self._wake = wake
        self._known: dict[str, DeviceFacts] = {}
        self._map_of: dict[str, str] = {}
        self._wanted: set[str] = set()
        self._troubled: set[str] = set()
        self._troubled_due = float("-inf")

    @property
    def pending(self) -> bool:
        """Whether any disks are to be read."""
        return bool(self._wanted or self._troubled)

    def replace(self, members: Iterable[DeviceFacts], maps: Iterable[MapFacts] = ()) -> None:
        """Replace all known disks with ``members``, and the maps that they are in with ``maps``."""
        self._known = {disk.name: disk for disk in members}
        self._map_of = {name: facts.wwid for facts in maps for name in facts.slaves}

    def want(self, names: Iterable[str]) -> None:
        """Request that these are read closely."""
        self._wanted.update(names)
        self._wake.set()

    def want_troubled(self, *, changed: bool) -> None:
        """Request the disks in trouble and those of sessions in trouble: if ``changed`` at once, otherwise when due."""
        now = self._poller.clock()
        if now < self._troubled_due and not changed:
            return
        self._troubled_due = now + TROUBLED_EVERY
        sids = self._sessions.in_trouble()
        self._troubled.update(
            name for name, facts in self._known.items() if facts.sid in sids or facts.state not in _SETTLED
        )
        if self._troubled:
            self._wake.set()

    async def read_pending(self) -> None:
        """Read the requested disks or, if there are none, those in trouble."""
        if self._wanted:
            names, self._wanted = self._wanted, set()
            self._troubled -= names
            await self._read(names, Depth.CLOSELY)
        else:
            names, self._troubled = self._troubled, set()
            await self._read(names, Depth.STATE)

    async def read_all(self) -> float:
        """Read every disk with its counters. Return the seconds that it cost (``Cost``)."""
        return await self._read(self._known, Depth.COUNTERS)

    async def _read(self, names: Iterable[str], depth: Depth) -> float:
        """Read these, and emit those that changed; with ``Depth.CLOSELY`` all of them. Return the seconds it cost."""
        known = {name: self._known[name] for name in sorted(names) if name in self._known}
        if not known:
            return 0.0
        attributes, cost, requested = Attributes(), Cost(self._poller.processor_time), self._poller.clock()
        read = await self._poller.read(
            self._worker, cost.of(lambda: self._reader.again(attributes, known.values(), depth)), disks.DISKS_DEADLINE
        )
        if read is None or not self._poller.availability.up:
            return cost.seconds
        found, vanished = read
        news = tuple(disk for disk in found if depth is Depth.CLOSELY or disk != known[disk.name])
        if vanished or any(disk.state is not known[disk.name].state for disk in news):
            # The cause may be the session, and its last poll may be 0.5 s old: report the session first.
            await self._sessions.poll()
            if not self._poller.availability.up:
                return cost.seconds
        self._known.update((disk.name, disk) for disk in news)
        for name in vanished:
            self._known.pop(name, None)
        await self._report(news, vanished, requested)
        self._poller.availability.report_problems(attributes.problems)
        return cost.seconds

    async def _report(self, news: tuple[DeviceFacts, ...], vanished: tuple[str, ...], requested: float) -> None:
        """Emit what was read, in parts, until the source is down: then the next full scan makes up for the rest."""
        parts = self._parts(news)
        for part in parts[:-1]:
            self._poller.emit(DevicesRead(part, (), requested))
            await asyncio.sleep(0)
            if not self._poller.availability.up:
                return
        if parts or vanished:
            self._poller.emit(DevicesRead(parts[-1] if parts else (), vanished, requested))

    def _parts(self, news: tuple[DeviceFacts, ...]) -> list[tuple[DeviceFacts, ...]]:
        """The disks in parts of ``PART`` and what else is in the last map of each."""
        parts: list[list[DeviceFacts]] = []
        by_map = sorted(news, key=lambda disk: self._map_of.get(disk.name, ""))
        for _, disks_of_map in itertools.groupby(by_map, key=lambda disk: self._map_of.get(disk.name, disk.name)):
            if not parts or len(parts[-1]) >= PART:
                parts.append([])
            parts[-1].extend(disks_of_map)
        return [tuple(part) for part in parts]

"""A simulated host of a fleet: the daemon's own core and exposition, on records instead of a kernel."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.events import (
    ConfigurationRead,
    DevicesRead,
    Event,
    MapsListed,
    PathsListed,
    SessionsRead,
    SourceAnswered,
    SourceUp,
    SystemRead,
    Tick,
)
from mpathd_watch.core.model.facts import (
    DeviceFacts,
    IoFacts,
    MapFacts,
    MapListing,
    PathListing,
    SessionFacts,
    TcpFacts,
)
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import (
    CheckerState,
    DeviceState,
    DmState,
    SessionStatus,
    SourceName,
    Transport,
)
from mpathd_watch.daemon import clock
from mpathd_watch.daemon.engine import Engine, Outlets
from mpathd_watch.sinks.metrics.exposition import Exposition, Format

TARGET: Final = "iqn.2009-02.com.example:array"
WWIDS: Final = "3600a098038303053"
"""The half of a WWID that all LUNs of the array have in common."""
SOURCES: Final = (SourceName.UEVENT, SourceName.SYSFS, SourceName.MULTIPATHD, SourceName.ISCSI, SourceName.NETWORK)


@dataclass(frozen=True, slots=True)
class Layout:
    """What each host has: maps, each with a path through each portal."""

    maps: int
    portals: tuple[str, ...]

    @property
    def paths(self) -> int:
        """Paths of a host."""
        return self.maps * len(self.portals)


class Intact(Outlets):
    """Fails if the core does: a figure would be of something else."""

    def broken(self, event: Event, report: str) -> None:  # noqa: ARG002  # the event is in the report
        """Raise what the core has reported."""
        raise RuntimeError(report)


class SimulatedHost:
    """One host: everything is up until ``lose`` is called. One thread at a time may use it."""

    def __init__(self, number: int, layout: Layout, now: Callable[[], Instant] = clock.now) -> None:
        self.name = f"db{number:03d}"
        self._now = now
        self._chance = random.Random(number)  # noqa: S311  # I/O counters, no secret
        self._layout = layout
        self._lost: frozenset[str] = frozenset()
        self._sessions = [
            _session(sid, portal, f"iqn.1993-08.org.debian:01:{self.name}")
            for sid, portal in enumerate(layout.portals, 1)
        ]
        self._devices = [device for lun in range(layout.maps) for device in _disks(lun, self._sessions)]
        self._maps = [_map(lun, len(layout.portals)) for lun in range(layout.maps)]
        self._engine = Engine(now, Intact())
        self._exposition = Exposition(self._engine.view)
        self._engine.feed(*map(SourceUp, SOURCES))
        self._engine.feed(ConfigurationRead(Configuration()))
        self._look()

    def metrics(self, accept: str, accept_encoding: str) -> tuple[Format, tuple[bytes, ...]]:
        """The answer to a scrape. Before, the disks' counters go on, and the sources report that they answer."""
        if (due := self._engine.deadline) is not None and due <= self._now().monotonic:
            self._engine.feed(Tick())
        self._devices = [self._busy(device) for device in self._devices]
        self._engine.feed(DevicesRead(tuple(self._devices), requested=self._now().monotonic))
        self._engine.feed(*map(SourceAnswered, SOURCES))
        wanted = self._exposition.format(accept, accept_encoding)
        return wanted, self._exposition.render(wanted)

    def lose(self, portals: Collection[str]) -> None:
        """From now on the sessions to these portals are down and their paths have failed; all others are up."""
        self._lost = frozenset(portals)
        for index, session in enumerate(self._sessions):
            down = _portal(session) in self._lost
            state = SessionStatus.FREE if down else SessionStatus.LOGGED_IN
            self._sessions[index] = replace(session, state=state)
        self._engine.feed(SessionsRead(tuple(self._sessions), self._now().monotonic))
        self._look()

    def _look(self) -> None:
        """Everything is read, as after a start."""
        down = {session.sid for session in self._sessions if _portal(session) in self._lost}
        self._devices = [
            replace(device, state=DeviceState.TRANSPORT_OFFLINE if device.sid in down else DeviceState.RUNNING)
            for device in self._devices
        ]
        requested = self._now().monotonic
        self._engine.feed(SystemRead(tuple(self._maps), tuple(self._devices), tuple(self._sessions), requested))
        listed = [self._listed(map_, down) for map_ in self._maps]
        self._engine.feed(MapsListed(tuple(listed), requested))
        self._engine.feed(PathsListed(tuple(path for each in listed for path in each.paths), requested))

    def _listed(self, map_: MapFacts, down: Collection[int]) -> MapListing:
        """What multipathd reports of a map: it queues for ever."""
        paths = tuple(
            PathListing(
                map_.wwid,
                map_.name,
                device.name,
                device.dev_t,
                DmState.FAILED if device.sid in down else DmState.ACTIVE,
                CheckerState.FAULTY if device.sid in down else CheckerState.READY,
                checker="tur",
                failures=0,
            )
            for device in self._devices
            if device.name in map_.slaves
        )
        return MapListing(map_.wwid, map_.name, map_.sysfs_name, "on", True, "NETAPP", "LUN C-Mode", paths)

    def _busy(self, device: DeviceFacts) -> DeviceFacts:
        """The disk a scrape later; one whose transport is gone has done nothing."""
        if device.io is None or device.state is not DeviceState.RUNNING:
            return device
        ios = self._chance.randrange(1_000, 1_200)
        done = IoFacts(
            reads=device.io.reads + ios,
            read_ms=device.io.read_ms + ios,
            writes=device.io.writes + ios,
            write_ms=device.io.write_ms + ios,
            read_sectors=device.io.read_sectors + 8 * ios,
            write_sectors=device.io.write_sectors + 8 * ios,
        )
        return replace(device, io=done)


def _portal(session: SessionFacts) -> str:
    return f"{session.address}:{session.port}"


def _session(sid: int, portal: str, initiator: str) -> SessionFacts:
    address, _, port = portal.rpartition(":")
    return SessionFacts(
        sid=sid,
        state=SessionStatus.LOGGED_IN,
        target=TARGET,
        tpgt=sid,
        iface="default",
        initiator=initiator,
        address=address,
        port=int(port),
        recv_tmo=5,
        ping_tmo=10,
        recovery_tmo=5,
        tcp=TcpFacts(rtt=0.0002, retransmits=0, backoff=0, heard=None),
    )


def _disks(lun: int, sessions: Sequence[SessionFacts]) -> list[DeviceFacts]:
    numbers = count(lun * len(sessions))
    return [
        DeviceFacts(
            name=_disk(number),
            dev_t=f"8:{16 * number}",
            hctl=f"{session.sid}:0:0:{lun}",
            state=DeviceState.RUNNING,
            transport=Transport.ISCSI,
            sid=session.sid,
            vendor="NETAPP",
            product="LUN C-Mode",
            io_errors=0,
            io_timeouts=0,
            timeout=30,
            io=IoFacts(reads=0, read_ms=0, writes=0, write_ms=0),
        )
        for number, session in zip(numbers, sessions, strict=False)
    ]


def _map(lun: int, paths: int) -> MapFacts:
    slaves = tuple(_disk(number) for number in range(lun * paths, (lun + 1) * paths))
    return MapFacts(f"{WWIDS}{lun:016x}", f"lun{lun:02d}", f"dm-{lun}", suspended=False, slaves=slaves)


def _disk(number: int) -> str:
    """The kernel's name of the disk with this number: sda to sdz, then sdaa."""
    name = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        name = chr(ord("a") + letter) + name
    return f"sd{name}"

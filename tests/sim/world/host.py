"""The host and its SAN: all parts of the world, wired to each other, and everything that can be done to them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from random import Random

from mpathd_watch.core.events import BlockEvent, UnitAttention, UnitAttentions
from mpathd_watch.core.model.vocabulary import AccessState, AttentionKind, DeviceState
from tests.sim.clock import Clock
from tests.sim.laws import Laws
from tests.sim.world.changes import Changes, What
from tests.sim.world.disks import Disk
from tests.sim.world.dm import Map
from tests.sim.world.links import Link, Portal
from tests.sim.world.multipathd import Multipathd
from tests.sim.world.sessions import CONN_CLOSED, Fate, Session, Timeouts
from tests.sim.world.shape import Shape


class World:
    """One host with its array, from its boot on.

    ``luns``: the numbers and names of its maps, where an earlier boot has had some. Portals with the numbers ``dead``
    are not there yet.
    """

    def __init__(
        self,
        clock: Clock,
        random: Random,
        shape: Shape,
        laws: Laws | None = None,
        *,
        luns: Sequence[tuple[int, str]] = (),
        dead: Collection[int] = (),
    ) -> None:
        self.clock = clock
        self.random = random
        self.shape = shape
        self.laws = laws or Laws.of(shape.version)
        self.changes = Changes()
        self.changes.listen(self._changed)
        self.links = [Link(number) for number in range(1, shape.links + 1)]
        self.portals = [
            Portal(number, self.links[(number - 1) % shape.links]) for number in range(1, shape.portals + 1)
        ]
        self.sessions: list[Session] = []
        self.maps: list[Map] = []
        self.udev = True
        self.iscsid = True
        self.multipathd = Multipathd(clock, random, self.laws, self.changes, shape)
        self.access: dict[Portal, AccessState] = {}
        self._access_since: dict[Portal, float] = {}
        self._sids = 0
        self.maps_ever = 0
        """LUNs that there have been, which have the numbers below."""
        if shape.alua:
            self.access = dict.fromkeys(self.portals, AccessState.OPTIMIZED)
        for portal in self.portals:
            portal.listening = portal.number not in dead
            if portal.listening:
                self._new_session(portal)
        for number, name in luns:
            self.maps_ever = number
            self.add_map().name = name
        for _ in range(0 if luns else shape.maps):
            self.add_map()
        self.set_busy(busy=shape.busy)

    # --- what there is ------------------------------------------------------------------------------------------------

    def disks(self) -> Iterable[Disk]:
        """All disks."""
        return (disk for session in self.sessions for disk in session.disks)

    def map_of(self, disk: Disk) -> Map | None:
        """The map that has the disk as a member."""
        return next((map_ for map_ in self.maps if disk in map_.members), None)

    def session_to(self, portal: Portal) -> Session | None:
        """The session to a portal, if there is one."""
        return next((session for session in self.sessions if session.portal is portal), None)

    # --- the network --------------------------------------------------------------------------------------------------

    def set_link(self, link: Link, *, carrier: bool | None = None, inbound: bool = True, outbound: bool = True) -> None:
        """Change what passes a link."""
        link.inbound, link.outbound = inbound, outbound
        if carrier is not None and carrier is not link.carrier:
            link.carrier = carrier
            link.carrier_changed = self.clock.now
            link.active = False
            if carrier:
                self.clock.after(self.laws.activation(self.random), partial(self._activate, link, self.clock.now))
            self.changes.report(What.LINK, link)
        self._network_changed(link)

    def _activate(self, link: Link, since: float) -> None:
        if link.carrier and link.carrier_changed == since:
            link.active = True
            self._network_changed(link)

    def kill_portal(self, portal: Portal) -> None:
        """Its process dies: connections are reset, and new ones refused."""
        portal.listening = False
        self.reset(portal)

    def revive_portal(self, portal: Portal, starts: float = 0.0) -> None:
        """Its process runs again; for so many seconds it accepts connections, but rejects logins."""
        portal.listening, portal.starting = True, starts > 0
        if portal.starting:
            self.clock.after(starts, partial(self._started, portal))
        self._network_changed(portal.link)

    def _started(self, portal: Portal) -> None:
        portal.starting = False
        self._network_changed(portal.link)

    def refuse(self, portal: Portal) -> None:
        """Whatever comes to it is answered with a reset: a connection that stands ends with its next packet."""
        portal.listening = False
        session = self.session_to(portal)
        if session is not None:
            session.refused()

    def reset(self, portal: Portal) -> None:
        """The connections to it are reset, if the reset gets through."""
        session = self.session_to(portal)
        if session is not None and portal.link.passes:
            session.fail(CONN_CLOSED, Fate.CLOSED)
        self._network_changed(portal.link)

    def _network_changed(self, link: Link) -> None:
        for session in self.sessions:
            if session.portal.link is link:
                session.network_changed()

    # --- sessions, disks and maps -------------------------------------------------------------------------------------

    def log_out(self, portal: Portal) -> None:
        """Log the session to a portal out: its disks go, and multipathd takes them out of their maps."""
        session = self.session_to(portal)
        if session is None:
            return
        self.sessions.remove(session)
        session.log_out()
        for disk in session.disks:
            disk.set(DeviceState.DELETED)
            self.changes.report(What.UEVENT, BlockEvent("remove", disk.name))
        self.changes.report(What.MEMBERS, session)
        self.clock.after(self.random.uniform(*self.laws.map_unloaded), partial(self._unload, session.disks))

    def _unload(self, gone: list[Disk]) -> None:
        """Disks are gone: multipathd takes them out of their maps."""
        if not (self.multipathd.works and self.udev):
            self.clock.after(1.0, partial(self._unload, gone))
            return
        for map_ in self.maps:
            if any(disk in map_.members for disk in gone):
                self.multipathd.load(map_, [disk for disk in map_.members if disk not in gone])
                self.changes.report(What.MEMBERS, map_)

    def log_in(self, portal: Portal) -> None:
        """Log in to a portal: new disks come, and multipathd adds them to their maps."""
        if self.session_to(portal) is not None or not portal.answers:
            return
        session = self._new_session(portal)
        self.changes.report(What.MEMBERS, session)
        # LUNs are probed side by side: their disks come in any order.
        for map_ in self.random.sample(self.maps, len(self.maps)):
            self._add_disk(session, map_)
        self._set_session_busy(session)

    def add_map(self) -> Map:
        """Map one more LUN to the host."""
        number = self.maps_ever
        self.maps_ever += 1
        map_ = Map(
            self.clock,
            self.random,
            self.laws,
            self.changes,
            name=f"mpath{chr(ord('a') + number % 26)}{number // 26 or ''}",
            number=number,
            policy=self.shape.policy,
        )
        self.maps.append(map_)
        self.multipathd.maps.append(map_)
        disks = [self._new_disk(session, map_) for session in self.sessions if session.answers]
        self.multipathd.load(map_, disks)
        self.changes.report(What.MEMBERS, map_)
        return map_

    def remove_map(self, map_: Map) -> None:
        """Flush a map and delete its disks, as an administrator does."""
        self.maps.remove(map_)
        self.multipathd.load(map_, [])
        self.multipathd.maps.remove(map_)
        map_.remove()
        for session in self.sessions:
            for disk in [disk for disk in session.disks if disk.lun == map_.number]:
                session.disks.remove(disk)
                disk.set(DeviceState.DELETED)
                self.changes.report(What.UEVENT, BlockEvent("remove", disk.name))
        self.changes.report(What.MEMBERS, map_)

    def rename_map(self, map_: Map, name: str) -> None:
        """Give a map another name (dm-ioctl.c sends a change with a cookie)."""
        map_.name = name
        self.changes.report(What.UEVENT, BlockEvent("change", map_.sysfs_name, reloaded=True))
        self.changes.report(What.MEMBERS, map_)

    def reload_map(self, map_: Map) -> None:
        """Load a map's table again, as ``multipath -r`` does: without multipathd, nothing fails its paths again."""
        map_.load(list(map_.members))

    def unmap(self, disk: Disk) -> None:
        """Delete a disk whose session stays: an array does not show the LUN there any more."""
        session = disk.session
        session.disks.remove(disk)
        disk.set(DeviceState.DELETED)
        self.changes.report(What.UEVENT, BlockEvent("remove", disk.name))
        self.changes.report(What.MEMBERS, session)
        self.clock.after(self.random.uniform(*self.laws.map_unloaded), partial(self._unload, [disk]))

    def rescan(self, portal: Portal) -> None:
        """Find the LUNs that the session to a portal has no disks of."""
        session = self.session_to(portal)
        if session is None:
            return
        for map_ in self.maps:
            if not any(disk.lun == map_.number for disk in session.disks):
                self._add_disk(session, map_)

    def set_device_state(self, disk: Disk, state: DeviceState) -> None:
        """An administrator, or SCSI error handling, sets a disk's state."""
        disk.set(state)

    def set_ready(self, portal: Portal, lun: int, *, ready: bool) -> None:
        """A LUN becomes not ready behind a portal, or ready again."""
        (portal.unready.discard if ready else portal.unready.add)(lun)
        self._drive()

    def _new_session(self, portal: Portal) -> Session:
        self._sids += 1
        shape = self.shape
        timeouts = Timeouts(shape.recv_tmo, shape.ping_tmo, shape.recovery_tmo)
        session = Session(
            self.clock, self.random, self.laws, self.changes, sid=self._sids, portal=portal, timeouts=timeouts
        )
        session.iscsid = self.iscsid
        self.sessions.append(session)
        return session

    def _new_disk(self, session: Session, map_: Map) -> Disk:
        # The kernel gives the names of disks that are gone, and that no map holds any more, again.
        held = {disk.number for map_ in self.maps for disk in map_.members} | {disk.number for disk in self.disks()}
        number = next(number for number in itertools.count() if number not in held)
        disk = Disk(self.changes, _sd_name(number), number, session, map_.number)
        disk.truth = disk.access = self.access.get(session.portal)
        session.disks.append(disk)
        self.changes.report(What.UEVENT, BlockEvent("add", disk.name))
        return disk

    def _add_disk(self, session: Session, map_: Map) -> None:
        self.clock.after(self.random.uniform(*self.laws.device_scan), partial(self._scan, session, map_))

    def _scan(self, session: Session, map_: Map) -> None:
        if session not in self.sessions or map_ not in self.maps:
            return
        if any(disk.lun == map_.number for disk in session.disks):
            return
        if not session.answers:
            self.clock.after(1.0, partial(self._scan, session, map_))
            return
        disk = self._new_disk(session, map_)
        self._set_session_busy(session)

        def added() -> None:
            present = session in self.sessions and disk in session.disks
            if present and map_ in self.maps and disk not in map_.members:
                if not (self.multipathd.works and self.udev):
                    self.clock.after(1.0, added)
                    return
                self.multipathd.load(map_, [*map_.members, disk])
                self.changes.report(What.MEMBERS, map_)

        self.clock.after(self.random.uniform(*self.laws.map_loaded), added)

    # --- the array ----------------------------------------------------------------------------------------------------

    def set_access(self, portal: Portal, state: AccessState) -> None:
        """The array changes the state of a port group; the kernel learns of it with the next command."""
        self.access[portal] = state
        session = self.session_to(portal)
        if session is None:
            return
        for disk in session.disks:
            disk.truth = state
            disk.attention = partial(self._reported, disk, state)
        self._access_since[portal] = self.clock.now
        if state is AccessState.TRANSITIONING:
            limit = self.random.uniform(*self.laws.command_limit)
            self.clock.after(limit, partial(self._outlasted, portal, self.clock.now))
        self.changes.report(What.ARRAY, portal)
        self._drive()
        if session.busy:
            self.clock.after(0.1, lambda: self._commands(session))

    def _outlasted(self, portal: Portal, since: float) -> None:
        """A transition lasts longer than the kernel lets a command wait, and fails the I/O that is on its way."""
        if self._access_since.get(portal) == since:
            for map_ in self.maps:
                for disk in map_.in_use():
                    if disk.session.portal is portal and disk.session.answers:
                        disk.errors += 1
                        map_.fail(disk)

    def _commands(self, session: Session) -> None:
        """I/O is sent to the disks that are in use."""
        for map_ in self.maps:
            for disk in map_.in_use():
                if disk.session is session:
                    disk.command()

    def _reported(self, disk: Disk, state: AccessState) -> None:
        """A command has brought the unit attention, and the kernel asks for the states of the port groups."""
        attention = UnitAttention(AttentionKind.ACCESS_STATE, disk.hctl)
        self.changes.report(What.UEVENT, UnitAttentions((attention,)))
        self.clock.after(self.random.uniform(*self.laws.access_reported), lambda: self._known(disk, state))

    def _known(self, disk: Disk, state: AccessState) -> None:
        if not disk.session.answers:
            self.clock.after(1.0, lambda: self._known(disk, state))
        elif disk.access is not state and disk.truth is state:
            disk.access, disk.access_changed = state, self.clock.now
            self.changes.report(What.DISK, disk)

    # --- daemons, I/O and time ----------------------------------------------------------------------------------------

    def set_iscsid(self, *, runs: bool) -> None:
        """End iscsid, or start it: without it no session logs in again."""
        self.iscsid = runs
        for session in self.sessions:
            session.iscsid_changed(runs=runs)

    def set_busy(self, *, busy: bool, maps: Iterable[Map] | None = None) -> None:
        """I/O begins, or ends; on all maps or on these."""
        for map_ in self.maps if maps is None else maps:
            map_.busy = busy
        self._drive()

    def step_wall_clock(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self.clock.wall_ahead += seconds
        self.changes.report(What.CLOCK)

    def suspend(self, seconds: float) -> None:
        """The host sleeps: CLOCK_MONOTONIC stands still, and the targets may have given its connections up."""
        self.clock.wall_ahead += seconds
        self.changes.report(What.CLOCK)
        for portal in self.portals:
            if self.random.random() < 0.3:
                self.reset(portal)

    def _changed(self, what: What, _: object) -> None:
        if what in (What.DISK, What.ANSWERS, What.DM, What.MEMBERS):
            self._drive()

    def _drive(self) -> None:
        for map_ in self.maps:
            map_.drive()
        for session in self.sessions:
            self._set_session_busy(session)

    def _set_session_busy(self, session: Session) -> None:
        used = any(disk in map_.in_use() for map_ in self.maps if map_.busy for disk in session.disks)
        session.set_busy(busy=used)


def _sd_name(number: int) -> str:
    """As sd_format_disk_name() in drivers/scsi/sd.c."""
    name = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        name = chr(ord("a") + letter) + name
    return f"sd{name}"

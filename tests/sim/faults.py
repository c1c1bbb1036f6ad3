"""What can go wrong, and the plan of what does in one run.

A plan is a list of faults, which the seed decides: each run has a few kinds at random, often or seldom, long or short.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from types import MappingProxyType

from mpathd_watch.core.events import Forget
from mpathd_watch.core.model.vocabulary import AccessState, DeviceState
from tests.sim.product import Product
from tests.sim.sources.source import Source
from tests.sim.world.changes import What
from tests.sim.world.disks import Disk
from tests.sim.world.dm import Map
from tests.sim.world.host import World
from tests.sim.world.links import Link, Portal
from tests.sim.world.sessions import CONN_FAILED, Fate

Repair = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what, when (seconds of the run), for how long, and to which of the things that it may hit."""

    kind: str
    at: float
    seconds: float
    which: int = 0

    def __str__(self) -> str:
        return f"{self.at:7.1f} {self.kind} ({self.which}) for {self.seconds:.1f} s"


class Stage:
    """Does faults to a world, and to the product's sources, and undoes them."""

    def __init__(
        self,
        world: World,
        product: Product,
        random: Random,
        restarted: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        self.world = world
        self.product = product
        self.tell = tell
        self._random = random
        self._restarted = restarted
        self._clock = world.clock
        self._renamed = 0
        self._down = 0

    def play(self, fault: Fault) -> None:
        """Begin the fault now, and end it when its time is over."""
        self.tell(f"{fault.kind} ({fault.which}) for {fault.seconds:.1f} s")
        repair = KINDS[fault.kind](self, fault)
        if repair is not None:
            self._clock.after(fault.seconds, lambda: self._end(fault, repair))

    def _end(self, fault: Fault, repair: Repair) -> None:
        self.tell(f"end of {fault.kind} ({fault.which})")
        repair()

    # --- what is hit --------------------------------------------------------------------------------------------------

    def link(self, fault: Fault) -> Link:
        """One of the links."""
        return self.world.links[fault.which % len(self.world.links)]

    def portal(self, fault: Fault) -> Portal:
        """One of the portals."""
        return self.world.portals[fault.which % len(self.world.portals)]

    def disk(self, fault: Fault) -> Disk | None:
        """One of the disks that are members of maps."""
        disks = [disk for map_ in self.world.maps for disk in map_.members]
        return disks[fault.which % len(disks)] if disks else None

    def map(self, fault: Fault) -> Map | None:
        """One of the maps."""
        return self.world.maps[fault.which % len(self.world.maps)] if self.world.maps else None

    @property
    def manageable(self) -> bool:
        """Whether maps and sessions can be changed as usual: multipathd takes part in that."""
        return self.world.multipathd.works and self.world.udev

    def impaired(self, source: Source) -> None:
        """Report that what a source receives has changed."""
        self.world.changes.report(What.SOURCE, source)

    # --- the daemon ---------------------------------------------------------------------------------------------------

    def end_daemon(self, *, killed: bool = False) -> None:
        """End the daemon."""
        self._down += 1
        if self.product.runs:
            self.product.end(killed=killed)

    def forget(self, map_: Map) -> None:
        """Run ``mpathd-watch forget`` for a map that is gone."""
        if self.product.runs and map_ not in self.world.maps:
            self.product.feed(Forget(map_.wwid))

    def start_daemon(self) -> None:
        """Start it again."""
        self._down -= 1
        if not self._down and not self.product.runs:
            self.product.start()
            self._restarted()

    def repair_all(self) -> None:
        """Undo whatever is still wrong."""
        world = self.world
        for link in world.links:
            world.set_link(link, carrier=True)
        for portal in world.portals:
            if not portal.listening:
                world.revive_portal(portal)
            portal.unready.clear()
            if world.access.get(portal, AccessState.OPTIMIZED) is not AccessState.OPTIMIZED:
                world.set_access(portal, AccessState.OPTIMIZED)
        world.multipathd.go_on()
        world.multipathd.start()
        world.udev = True
        if not world.iscsid:
            world.set_iscsid(runs=True)
        for disk in world.disks():
            if disk.state is DeviceState.OFFLINE:
                _set_running(disk)
            if world.multipathd.is_by_hand(disk):
                world.multipathd.reinstate_path(disk)
        for portal in world.portals:
            self.log_in(portal)
        sources = self.product.sources
        sources.uevents.lose(losing=False)
        sources.uevents.late = sources.errors.losing = False
        sources.multipathd.slow = 0.0
        if sources.sysfs.hung:
            sources.sysfs.hang(hung=False)
        self.impaired(sources.sysfs)
        if self.product.keeps:
            self._forget_maps()

    def _forget_maps(self) -> None:
        """An administrator forgets the maps that are gone for good."""
        present = {map_.wwid for map_ in self.world.maps}
        for wwid in tuple(self.product.state.maps):
            if wwid not in present and self.product.runs:
                self.product.feed(Forget(wwid, ""))

    def log_in(self, portal: Portal) -> None:
        """Log in until it works: a link passes packets only a moment after it has a carrier again."""
        self.world.log_in(portal)
        self.world.rescan(portal)
        if self.world.session_to(portal) is None:
            self._clock.after(1.0, partial(self.log_in, portal))


def _set_running(disk: Disk) -> None:
    """``running`` takes effect only where the session carries I/O; else the kernel blocks or fails the disk again."""
    state = {"LOGGED_IN": DeviceState.RUNNING, "FAILED": DeviceState.BLOCKED}.get(disk.session.state.value)
    disk.set(state or DeviceState.TRANSPORT_OFFLINE)


# --- the kinds --------------------------------------------------------------------------------------------------------


def _cut(stage: Stage, fault: Fault) -> Repair:
    link = stage.link(fault)
    stage.world.set_link(link, carrier=False)
    return lambda: stage.world.set_link(link, carrier=True)


def _drop(stage: Stage, fault: Fault) -> Repair:
    link = stage.link(fault)
    stage.world.set_link(link, inbound=False, outbound=False)
    return lambda: stage.world.set_link(link)


def _drop_one_way(stage: Stage, fault: Fault) -> Repair:
    link = stage.link(fault)
    stage.world.set_link(link, inbound=bool(fault.which % 2), outbound=not fault.which % 2)
    return lambda: stage.world.set_link(link)


def _switch(stage: Stage, fault: Fault) -> Repair:
    links = stage.world.links[fault.which % 2 :: 2] or stage.world.links
    for link in links:
        stage.world.set_link(link, carrier=False)

    def repair() -> None:
        for link in links:
            stage.world.set_link(link, carrier=True)

    return repair


def _flap(stage: Stage, fault: Fault) -> Repair:
    """The carrier comes and goes, also faster than anything is polled."""
    link = stage.link(fault)
    period = (0.05, 0.4, 2.0, 9.0)[fault.which % 4]
    ends = stage.world.clock.now + min(fault.seconds, MOST_TURNS * period)

    def turn() -> None:
        if stage.world.clock.now < ends - period:
            stage.world.set_link(link, carrier=not link.carrier)
            stage.world.clock.after(period * (0.5 + (fault.which % 7) / 7), turn)

    turn()
    return lambda: stage.world.set_link(link, carrier=True)


def _portal_killed(stage: Stage, fault: Fault) -> Repair:
    portal = stage.portal(fault)
    stage.world.kill_portal(portal)
    return lambda: stage.world.revive_portal(portal)


def _array_down(stage: Stage, _: Fault) -> Repair:
    for portal in stage.world.portals:
        stage.world.kill_portal(portal)

    def repair() -> None:
        for portal in stage.world.portals:
            stage.world.revive_portal(portal)

    return repair


def _reset(stage: Stage, fault: Fault) -> None:
    stage.world.reset(stage.portal(fault))


def _connection_error(stage: Stage, fault: Fault) -> None:
    session = stage.world.session_to(stage.portal(fault))
    if session is not None:
        session.fail(CONN_FAILED, Fate.ERROR)


def _not_ready(stage: Stage, fault: Fault) -> Repair | None:
    map_, portal = stage.map(fault), stage.portal(fault)
    if map_ is None:
        return None
    stage.world.set_ready(portal, map_.number, ready=False)
    return lambda: stage.world.set_ready(portal, map_.number, ready=True)


def _logout(stage: Stage, fault: Fault) -> Repair | None:
    portal = stage.portal(fault)
    if not stage.manageable:
        return None
    stage.world.log_out(portal)
    return lambda: stage.world.log_in(portal)


def _device_offline(stage: Stage, fault: Fault) -> Repair | None:
    disk = stage.disk(fault)
    if disk is None or disk.state is not DeviceState.RUNNING:
        return None
    stage.world.set_device_state(disk, DeviceState.OFFLINE)

    def repair() -> None:
        if disk.state is DeviceState.OFFLINE:
            _set_running(disk)

    return repair


def _fail_path(stage: Stage, fault: Fault) -> Repair | None:
    disk = stage.disk(fault)
    if disk is None:
        return None
    stage.world.multipathd.fail_path(disk)
    return lambda: stage.world.multipathd.reinstate_path(disk)


def _multipathd_stopped(stage: Stage, _: Fault) -> Repair:
    stage.world.multipathd.stop()
    return stage.world.multipathd.go_on


def _multipathd_killed(stage: Stage, _: Fault) -> Repair:
    stage.world.multipathd.kill()
    return stage.world.multipathd.start


def _multipathd_reconfigured(stage: Stage, _: Fault) -> None:
    stage.world.multipathd.reconfigure()


def _multipathd_slow(stage: Stage, fault: Fault) -> Repair:
    source, slow = stage.product.sources.multipathd, (0.5, 2.0, 3.8)[fault.which % 3]
    return _impaired(stage, source, lambda on: setattr(source, "slow", slow if on else 0.0))


def _iscsid_killed(stage: Stage, _: Fault) -> Repair:
    stage.world.set_iscsid(runs=False)
    return lambda: stage.world.set_iscsid(runs=True)


def _udev_stopped(stage: Stage, _: Fault) -> Repair:
    stage.world.udev = False

    def repair() -> None:
        stage.world.udev = True

    return repair


def _suspend(stage: Stage, fault: Fault) -> None:
    stage.world.suspend(60.0 * fault.seconds)


def _clock_step(stage: Stage, fault: Fault) -> None:
    stage.world.step_wall_clock((1.0, -1.0, 3600.0, -7200.0, 86400.0 * 40)[fault.which % 5])


def _impaired(stage: Stage, source: Source, impair: Callable[[bool], None]) -> Repair:
    """Impair what a source of the daemon receives, until it is repaired."""

    def turn(*, on: bool) -> None:
        impair(on)
        stage.impaired(source)

    turn(on=True)
    return partial(turn, on=False)


def _uevents_lost(stage: Stage, _: Fault) -> Repair:
    uevents = stage.product.sources.uevents
    return _impaired(stage, uevents, lambda on: uevents.lose(losing=on))


def _uevents_late(stage: Stage, _: Fault) -> Repair:
    uevents = stage.product.sources.uevents
    return _impaired(stage, uevents, partial(setattr, uevents, "late"))


def _errors_lost(stage: Stage, _: Fault) -> Repair:
    errors = stage.product.sources.errors
    return _impaired(stage, errors, partial(setattr, errors, "losing"))


def _sysfs_hangs(stage: Stage, _: Fault) -> Repair:
    sysfs = stage.product.sources.sysfs
    return _impaired(stage, sysfs, lambda on: sysfs.hang(hung=on))


def _daemon_restarted(stage: Stage, _: Fault) -> None:
    stage.end_daemon()
    stage.start_daemon()


def _daemon_stopped(stage: Stage, _: Fault) -> Repair:
    stage.end_daemon()
    return stage.start_daemon


def _daemon_killed(stage: Stage, _: Fault) -> Repair:
    stage.end_daemon(killed=True)
    return stage.start_daemon


def _clock_set_meanwhile(stage: Stage, fault: Fault) -> Repair:
    """Somebody sets the clock while no daemon runs."""
    stage.end_daemon(killed=bool(fault.which % 2))
    _clock_step(stage, fault)
    return stage.start_daemon


def _map_added(stage: Stage, _: Fault) -> None:
    reachable = stage.world.sessions and all(session.answers for session in stage.world.sessions)
    if stage.manageable and reachable and len(stage.world.maps) < 6:
        stage.world.add_map()


def _map_removed(stage: Stage, fault: Fault) -> Repair | None:
    """Somebody removes a map; if that looks like a loss, because no path was usable, they say later that it is none."""
    map_ = stage.map(fault)
    if map_ is None or not stage.manageable or len(stage.world.maps) < 2:
        return None
    stage.world.remove_map(map_)
    return lambda: stage.forget(map_)


def _map_renamed(stage: Stage, fault: Fault) -> None:
    map_ = stage.map(fault)
    if map_ is not None and stage.manageable:
        stage.world.rename_map(map_, f"renamed{fault.which}")


def _table_reloaded(stage: Stage, fault: Fault) -> None:
    map_ = stage.map(fault)
    if map_ is not None and not stage.world.multipathd.works:
        stage.world.reload_map(map_)


def _unmapped(stage: Stage, fault: Fault) -> Repair | None:
    disk = stage.disk(fault)
    if disk is None or not stage.manageable or disk not in disk.session.disks or not disk.session.answers:
        return None
    stage.world.unmap(disk)
    return lambda: stage.world.rescan(disk.session.portal)


def _access(state: AccessState) -> Callable[[Stage, Fault], Repair | None]:
    def play(stage: Stage, fault: Fault) -> Repair | None:
        portal = stage.portal(fault)
        if portal not in stage.world.access:
            return None
        stage.world.set_access(portal, state)
        return lambda: stage.world.set_access(portal, AccessState.OPTIMIZED)

    return play


def _load(stage: Stage, fault: Fault) -> Repair:
    stage.world.set_busy(busy=bool(fault.which % 2))
    return lambda: stage.world.set_busy(busy=stage.world.shape.busy)


KINDS: Mapping[str, Callable[[Stage, Fault], Repair | None]] = MappingProxyType(
    {
        "cut": _cut,
        "drop": _drop,
        "drop_one_way": _drop_one_way,
        "switch": _switch,
        "flap": _flap,
        "portal_killed": _portal_killed,
        "array_down": _array_down,
        "reset": _reset,
        "connection_error": _connection_error,
        "not_ready": _not_ready,
        "logout": _logout,
        "device_offline": _device_offline,
        "fail_path": _fail_path,
        "multipathd_stopped": _multipathd_stopped,
        "multipathd_killed": _multipathd_killed,
        "multipathd_reconfigured": _multipathd_reconfigured,
        "multipathd_slow": _multipathd_slow,
        "iscsid_killed": _iscsid_killed,
        "udev_stopped": _udev_stopped,
        "suspend": _suspend,
        "clock_step": _clock_step,
        "uevents_lost": _uevents_lost,
        "uevents_late": _uevents_late,
        "errors_lost": _errors_lost,
        "sysfs_hangs": _sysfs_hangs,
        "daemon_restarted": _daemon_restarted,
        "daemon_stopped": _daemon_stopped,
        "daemon_killed": _daemon_killed,
        "clock_set_meanwhile": _clock_set_meanwhile,
        "map_added": _map_added,
        "map_removed": _map_removed,
        "map_renamed": _map_renamed,
        "table_reloaded": _table_reloaded,
        "unmapped": _unmapped,
        "standby": _access(AccessState.STANDBY),
        "unavailable": _access(AccessState.UNAVAILABLE),
        "transitioning": _access(AccessState.TRANSITIONING),
        "non_optimized": _access(AccessState.NON_OPTIMIZED),
        "load": _load,
    }
)
"""Every kind of fault: what begins it, and returns what ends it."""

MOST_TURNS = 60
"""Times that a link goes or comes in one fault."""

SHORT, LONG = (0.02, 6.0), (5.0, 150.0)


def drawn(random: Random, begin: float, end: float) -> tuple[Fault, ...]:
    """A plan for the seconds from ``begin`` to ``end`` of a run, as the seed decides; now and then an empty one."""
    if random.random() < 0.05:
        return ()
    kinds = random.sample(sorted(KINDS), random.choice((1, 2, 3, 5, 8)))
    pause = random.choice((4.0, 15.0, 40.0, 90.0, 90.0))
    patient = random.random()
    faults: list[Fault] = []
    at = begin + random.expovariate(1 / pause)
    while at < end:
        seconds = random.uniform(*(LONG if random.random() < patient else SHORT))
        seconds = min(seconds, end - at)
        faults.append(Fault(random.choice(kinds), round(at, 3), round(seconds, 3), random.randrange(1000)))
        at += random.expovariate(1 / pause)
    return tuple(faults)

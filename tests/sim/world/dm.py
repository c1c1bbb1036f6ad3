"""A dm-multipath map in the kernel: which paths it uses, and the uevents that it sends."""

from __future__ import annotations

from functools import partial
from random import Random

from mpathd_watch.core.events import BlockEvent, DmPathEvent
from mpathd_watch.core.model.vocabulary import DmAction
from tests.sim.clock import Clock
from tests.sim.laws import Laws
from tests.sim.world.changes import Changes, What
from tests.sim.world.disks import Disk, Outcome
from tests.sim.world.shape import MULTIBUS


class Map:
    """One map. ``failed``: the members that dm has failed. ``busy``: I/O is sent to it all the time."""

    def __init__(
        self, clock: Clock, random: Random, laws: Laws, changes: Changes, *, name: str, number: int, policy: str
    ) -> None:
        self.name = name
        self.wwid = f"3600140500000000000000000000{number:05d}"
        self.number = number
        self.sysfs_name = f"dm-{number}"
        self.members: list[Disk] = []
        self.failed: set[Disk] = set()
        self.reinstated: dict[Disk, float] = {}
        """When a member was reinstated last."""
        self.busy = False
        self.gone = False
        self._seqnum = 0
        self._failing: set[Disk] = set()
        self._policy = policy
        self._clock = clock
        self._random = random
        self._laws = laws
        self._changes = changes

    @property
    def active(self) -> list[Disk]:
        """The members that dm uses."""
        return [disk for disk in self.members if disk not in self.failed]

    def in_use(self) -> list[Disk]:
        """The members that I/O is sent to now."""
        active = self.active if self.busy else []
        return active if self._policy == MULTIBUS else active[:1]

    def drive(self) -> None:
        """Send I/O: a disk that refuses it fails its path a moment later."""
        for disk in self.in_use():
            if disk not in self._failing and disk.outcome() is Outcome.FAILED:
                self._failing.add(disk)
                self._clock.after(self._random.uniform(*self._laws.io_fails), partial(self._io_failed, disk))

    def fail(self, disk: Disk) -> None:
        """Fail a path (fail_path() in drivers/md/dm-mpath.c)."""
        if disk in self.members and disk not in self.failed:
            self.failed.add(disk)
            self._transition(DmAction.PATH_FAILED, disk)

    def reinstate(self, disk: Disk) -> None:
        """Use a path again (reinstate_path())."""
        if disk in self.members and disk in self.failed:
            self.failed.discard(disk)
            self.reinstated[disk] = self._clock.now
            self._transition(DmAction.PATH_REINSTATED, disk)

    def load(self, members: list[Disk]) -> None:
        """Load a table: all its paths are active then, and no uevent reports it (parse_path())."""
        self.members = members
        self.failed.clear()
        self._changes.report(What.UEVENT, BlockEvent("change", self.sysfs_name, reloaded=True))
        self._changes.report(What.MEMBERS, self)

    def remove(self) -> None:
        """Remove the map."""
        self.gone = True
        self.members = []
        self.failed.clear()
        self._changes.report(What.UEVENT, BlockEvent("remove", self.sysfs_name))

    def _io_failed(self, disk: Disk) -> None:
        self._failing.discard(disk)
        if disk in self.in_use() and disk.outcome() is Outcome.FAILED:
            disk.errors += 1
            disk.command()
            self.fail(disk)

    def _transition(self, action: DmAction, disk: Disk) -> None:
        self._seqnum += 1
        event = DmPathEvent(action, self.wwid, self.name, self.sysfs_name, disk.dev_t, self._seqnum)
        self._changes.report(What.UEVENT, event)
        self._changes.report(What.DM, self)
        self.drive()

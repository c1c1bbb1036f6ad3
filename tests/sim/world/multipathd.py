"""multipathd: it checks paths, fails and reinstates them in dm, and lists what it holds of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from mpathd_watch.core.model.facts import MapListing, PathListing
from mpathd_watch.core.model.vocabulary import AccessState, CheckerState, DeviceState, DmState
from tests.sim.clock import Clock, Timer
from tests.sim.world.changes import Changes, What
from tests.sim.world.disks import Disk, Outcome
from tests.sim.world.dm import Map
from tests.sim.world.shape import DEBIAN_13, FAIL, QUEUE, Shape

PENDING_AGAIN = 1.0
"""multipathd looks again after a second where a disk is blocked or a checker waits (check_path() in main.c)."""
CHECKER_TIMEOUT = 30.0


@dataclass(slots=True)
class Check:
    """What multipathd holds of one path. ``dm``: its memory of dm's state. ``by_hand``: an administrator failed it."""

    state: CheckerState = CheckerState.READY
    dm: DmState = DmState.ACTIVE
    interval: float = 5.0
    by_hand: bool = False
    waits_since: float | None = None
    timer: Timer | None = None


class Multipathd:
    """One multipathd, which may be stopped (``hung``) or not run at all (``pid`` is ``None``)."""

    def __init__(self, clock: Clock, random: Random, changes: Changes, shape: Shape) -> None:
        self.pid: int | None = 300
        self.hung = False
        self.maps: list[Map] = []
        self.queueing_off: set[Map] = set()
        self._recovering: dict[Map, float] = {}
        self._checks: dict[Disk, Check] = {}
        self._map_of: dict[Disk, Map] = {}
        self._last_pid = 300
        self._shape = shape
        self._clock = clock
        self._random = random
        self._changes = changes
        changes.listen(self._changed)

    @property
    def works(self) -> bool:
        """Whether it checks paths and answers."""
        return self.pid is not None and not self.hung

    # --- its process --------------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """It ends, and with it what it knows."""
        self.pid, self.hung = None, False
        for check in self._checks.values():
            if check.timer is not None:
                check.timer.cancel()
        self._changes.report(What.MULTIPATHD, self)

    def start(self) -> None:
        """A new process: it takes dm's states over and checks every path at once."""
        if self.pid is not None:
            return
        self._last_pid += 1
        self.pid = self._last_pid
        self._checks, self._map_of, self._recovering = {}, {}, {}
        self.queueing_off.clear()
        for map_ in self.maps:
            for disk in map_.members:
                self._take_in(disk, map_)
        self._changes.report(What.MULTIPATHD, self)

    def stop(self) -> None:
        """SIGSTOP."""
        self.hung = self.pid is not None
        self._changes.report(What.MULTIPATHD, self)

    def go_on(self) -> None:
        """SIGCONT: what became due meanwhile is checked now."""
        if not self.hung:
            return
        self.hung = False
        for map_ in self.maps:
            self._follow_dm(map_)
        for disk in tuple(self._checks):
            self._check_after(disk, self._random.uniform(0.0, 1.0))
        self._changes.report(What.MULTIPATHD, self)

    def reconfigure(self) -> None:
        """It loads every table again, and fails again what its checkers have found faulty."""
        if not self.works:
            return
        for map_ in self.maps:
            faulty = [disk for disk in map_.members if disk in map_.failed]
            self.load(map_, list(map_.members))
            for disk in faulty:
                map_.fail(disk)
        for disk in tuple(self._checks):
            self._check_after(disk, self._random.uniform(0.0, 1.0))

    # --- maps and paths -----------------------------------------------------------------------------------------------

    def load(self, map_: Map, members: list[Disk]) -> None:
        """Load the table of a map with these members; what was failed and stays a member is failed again."""
        known = self._checks.keys()
        for disk in [disk for disk, of in self._map_of.items() if of is map_ and disk not in members]:
            self._forget(disk)
        map_.load(members)
        for disk in members:
            if disk not in known:
                self._take_in(disk, map_)
            else:
                self._checks[disk].dm = DmState.ACTIVE
                if self._checks[disk].state not in (CheckerState.READY, CheckerState.GHOST):
                    map_.fail(disk)

    def fail_path(self, disk: Disk) -> None:
        """``multipathd fail path``: it does not check the path any more until it is to reinstate the path."""
        if not self.works or disk not in self._checks:
            return
        check = self._checks[disk]
        check.by_hand, check.state = True, CheckerState.FAULTY
        self._map_of[disk].fail(disk)

    def reinstate_path(self, disk: Disk) -> None:
        """``multipathd reinstate path``: dm uses it again at once, and the next check finds out."""
        if not self.works or disk not in self._checks:
            return
        self._checks[disk].by_hand = False
        self._map_of[disk].reinstate(disk)
        self._check_after(disk, self._checks[disk].interval)

    def _take_in(self, disk: Disk, map_: Map) -> None:
        dm = DmState.FAILED if disk in map_.failed else DmState.ACTIVE
        state = CheckerState.FAULTY if dm is DmState.FAILED else self._answer(disk) or CheckerState.READY
        self._checks[disk] = Check(state, dm, float(self._shape.polling_interval))
        self._map_of[disk] = map_
        self._check_after(disk, self._random.uniform(0.0, 1.0))

    def _forget(self, disk: Disk) -> None:
        check = self._checks.pop(disk, None)
        self._map_of.pop(disk, None)
        if check is not None and check.timer is not None:
            check.timer.cancel()

    # --- checks -------------------------------------------------------------------------------------------------------

    def _check_after(self, disk: Disk, seconds: float) -> None:
        """Check a path after so many seconds: the loop of multipathd turns once a second."""
        check = self._checks[disk]
        if check.timer is not None:
            check.timer.cancel()
        moment = math.ceil(self._clock.now + seconds) + self._map_of[disk].number * 0.01
        check.timer = self._clock.at(moment, lambda: self._check(disk))

    def _check(self, disk: Disk) -> None:
        check, map_ = self._checks.get(disk), self._map_of.get(disk)
        if check is None or map_ is None or not self.works:
            return
        if check.by_hand:
            self._check_after(disk, check.interval)
            return
        answer = self._answer(disk)
        if answer is None:
            self._pending(disk, check, map_)
            return
        check.waits_since = None
        self._found(disk, check, map_, answer)
        self._check_after(disk, check.interval)

    def _answer(self, disk: Disk) -> CheckerState | None:
        """What the checker finds; ``None`` while it has no answer."""
        if disk.state is DeviceState.RUNNING:
            disk.command()
        outcome = disk.outcome()
        if outcome is Outcome.HELD:
            return None
        if disk.truth is AccessState.STANDBY and disk.session.answers and disk.state is DeviceState.RUNNING:
            return CheckerState.GHOST
        if outcome is Outcome.FAILED:
            if disk.state is DeviceState.RUNNING:
                disk.errors += 1
            return CheckerState.FAULTY
        return CheckerState.READY

    def _pending(self, disk: Disk, check: Check, map_: Map) -> None:
        """No answer: the old state stays, unless a checker that was sent off waits for too long."""
        now = self._clock.now
        if disk.state is not DeviceState.RUNNING:
            check.waits_since = None
        elif check.waits_since is None:
            check.waits_since = now
        elif now - check.waits_since >= CHECKER_TIMEOUT:
            self._found(disk, check, map_, CheckerState.TIMEOUT)
        self._check_after(disk, PENDING_AGAIN)

    def _found(self, disk: Disk, check: Check, map_: Map, state: CheckerState) -> None:
        usable = state in (CheckerState.READY, CheckerState.GHOST)
        changed = state is not check.state
        check.state = state
        if usable and disk in map_.failed:
            map_.reinstate(disk)
            check.interval = float(self._shape.polling_interval)
        elif not usable:
            if changed:
                check.interval = float(self._shape.polling_interval)
            map_.fail(disk)
        elif changed:
            check.interval = float(self._shape.polling_interval)
        else:
            check.interval = min(2 * check.interval, float(self._shape.max_polling_interval))
        if changed:
            self._changes.report(What.CHECKER, disk)

    # --- what dm reports to it ----------------------------------------------------------------------------------------

    def _changed(self, what: What, thing: object) -> None:
        if what is What.DM and isinstance(thing, Map) and self.works:
            self._follow_dm(thing)

    def _follow_dm(self, map_: Map) -> None:
        """Take over what dm has failed: such a path is faulty at once (update_multipath_strings() and below)."""
        for disk in map_.members:
            check = self._checks.get(disk)
            if check is None:
                continue
            dm = DmState.FAILED if disk in map_.failed else DmState.ACTIVE
            if dm is check.dm:
                continue
            check.dm = dm
            if dm is DmState.FAILED and check.state in (CheckerState.READY, CheckerState.GHOST):
                check.state = CheckerState.FAULTY
                if self._shape.version[:2] != DEBIAN_13[:2]:
                    # 0.11.1 goes on at the interval that had grown (docs/measured.md).
                    check.interval = float(self._shape.polling_interval)
                self._check_after(disk, check.interval)
            self._changes.report(What.CHECKER, disk)
        self._follow_queueing(map_)

    def _follow_queueing(self, map_: Map) -> None:
        usable = bool(map_.active)
        if usable:
            self._recovering.pop(map_, None)
            self.queueing_off.discard(map_)
        elif isinstance(self._shape.no_path_retry, int) and map_ not in self._recovering:
            seconds = self._shape.no_path_retry * self._shape.polling_interval + 1.0
            ends = self._clock.now + seconds
            self._recovering[map_] = ends
            self._clock.at(ends, lambda: self._end_queueing(map_, ends))

    def _end_queueing(self, map_: Map, ends: float) -> None:
        if self._recovering.get(map_) == ends and self.works:
            self.queueing_off.add(map_)

    # --- what it lists ------------------------------------------------------------------------------------------------

    def listed_maps(self) -> tuple[MapListing, ...]:
        """``show maps json``, which reads the kernel's states at that moment."""
        for map_ in self.maps:
            self._follow_dm(map_)
        return tuple(
            MapListing(
                map_.wwid,
                map_.name,
                map_.sysfs_name,
                self._queueing(map_),
                self._queues(map_),
                "IET",
                "VIRTUAL-DISK",
                tuple(self._listed(map_, map_.members)),
            )
            for map_ in self.maps
            if not map_.gone
        )

    def listed_paths(self) -> tuple[PathListing, ...]:
        """``show paths raw format``, from its memory."""
        return tuple(each for map_ in self.maps if not map_.gone for each in self._listed(map_, map_.members))

    def _listed(self, map_: Map, members: Iterable[Disk]) -> Iterable[PathListing]:
        for disk in members:
            check = self._checks.get(disk)
            if check is not None:
                yield PathListing(map_.wwid, map_.name, disk.name, disk.dev_t, check.dm, check.state, checker="tur")

    def state_of(self, disk: Disk) -> CheckerState | None:
        """What its checker found last; ``None`` where it does not know the path."""
        check = self._checks.get(disk)
        return None if check is None else check.state

    def is_by_hand(self, disk: Disk) -> bool:
        """Whether an administrator has failed the path."""
        check = self._checks.get(disk)
        return check is not None and check.by_hand

    def _queues(self, map_: Map) -> bool:
        return self._shape.no_path_retry != FAIL and map_ not in self.queueing_off

    def _queueing(self, map_: Map) -> str:
        if self._shape.no_path_retry == QUEUE:
            return "on"
        if self._shape.no_path_retry == FAIL or map_ in self.queueing_off:
            return "off"
        ends = self._recovering.get(map_)
        if ends is None:
            return f"{self._shape.no_path_retry} chk"
        return f"{max(0, round(ends - self._clock.now))} sec"

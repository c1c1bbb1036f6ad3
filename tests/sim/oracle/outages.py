"""Rule (b): each outage is reported once, with its instants and its cause, and none is invented."""

from __future__ import annotations

from dataclasses import dataclass, field

from mpathd_watch.core.effects import Effect, OutageEnded
from mpathd_watch.core.events import Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import AccessState, Cause, CheckerState, DeviceState, SessionStatus, Verdict
from mpathd_watch.core.state import State
from tests.sim.clock import MONOTONIC_AT_START
from tests.sim.oracle.health import LONGEST, SETTLED, HealthOracle, Path
from tests.sim.oracle.truth import FAILED, FAULTY, MISSING, OUT, STALLED, UP, USABLE
from tests.sim.oracle.violation import Accuse
from tests.sim.product import Product
from tests.sim.sources.uevents import MOST_LATE
from tests.sim.world.changes import What
from tests.sim.world.host import World
from tests.sim.world.sessions import Fate
from tests.sim.world.shape import DEBIAN_13, OFF

DETECTED_AFTER = 8.0
"""Seconds from which on an outage must be noticed, whatever its evidence: disks are read every 5 s."""
REPORTED_WITHIN = 8.0
"""Seconds after its end within which it must be reported."""
TOLERANCE = 1.0
"""Seconds by which an instant may differ from the truth, besides the delay of a poll."""
POLL = 0.6
SLACK, UNSURE = 2.0, 1.7
"""``slack_seconds``, and the seconds around it within which either verdict may be given."""
SHORT = 1.5
"""Seconds for which a state must last that is found in any case."""
LAST = 3.0
"""Seconds for which a carrier that has returned may be taken for lost: its return and the session's end are read."""
LOOKED_WITHIN = 0.2
"""Seconds within which a disk has been read whose path dm has failed, once the uevent has come."""
APART = 8.0
"""Seconds between two outages of a path below which they may be reported as one."""

_BY_ACCESS = {
    AccessState.STANDBY: Cause.ARRAY_STANDBY,
    AccessState.UNAVAILABLE: Cause.ARRAY_UNAVAILABLE,
    AccessState.OFFLINE: Cause.ARRAY_OFFLINE,
    AccessState.TRANSITIONING: Cause.ARRAY_TRANSITIONING,
}
_BY_FATE = {
    Fate.PINGS: Cause.NOP_TIMEOUT,
    Fate.CLOSED: Cause.CONNECTION_CLOSED,
    Fate.ERROR: Cause.CONNECTION_ERROR,
}


@dataclass(slots=True)
class TrueOutage:
    """One outage as it was.

    ``heard``: the last answer of the target before the session failed. ``returned``: when the way to the disk was back.
    ``causes``: all that held while it began. ``clear``: nothing impaired the sources, and a daemon ran. ``read``: the
    sources were not impaired while one ran. ``whole``: the path was out for all of it; else it may be several.
    """

    path: Path
    began: float
    heard: float | None = None
    stalled: float | None = None
    failed: float | None = None
    returned: float | None = None
    ended: float | None = None
    causes: set[Cause] = field(default_factory=set)
    by_session: bool = False
    clear: bool = True
    read: bool = True
    whole: bool = True
    reports: int = 0


class OutageOracle:
    """Follows the outages that there are, and compares them with what is reported."""

    def __init__(self, world: World, product: Product, health: HealthOracle, accuse: Accuse) -> None:
        self.outages: list[TrueOutage] = []
        self.reported = 0
        self._open: dict[int, TrueOutage] = {}
        self._maybe: dict[tuple[str, str], float] = {}
        """Until when a path was in raw states in which it may be out or not, by its map's WWID and its label."""
        self._reasons: dict[tuple[str, str], set[Cause]] = {}
        """The causes that held meanwhile."""
        self._up: dict[int, float] = {}
        """Since when a path has been up, or for how many seconds it was up last, negated."""
        self._world = world
        self._product = product
        self._health = health
        self._accuse = accuse
        self._clock = world.clock
        self._disturbed = -1e9
        health.listeners.append(self._changed)
        product.observers.append(self._stepped)
        world.changes.listen(self._noticed)
        for path in health.paths.values():
            if path.words & OUT:
                self._changed(path)  # it has been out since the boot

    def restarted(self) -> None:
        """The daemon has started: nobody has watched what was since the last one ended."""
        self._disturb()
        for outage in self.outages:
            if (outage.ended or 0.0) > self._product.ended_at - LONGEST:
                outage.clear = False

    def latest(self) -> list[TrueOutage]:
        """The latest outages, and those that go on."""
        return [*self.outages, *self._open.values()]

    # --- the truth ----------------------------------------------------------------------------------------------------

    def _noticed(self, what: What, _: object) -> None:
        if what in (What.SOURCE, What.MULTIPATHD):
            for outage in self._open.values():
                outage.read = False
            self._disturb()
        elif self._open and what in (What.SESSION, What.DISK, What.DM, What.MEMBERS, What.LINK, What.ARRAY):
            for outage in self._open.values():
                outage.causes |= self._causes(outage.path)
                if self._has_just_been_reinstated(outage.path):
                    outage.clear = False  # it may be reported as up until its disk has been read

    def _has_just_been_reinstated(self, path: Path) -> bool:
        return any(name == "failed" and value and at == self._clock.now for name, value, at in path.before)

    def _has_just_failed(self, path: Path) -> bool:
        return any(name == "failed" and self._clock.now - at < POLL for name, _, at in path.before)

    def _disturb(self) -> None:
        now = self._disturbed = self._clock.now
        # The end of one that has just ended may not be known yet.
        ended = (each for each in self.outages[-20:] if not each.reports and now - (each.ended or now) < LONGEST)
        for outage in (*self._open.values(), *ended):
            outage.clear = False

    def _changed(self, path: Path) -> None:
        now, words = self._clock.now, path.words
        outage = self._open.get(id(path))
        if outage is not None and words != UP and words & USABLE:
            outage.clear = outage.whole = False  # it may have been up for a moment
        key = (path.map_.wwid, path.portal.label)
        self._follow_up(path)
        if words & USABLE and words & OUT:
            self._reasons.setdefault(key, set()).update(self._causes(path))
            self._maybe[key] = float("inf")
        elif self._maybe.get(key, 0.0) > now:
            self._maybe[key] = now
        if outage is None:
            if words & USABLE:
                return
            outage = self._open[id(path)] = TrueOutage(path, now, clear=self._is_clear(path), read=not self._impaired)
            outage.by_session = words == STALLED and path.raw.session is SessionStatus.FAILED
            session = self._world.session_to(path.portal)
            outage.heard = session.heard if session is not None and outage.by_session else None
        outage.causes |= self._causes(path)
        if words == STALLED and outage.stalled is None:
            outage.stalled = now
        if words in (FAILED, MISSING) and outage.failed is None:
            outage.failed = now
        outage.returned = None if path.raw.gone else outage.returned or now
        if outage.failed is not None and outage.returned is not None and outage.returned - outage.failed < SHORT:
            outage.clear = False  # no reading need have found it failed
        if outage.returned == now and self._has_just_failed(path):
            outage.clear = False  # it may be reported as up before dm's uevent comes
        if words == UP:
            outage.ended = now
            del self._open[id(path)]
            self.outages.append(outage)
            self._clock.after(REPORTED_WITHIN + LONGEST, lambda: self._must_be_reported(outage))

    def _follow_up(self, path: Path) -> None:
        """Follow for how long the path has been up: one that was suspect at once is still out of what is reported."""
        since = self._up.get(id(path), 0.0)
        if path.words == UP and since <= 0.0:
            self._up[id(path)] = self._clock.now
        elif path.words != UP and since > 0.0:
            self._up[id(path)] = min(since - self._clock.now, -1e-9)

    @property
    def _impaired(self) -> bool:
        """Whether a source does not work as it should."""
        sources = self._product.sources
        return (
            sources.sysfs.hung
            or not sources.sysfs.up
            or sources.uevents.losing
            or sources.uevents.late
            or sources.errors.losing
            or not sources.multipathd.up
            or sources.multipathd.slowness > 0
        )

    def _is_clear(self, path: Path) -> bool:
        impaired = self._health.blind or self._impaired
        recent = -self._up.get(id(path), -APART) < APART
        new = not path.expected or self._clock.now - path.joined < SETTLED
        return not impaired and not recent and not new and self._clock.now - self._disturbed > SETTLED

    def _causes(self, path: Path) -> set[Cause]:
        session = self._world.session_to(path.portal)
        link, found = path.portal.link, set[Cause]()
        if not link.carrier or self._clock.now - link.carrier_changed < LAST:
            found.add(Cause.CARRIER_LOST)
        if session is None:
            return found | {Cause.LOGOUT, Cause.REMOVED}
        disk = next((disk for disk in path.map_.members if disk.session is session), None)
        if session.fate is not None and session.state is not SessionStatus.LOGGED_IN:
            found.add(_BY_FATE[session.fate])
        if link.carrier_changed > session.heard:
            found.add(Cause.CARRIER_LOST)
        if disk is None:
            return found | {Cause.REMOVED}
        if disk.state is DeviceState.OFFLINE:
            found.add(Cause.DEVICE_OFFLINE)
        if disk.state in (DeviceState.DELETED, DeviceState.CANCEL):
            found |= {Cause.LOGOUT, Cause.REMOVED}
        for state in (disk.access, disk.truth):
            if state not in _BY_ACCESS:
                continue
            found.add(_BY_ACCESS[state])
            if disk.access is not disk.truth or disk.access is AccessState.STANDBY:
                # The kernel has not asked yet, or has known it for so long that it does not explain a failure.
                found.add(Cause.CHECKER)
        checker = path.raw.checker
        judged = checker is CheckerState.TIMEOUT or (checker in FAULTY and not path.raw.failed)
        if disk.lun in session.portal.unready or judged:
            found.add(Cause.CHECKER)
        if self._world.multipathd.is_by_hand(disk) or self._ran_again(path):
            found.add(Cause.ADMINISTRATOR)
        return found

    def _ran_again(self, path: Path) -> bool:
        """Whether a disk was offline as dm failed its path, and runs again before it could be read.

        multipathd fails such a path without a command (path_offline() in libmultipath/discovery.c), so that its disk
        counts nothing: it looks as if it had been failed by hand.
        """
        failed = max((at for name, _, at in path.before if name == "failed"), default=None)
        read_within = LOOKED_WITHIN + (MOST_LATE if self._product.sources.uevents.late else 0.0)
        return failed is not None and any(
            name == "disk" and value is DeviceState.OFFLINE and 0.0 <= at - failed < read_within
            for name, value, at in path.before
        )

    # --- what is reported ---------------------------------------------------------------------------------------------

    def _stepped(self, _: State, __: State, ___: Event, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, OutageEnded):
                self.reported += 1
                self._judge(effect)

    def _judge(self, report: OutageEnded) -> None:
        """Find the outage that is meant, and compare."""
        outage = report.outage
        begins = outage.stalled or outage.failed or outage.began
        found = [
            each
            for each in [*self.outages, *self._open.values()]
            if each.path.map_.wwid == report.wwid
            and each.path.portal.label == report.path
            and each.began <= self._clock.now
            and (each.ended is None or each.ended >= begins.monotonic - LONGEST - 1.0)
        ]
        key = (report.wwid, report.path)
        perhaps = self._maybe.get(key, 0.0) >= begins.monotonic - LONGEST
        before_boot = outage.began.monotonic < MONOTONIC_AT_START
        if not found and (perhaps or before_boot):
            return
        if not found:
            self._accuse("b", f"{report.map} {report.path}: an outage that began at {_at(begins)} is invented")
            return
        nearest = min(found, key=lambda each: abs(each.began - begins.monotonic))
        nearest.reports += 1
        if before_boot:
            return  # its beginning was in another world
        # Where it was only suspect at first, or nothing was read meanwhile, an earlier one may be a part of it.
        parts = [
            each
            for each in self.outages
            if each.path is nearest.path and each.ended is not None and each.ended >= outage.began.monotonic
        ]
        causes = set().union(*(each.causes for each in found + parts)) | {Cause.UNKNOWN}
        if perhaps:
            causes |= self._reasons.get(key, set())
        if outage.inherited and causes & {Cause.LOGOUT, Cause.REMOVED}:
            causes.add(Cause.ABSENT)  # it was not there at the start
        if outage.unwatched and nearest.path.portal.link.carrier_changed > outage.began.monotonic - LAST:
            causes.add(Cause.CARRIER_LOST)  # it was suspect for that, and nobody saw what came next
        if not all(each.clear for each in found):
            # The kernel's reason was not received, or dm's uevent.
            causes |= {Cause.CONNECTION_ERROR, Cause.CHECKER}
        if outage.cause not in causes:
            right = ", ".join(sorted(causes))
            self._accuse("b", f"{report.map} {report.path}: the cause is {right}, and reported as {outage.cause}")
        if len(found) == 1 and found[0].clear and found[0].ended is not None:
            self._compare(report, found[0])

    def _compare(self, report: OutageEnded, true: TrueOutage) -> None:
        outage, name = report.outage, f"{report.map} {report.path}"
        ended = true.ended or self._clock.now
        if ended - true.began < DETECTED_AFTER:
            return
        if true.by_session and not _seems_taken_away(report, true):
            if true.failed is None or true.stalled is None or true.failed - true.stalled > TOLERANCE:
                self._near(name, "stalled", outage.stalled, true.stalled)
            self._near(name, "failed", outage.failed, true.failed)
            if outage.cause in {Cause.UNKNOWN, Cause.CONNECTION_ERROR} - true.causes:
                self._accuse("b", f"{name}: the cause is {sorted(true.causes)}, and reported as {outage.cause}")
            self._near(name, "last alive", outage.last_alive, true.heard, early=2.0)
            self._judge_verdict(name, report, true)
        self._near(name, "reinstated", outage.reinstated, ended)

    def _judge_verdict(self, name: str, report: OutageEnded, true: TrueOutage) -> None:
        verdict = report.outage.judgement.verdict if report.outage.judgement else None
        right = self.verdicts(true)
        if right is not None and verdict not in right:
            self._accuse("b", f"{name}: the verdict is {' or '.join(sorted(right))}, and reported as {verdict}")

    def verdicts(self, true: TrueOutage) -> set[Verdict] | None:
        """The verdicts that are right: they follow from what each phase took and what the timeouts promise.

        ``None`` where that is close, or not known.
        """
        shape = self._world.shape
        if None in (true.heard, true.stalled, true.failed, true.ended) or shape.recovery_tmo == OFF:
            return None
        stalled, failed, ended = true.stalled or 0.0, true.failed or 0.0, true.ended or 0.0
        returned = ended if true.returned is None or true.returned < failed else true.returned
        recheck = shape.max_polling_interval if shape.version[:2] == DEBIAN_13[:2] else shape.polling_interval
        excess = [
            stalled - (true.heard or 0.0) - (shape.recv_tmo + shape.ping_tmo + 1.0) if shape.recv_tmo else -9.0,
            (failed - stalled) - shape.recovery_tmo * (1.125 if shape.recovery_tmo > 16 else 1.0),
            ended - returned - 2 * (recheck + 1.0),
        ]
        if max(excess) < SLACK - UNSURE:
            return {Verdict.WITHIN_BUDGET, Verdict.NO_BUDGET}
        return {Verdict.OVER_BUDGET} if max(excess) > SLACK + UNSURE else None

    def _near(self, name: str, what: str, reported: Instant | None, true: float | None, *, early: float = 0.1) -> None:
        if true is None and reported is None:
            return
        if true is None or reported is None:
            self._accuse("b", f"{name}: {what} at {_at(true)}, and reported at {_at(reported)}")
        elif not -early <= reported.monotonic - true <= TOLERANCE + POLL:
            self._accuse(
                "b", f"{name}: {what} at {_at(true)}, and reported {reported.monotonic - true:+.1f} s from that"
            )

    def _must_be_reported(self, outage: TrueOutage) -> None:
        ended = outage.ended or self._clock.now
        if not outage.clear or ended - outage.began < DETECTED_AFTER or outage.path.map_.gone:
            return
        if any(each.path is outage.path for each in self._open.values()):
            return
        if self._health.blind or self._product.started > outage.began:
            return
        if outage.reports != 1 and self._disturbed < outage.began:
            later = [each for each in self.outages if each.path is outage.path and each.began > outage.began]
            if later and later[0].began - ended < APART:
                return
            name = f"{outage.path.map_.name} {outage.path.portal.label}"
            self._accuse(
                "b", f"{name}: the outage from {_at(outage.began)} to {_at(ended)} is reported {outage.reports} times"
            )


def _seems_taken_away(report: OutageEnded, true: TrueOutage) -> bool:
    """Whether its disk went a moment after its session: then the logout may be all that was seen of it."""
    at_once = true.stalled is not None and true.failed is not None and true.failed - true.stalled <= TOLERANCE
    return at_once and report.outage.stalled is None and report.outage.cause in {Cause.LOGOUT, Cause.REMOVED}


def _at(moment: Instant | float | None) -> str:
    """A moment as a second of the run."""
    if moment is None:
        return "no time"
    return f"{(moment.monotonic if isinstance(moment, Instant) else moment) - MONOTONIC_AT_START:.1f}"

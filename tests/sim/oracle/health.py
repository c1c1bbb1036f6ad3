"""Rule (a): the health that the product reports is the truth, or was a moment ago.

Each kind of evidence has a delay within which it must show. What was true before a change may be reported for as long
after it; longer only while the source of the evidence does not work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from types import MappingProxyType
from typing import Any

from mpathd_watch.core.effects import Effect
from mpathd_watch.core.events import BlockEvent, Event, MapsListed
from mpathd_watch.core.model.vocabulary import AccessState, Health, MapHealth
from mpathd_watch.core.state import MapState, State
from tests.sim.oracle import known, truth
from tests.sim.oracle.truth import OUT, USABLE, Raw, Words
from tests.sim.oracle.violation import Accuse
from tests.sim.product import Product
from tests.sim.world.changes import What
from tests.sim.world.disks import Disk
from tests.sim.world.dm import Map
from tests.sim.world.host import World
from tests.sim.world.links import Link, Portal
from tests.sim.world.sessions import Session

DELAYS: Mapping[str, float] = MappingProxyType(
    {
        "member": 4.0,
        "session": 1.3,
        "disk": 6.0,
        "access": 6.0,
        "stale": 6.0,
        "failed": 1.0,
        "checker": 7.0,
        "usable": 0.2,
        "lost": 8.0,
    }
)
"""Seconds within which a change of a raw state must show. Sessions are polled every second at least, and disks every
5 s; checkers are listed every 5 s; a member that comes or goes is found by a full scan after a uevent. The delays of
``usable`` are in ``truth``. In the order of ``Raw``."""
LONGEST = max(DELAYS.values())
SETTLED = 15.0
"""Seconds after the daemon's start from which on it is judged."""
SEEN_WITHIN = 2.0
"""Seconds after the start within which sessions and interfaces have been read."""
SEEN_UP_AFTER = 5.0
"""Seconds after which a path must have been seen usable that has been so for as long."""
SURE_AFTER = 7.0
"""Seconds after which a loss must have been seen that lasted as long."""
ANSWERS_WITHIN = 1.0
"""Seconds within which a multipathd that goes on has answered what it was asked before."""
KNOWN_AFTER, SCANNED_EVERY = 5.0, 62.0
"""Seconds after an attention within which the kernel knows the new access states; if the attention was not received, or
the kernel could not ask then, only the next full scan finds them."""
MARGIN = 0.1

Key = tuple[str, int]
"""A map's WWID and the number of a portal."""


@dataclass(slots=True)
class Path:
    """The truth of one path: ``words`` now, and the raw states ``before`` that may still be reported.

    ``before`` has the name of a raw state, its value, and when that changed. ``gone_since``: since when the way to it
    is gone. ``lost``: see ``truth.Raw``. ``expected``: the product has seen it as a member.
    """

    map_: Map
    portal: Portal
    words: Words = USABLE
    raw: Raw = field(default_factory=Raw)
    before: list[tuple[str, Any, float]] = field(default_factory=list)
    gone_since: float | None = None
    lost: bool | None = False
    expected: bool = False
    since: float = 0.0
    out_until: float = -inf
    """When it was out last, before it was in use."""
    joined: float = 0.0
    """When it became a member, or its map was loaded again."""
    look_at: float | None = None
    looking: bool = False
    """In a moment it is looked whether it has been seen usable."""
    waiting: bool = False
    """It is compared again in a second: something that was true before may still be reported."""


class HealthOracle:
    """Follows the truth of every path, and compares it with what the product reports."""

    def __init__(self, world: World, product: Product, accuse: Accuse) -> None:
        self.paths: dict[Key, Path] = {}
        self.listeners: list[Callable[[Path], None]] = []
        self._world = world
        self._product = product
        self._accuse = accuse
        self._clock = world.clock
        self._blind_until = 0.0
        self._answered: dict[Portal, float] = {}
        """When the session to a portal was last seen to answer again, or to fall silent."""
        self._works_since = world.clock.now
        """Since when multipathd does its work."""
        self._loaded: dict[str, float] = {}
        """When a map's table was loaded last, by its WWID."""
        self._listed = 0.0
        """When the last listing of the maps was requested."""
        world.changes.listen(self._changed)
        product.observers.append(self._stepped)
        self._follow()

    # --- the truth ----------------------------------------------------------------------------------------------------

    def restarted(self) -> None:
        """The daemon has started: what it reports is judged from a moment later on.

        It has seen nothing before, and knows from its store what it had expected for good.
        """
        now = self._clock.now
        self._blind_until = now + SETTLED
        for path in self.paths.values():
            path.before.clear()
            known = self._product.memory.expected.get(path.map_.wwid)
            path.expected = known is not None and path.portal.label in known.paths
            path.lost = None if path.words & OUT else False
        self._clock.at(self._blind_until + MARGIN, self._check_all)

    @property
    def blind(self) -> bool:
        """Whether the daemon does not run, or has only just started."""
        return not self._product.runs or self._clock.now < self._blind_until

    def _changed(self, what: What, thing: Any) -> None:
        if what is What.UEVENT and isinstance(thing, BlockEvent) and thing.reloaded:
            self._table_loaded(thing.sysfs_name)
        if what in (What.UEVENT, What.ERROR):
            return
        if what in (What.SESSION, What.ANSWERS):
            self._answered[thing.portal] = self._clock.now
        if what is What.MULTIPATHD and self._world.multipathd.works:
            self._works_since = self._clock.now
        if what is What.MEMBERS or not isinstance(thing, Session | Disk | Link | Map):
            self._follow()
            return
        for path in tuple(self.paths.values()):
            session = thing.session if isinstance(thing, Disk) else thing
            if session in (path.map_, path.portal.link) or getattr(session, "portal", None) is path.portal:
                self._follow_path(path)

    def _table_loaded(self, sysfs_name: str) -> None:
        """A table was loaded, or its map renamed, which looks alike: which paths dm has failed then is not known."""
        for map_ in self._world.maps:
            if map_.sysfs_name == sysfs_name:
                self._loaded[map_.wwid] = self._clock.now

    def _follow(self) -> None:
        """Find what is true of every path now."""
        for map_ in self._world.maps:
            for portal in self._world.portals:
                key = (map_.wwid, portal.number)
                path = self.paths.get(key)
                if path is None:
                    path = self.paths[key] = Path(map_, portal)
                self._follow_path(path)
        for key in [key for key, path in self.paths.items() if path.map_.gone]:
            del self.paths[key]

    def _follow_path(self, path: Path) -> None:
        now = self._clock.now
        raw = truth.raw_of(
            self._world, path.map_, path.portal, lost=path.lost, watched_since=self._product.started + SEEN_WITHIN
        )
        if raw.member and not self.blind:
            path.expected = True
        if raw.gone:
            if path.gone_since is None:
                path.gone_since = now
                self._clock.after(SURE_AFTER, lambda: self._sure(path))
            path.lost = path.lost or None
        else:
            if path.gone_since is not None and self._seemed_used(path):
                path.lost = None  # it may have been reported as up, and its failure as another outage
            path.gone_since = None
            if raw.access is AccessState.STANDBY:
                path.lost = path.lost or None
        raw = replace(raw, lost=path.lost)
        words = truth.words(raw, out=bool(path.words & OUT))
        if words & USABLE and path.lost is not False:
            path.lost = None
            self._look_for_up(path, SEEN_UP_AFTER)
        if raw != path.raw:
            self._keep(path, raw)
        if words != path.words:
            if path.words & OUT:
                path.out_until = now
            path.words, path.since = words, now
            for listener in self.listeners:
                listener(path)
        change = truth.next_change(self._world, path.portal)
        if change is not None and change != path.look_at:
            path.look_at = change
            self._clock.at(change + 0.001, lambda: self._passed(path))

    def _seemed_used(self, path: Path) -> bool:
        """Whether dm has failed the path so recently that this need not be known yet."""
        return any(
            name == "failed" and not value and self._may_still_show(path, at, name) for name, value, at in path.before
        )

    def _keep(self, path: Path, raw: Raw) -> None:
        """Remember the raw states that have just changed."""
        now = self._clock.now
        for name, delay in DELAYS.items():
            before = getattr(path.raw, name)
            if before != getattr(raw, name):
                path.before.append((name, before, now))
                self._clock.after(delay + MARGIN, lambda: self._check(path))
        if raw.member is not path.raw.member:
            path.joined = now
        path.raw = raw

    def _passed(self, path: Path) -> None:
        if not path.map_.gone:
            self._follow_path(path)

    def _sure(self, path: Path) -> None:
        """A loss that lasts for long enough has been seen."""
        since = path.gone_since
        if since is None or self._clock.now - since < SURE_AFTER - 0.01 or self.blind:
            return
        if self._good_since("disk") <= since and self._product.started + SETTLED <= self._clock.now:
            path.lost = True

    def _seen_up(self, path: Path) -> None:
        """A path that has been usable for a while has been seen so: a loss before that is another outage's."""
        path.looking = False
        if not path.words <= USABLE or path.lost is False:
            return
        since = max(path.since, *map(self._good_since, ("member", "session", "failed")))
        if self._clock.now - since >= SEEN_UP_AFTER - 0.01:
            path.lost = False
            self._follow_path(path)
        else:
            self._look_for_up(path, 1.0)

    def _look_for_up(self, path: Path, seconds: float) -> None:
        if not path.looking:
            path.looking = True
            self._clock.after(seconds, lambda: self._seen_up(path))

    # --- what is reported ---------------------------------------------------------------------------------------------

    def _stepped(self, before: State, after: State, event: Event, _: tuple[Effect, ...]) -> None:
        if isinstance(event, MapsListed) and self._product.sources.multipathd.up:
            self._listed = event.requested
        if before.maps is after.maps:
            return
        for wwid, map_ in after.maps.items():
            old = before.maps.get(wwid)
            if old is map_:
                continue
            if old is None or old.health is not map_.health:
                self._check_map(map_)
            if self.blind:
                continue
            for label, state in map_.paths.items():
                earlier = None if old is None else old.paths.get(label)
                if earlier is None or earlier.health is not state.health:
                    self._check_label(wwid, label)

    def _check_all(self) -> None:
        for path in tuple(self.paths.values()):
            if not path.map_.gone:
                self._follow_path(path)
                self._check(path)

    def _check_label(self, wwid: str, label: str) -> None:
        for (of, _), path in self.paths.items():
            if of == wwid and path.portal.label == label:
                self._check(path)
                return
        if any(map_.wwid == wwid for map_ in self._world.maps):
            self._accuse("a", f"there is no path {label} of {wwid}")

    def _check(self, path: Path) -> None:
        """Compare what is reported now with what is true, or was."""
        if self.blind or path.map_.gone:
            return
        reported = self._reported(path)
        if reported is None:
            old = self._clock.now - path.since > DELAYS["member"] and path.words == truth.UP
            if old and self._good_since("member") + DELAYS["member"] < self._clock.now:
                self._accuse("a", f"{path.map_.name} {path.portal.label} is not known")
            return
        path.before = [each for each in path.before if self._may_still_show(path, each[2], each[0])]
        if path.before and not path.waiting:
            path.waiting = True
            self._clock.after(1.0, lambda: self._check_again(path))
        if reported in path.words or (reported is Health.UNKNOWN and self._may_be_unknown(path)):
            return
        allowed = self._allowed(path)
        if reported in allowed:
            return
        right = ", ".join(sorted(allowed))
        self._accuse("a", f"{path.map_.name} {path.portal.label} is {right}, and reported as {reported}")

    def _check_again(self, path: Path) -> None:
        path.waiting = False
        self._check(path)

    def _allowed(self, path: Path) -> set[Health]:
        """The words of all that may be known of a path."""
        values: dict[str, set[Any]] = {name: {getattr(path.raw, name)} for name in known.NAMES}
        for name, value, _ in path.before:
            values[name].add(value)
        if self._dm_unknown(path):
            values["failed"] = {False, True}
        allowed = set(known.healths(values, self._was_out(path)))
        if path.raw.failed and not self._product.sources.sysfs.up:
            allowed |= truth.FAILED  # whether the way to it is back cannot be known
        return allowed

    def _was_out(self, path: Path) -> set[bool]:
        """Whether the path was out up to now, as far as it may be known: what was before may still be reported."""
        now, window = self._clock.now, SETTLED + SCANNED_EVERY if path.before else SETTLED
        if path.words & OUT:
            return {True, False} if path.before or now - path.since < SETTLED else {True}
        return {True, False} if now - max(path.out_until, self._blind_until) < window else {False}

    def _reported(self, path: Path) -> Health | None:
        map_ = self._product.state.maps.get(path.map_.wwid)
        state = None if map_ is None else map_.paths.get(path.portal.label)
        return None if state is None else state.health

    def _check_map(self, map_: MapState) -> None:
        """The health of a map follows from that of its paths (docs/health.md)."""
        healths = [path.health for path in map_.paths.values()]
        if Health.UNKNOWN in healths or map_.unplaced:
            return
        usable = sum(health in USABLE for health in healths)
        if usable == 0:
            right = MapHealth.LOST
        elif usable == 1:
            right = MapHealth.AT_RISK
        else:
            right = MapHealth.HEALTHY if set(healths) == {Health.UP} else MapHealth.DEGRADED
        if map_.health is not right:
            self._accuse("a", f"map {map_.name} is {right}, and reported as {map_.health}")

    # --- the sources --------------------------------------------------------------------------------------------------

    def _may_still_show(self, path: Path, at: float, what: str) -> bool:
        since, delay = max(at, self._good_since(what)), DELAYS[what]
        if what in ("access", "stale") and at - self._unheard(path) < KNOWN_AFTER:
            delay = SCANNED_EVERY
        return self._clock.now <= since + delay + MARGIN / 2

    def _unheard(self, path: Path) -> float:
        """Until when an attention may not have been received, or the kernel could not ask the array what it means."""
        lost = self._product.sources.uevents.lost_at or 0.0
        return max(self._product.started, lost, self._answered.get(path.portal, 0.0))

    def _good_since(self, what: str) -> float:
        """Since when the source of a kind of evidence works; infinity while it does not."""
        sources = self._product.sources
        never = float("inf")
        if sources.sysfs.hung or not sources.sysfs.up:
            return never
        good = max(sources.sysfs.up_since, sources.sysfs.returned + 1.5)
        lost = sources.uevents.lost_at
        if sources.uevents.losing:
            # A change of access states is read after its unit attention, otherwise with a full scan each minute.
            return never if what in ("failed", "member", "checker", "access", "stale") else good
        if what in ("access", "stale") and lost is not None:
            good = max(good, lost + 1.0)  # everything is read again
        if sources.uevents.late:
            good = max(good, self._clock.now - 0.5)
        if what in ("failed", "member", "checker"):
            works = self._world.multipathd.works and sources.multipathd.up
            if not works and (what != "failed" or self._lost_unlisted):
                return never
            if lost is not None:
                good = max(good, lost + 3.0)
            if what != "failed":
                good = max(good, sources.multipathd.up_since + 3.0, self._works_since + ANSWERS_WITHIN)
            elif self._lost_unlisted:
                good = max(good, sources.multipathd.up_since + 3.0)
            if sources.multipathd.slowness and (what != "failed" or self._needs_listing()):
                good = max(good, self._clock.now - 5.0)
        return good

    def _needs_listing(self) -> bool:
        """Whether only multipathd's next listing can show which paths dm has failed: uevents report it otherwise."""
        return self._lost_unlisted or max(self._loaded.values(), default=0.0) >= self._listed

    @property
    def _lost_unlisted(self) -> bool:
        """Whether uevents were lost, and no listing has been requested since."""
        lost = self._product.sources.uevents.lost_at
        return lost is not None and lost >= self._listed

    def _may_be_unknown(self, path: Path) -> bool:
        """Whether a source is missing without which a path cannot be judged, or it is not known yet what dm does."""
        sources, now = self._product.sources, self._clock.now
        listed_within = 2 * sources.multipathd.slowness
        if now - path.joined < DELAYS["member"] + listed_within:
            return True
        if self._good_since("member") > now - 3.0 - listed_within:
            return True
        if not sources.sysfs.up or now - max(sources.sysfs.up_since, sources.sysfs.returned) < 2.0:
            return True
        if self._dm_unknown(path):
            return True
        if sources.multipathd.up:
            return now - sources.multipathd.up_since < 5.0
        return sources.uevents.losing or self._lost_unlisted or self._never_answered()

    def _dm_unknown(self, path: Path) -> bool:
        """Whether it is not known which paths of the map dm has failed.

        It may have changed unseen, since the table was loaded or uevents were lost, and multipathd has not answered
        since.
        """
        multipathd, uevents = self._product.sources.multipathd, self._product.sources.uevents
        if multipathd.up and self._clock.now >= multipathd.up_since + 3.0:
            return False
        return uevents.losing or self._listed < max(self._loaded.get(path.map_.wwid, 0.0), uevents.lost_at or 0.0)

    def _never_answered(self) -> bool:
        return self._product.sources.multipathd.up_since <= self._product.started

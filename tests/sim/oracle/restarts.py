"""Rule (h): what goes on while no daemon runs is the same afterwards, and nothing is announced or claimed too much.

What is judged here is only what is certain: a path that has certainly been out since before the daemon ended, a
map that was removed long before or after a start. While sysfs does not answer nothing can be judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import inf
from typing import Any

from mpathd_watch.core.catalog.alerts import AlertKind
from mpathd_watch.core.effects import Alert, Effect, NexusAnnounced, OutageEnded
from mpathd_watch.core.events import Event
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.model.vocabulary import Health, MapHealth, Phase, SessionStatus, Verdict
from mpathd_watch.core.state import PathState, State
from tests.sim.oracle.health import LONGEST, SETTLED, HealthOracle, Path
from tests.sim.oracle.outages import OutageOracle, TrueOutage
from tests.sim.oracle.truth import MISSING, USABLE
from tests.sim.oracle.violation import Accuse
from tests.sim.product import Product
from tests.sim.world.changes import What
from tests.sim.world.dm import Map
from tests.sim.world.host import World

GRACE = Settings().start_grace_seconds
TICKED = 0.01
"""Seconds by which a deadline may be late."""
KNOWN_BY = GRACE + SETTLED + LONGEST
"""Seconds after a start by which what did not come back has been reported, if the sources work."""
NOTICED = 8.0
"""Seconds for which a path must have been out before the daemon ended: its outage was known."""
AGAIN = 10.0
"""Seconds until it is looked again, if a source does not work."""

_TWICE = frozenset(
    {
        *(AlertKind.PATH_SUSPECT, AlertKind.PATH_STALLED, AlertKind.PATH_FAILED, AlertKind.PATH_MISSING),
        *(AlertKind.PATH_RECOVERING, AlertKind.PATH_REINSTATED),
        *(AlertKind.MAP_DEGRADED, AlertKind.MAP_AT_RISK, AlertKind.MAP_LOST, AlertKind.MAP_RECOVERED),
        *(AlertKind.SESSION_LOST, AlertKind.SESSION_RESTORED),
    }
)
"""Alerts about a state: two in a row about the same thing, with a restart in between, are one too many."""


class RestartOracle:
    """Knows what was so when a daemon ended, and compares what the next one makes of it."""

    def __init__(
        self, world: World, product: Product, health: HealthOracle, outages: OutageOracle, accuse: Accuse
    ) -> None:
        self.restarts = 0
        self._world = world
        self._product = product
        self._health = health
        self._outages = outages
        self._accuse = accuse
        self._clock = world.clock
        self._last: dict[tuple[str, str], tuple[AlertKind, int]] = {}
        """The last alert about a thing, and the run of the daemon that it came in."""
        self._out: dict[int, float] = {}
        """Since when a path has certainly been out."""
        self._doubted: dict[int, float] = {}
        """When a path has last been suspect, or may have been."""
        self._removed: dict[str, tuple[float, bool]] = {}
        """When a map was removed, and whether that was seen, with a path in use."""
        self._forgotten: set[str] = set()
        """Maps that nobody expects any more."""
        for path in health.paths.values():
            self._followed(path)
        health.listeners.append(self._followed)
        product.observers.append(self._stepped)
        world.changes.listen(self._changed)

    def restarted(self) -> None:
        """A daemon has started."""
        product, run = self._product, self.restarts
        if not product.keeps:
            return
        self.restarts += 1
        for wwid, outages in product.memory.outages.items():
            for label, known in outages.items():
                path = self._path(wwid, label)
                since = inf if path is None else self._out.get(id(path), inf)
                if path is not None and since < self._known_before:
                    self._clock.after(SETTLED, partial(self._goes_on, run + 1, path, known.outage.id))
        for wwid, expected in product.memory.expected.items():
            for label in expected.paths:
                self._clock.after(KNOWN_BY, partial(self._came_back, run + 1, wwid, label))

    # --- what is true -------------------------------------------------------------------------------------------------

    def _followed(self, path: Path) -> None:
        if Health.SUSPECT in path.words or self._doubted.get(id(path)) == inf:
            self._doubted[id(path)] = inf if Health.SUSPECT in path.words else self._clock.now
        if path.words & USABLE:
            self._out.pop(id(path), None)
        else:
            self._out.setdefault(id(path), self._clock.now)

    def _changed(self, what: What, thing: Any) -> None:
        if what is What.MEMBERS and isinstance(thing, Map) and thing.gone and thing.wwid not in self._removed:
            known = self._product.state.maps.get(thing.wwid)
            used = known is not None and any(path.health in USABLE for path in known.paths.values())
            used = used and any(self._has_session(path) for path in self._health.paths.values() if path.map_ is thing)
            seen = not self._health.blind and self._works and used and not self._disturbed
            self._removed[thing.wwid] = (self._clock.now, seen)

    def _has_session(self, path: Path) -> bool:
        session = self._world.session_to(path.portal)
        return session is not None and session.state is SessionStatus.LOGGED_IN

    @property
    def _known_before(self) -> float:
        """The moment before which a path must have been out for its outage to go on: known then, or since the boot."""
        product = self._product
        return product.ended_at - NOTICED if product.memory.same_boot else product.started + TICKED

    @property
    def _works(self) -> bool:
        sysfs = self._product.sources.sysfs
        return bool(sysfs.up) and not sysfs.hung and self._clock.now - max(sysfs.returned, sysfs.up_since) > SETTLED

    @property
    def _disturbed(self) -> bool:
        uevents = self._product.sources.uevents
        return uevents.losing or uevents.late or self._clock.now - (uevents.lost_at or -inf) < SETTLED

    def _path(self, wwid: str, label: str) -> Path | None:
        for (of, _), path in self._health.paths.items():
            if of == wwid and path.portal.label == label and not path.map_.gone:
                return path
        return None

    def _reported(self, wwid: str, label: str) -> PathState | None:
        map_ = self._product.state.maps.get(wwid)
        return None if map_ is None else map_.paths.get(label)

    # --- what goes on -------------------------------------------------------------------------------------------------

    def _goes_on(self, run: int, path: Path, outage: str) -> None:
        """An outage that was there has the same id."""
        product, wwid, label = self._product, path.map_.wwid, path.portal.label
        if run != self.restarts or not product.runs or path.map_.gone:
            return
        if self._out.get(id(path), inf) >= self._known_before:
            return  # it may have been up since
        state = self._reported(wwid, label)
        if state is not None and state.outage is not None:
            if state.outage.id != outage:
                self._accuse("h", f"{path.map_.name} {label}: outage {outage} goes on as {state.outage.id}")
        elif label in product.state.memory.outages.get(wwid, {}):
            if self._clock.now < product.started + KNOWN_BY or not self._works or not self._answers():
                self._clock.after(AGAIN, partial(self._goes_on, run, path, outage))
            else:
                self._accuse("h", f"{path.map_.name} {label}: outage {outage} has waited since the start")
        else:
            self._accuse("h", f"{path.map_.name} {label}: outage {outage} is forgotten")

    def _answers(self) -> bool:
        """Whether multipathd answers, or is known not to."""
        return self._product.sources.multipathd.up is not None

    def _came_back(self, run: int, wwid: str, label: str) -> None:
        """What did not come back is reported, and so is a map that nobody saw being removed."""
        product = self._product
        if run != self.restarts or not product.runs:
            return
        if not self._works:
            self._clock.after(AGAIN, partial(self._came_back, run, wwid, label))
            return
        state = self._reported(wwid, label)
        path = self._path(wwid, label)
        if path is None:
            self._lost(wwid)
        elif self._out.get(id(path), inf) < product.started and path.words == MISSING:
            since = max(path.since, product.started)
            if self._clock.now - since < KNOWN_BY - TICKED:
                return
            if state is None or state.health is not Health.MISSING:
                was = "not known" if state is None else state.health.value
                self._accuse("h", f"{path.map_.name} {label} did not come back, and is {was}")
            elif state.outage is None:
                self._accuse("h", f"{path.map_.name} {label} did not come back, and has no outage")

    def _lost(self, wwid: str) -> None:
        """A map was removed while no daemon ran: it is lost until it is forgotten."""
        at, _ = self._removed.get(wwid, (-inf, False))
        if wwid in self._forgotten:
            return
        if self._product.memory.same_boot and not self._product.ended_at < at < self._product.started:
            return
        map_ = self._product.state.maps.get(wwid)
        if map_ is None or map_.health is not MapHealth.LOST or map_.announced is not MapHealth.LOST:
            self._accuse("h", f"map {wwid} went while no daemon ran, and is not reported as lost")

    # --- what is reported ---------------------------------------------------------------------------------------------

    def _stepped(self, _: State, after: State, __: Event, effects: tuple[Effect, ...]) -> None:
        if not self._product.keeps:
            return
        for effect in effects:
            if isinstance(effect, Alert):
                self._judge_alert(effect, after)
            elif isinstance(effect, OutageEnded):
                self._judge_outage(effect)
            elif isinstance(effect, NexusAnnounced) and effect.label not in after.nexuses:
                # It was logged out and no map has a path through it any more: its next loss is another one.
                self._last.pop(("", effect.label), None)

    def _judge_alert(self, alert: Alert, after: State) -> None:
        fields, kind = alert.fields, alert.kind
        wwid, label = fields.get("WWID", ""), fields.get("PATH", "")
        if kind in _TWICE:
            thing = (wwid, label) if wwid else ("", fields.get("SESSION", ""))
            known, run = self._last.get(thing, (None, self.restarts))
            if known is kind and run != self.restarts and not self._may_differ(alert):
                self._accuse("h", f"announced twice over a restart: {alert.message}")
            self._last[thing] = (kind, self.restarts)
        if kind is AlertKind.MAP_FORGOTTEN:
            self._forgotten.add(wwid)
        if kind in (AlertKind.MAP_LOST, AlertKind.PATH_MISSING):
            at, seen = self._removed.get(wwid, (inf, False))
            if seen and self._clock.now > at:
                self._accuse("h", f"removed on purpose, and reported: {alert.message}")
        if kind is AlertKind.PATH_MISSING:
            path = after.maps[wwid].paths[label]
            early = self._clock.now < self._product.started + GRACE - TICKED
            if path.awaited and early and label not in self._product.memory.outages.get(wwid, {}):
                self._accuse("h", f"before the time to come back is over: {alert.message}")

    def _may_differ(self, alert: Alert) -> bool:
        """Whether it is about another outage than the last alert of its kind."""
        outage = alert.fields.get("OUTAGE")
        if outage is None:
            return False
        known = self._product.memory.outages.get(alert.fields["WWID"], {}).get(alert.fields["PATH"])
        return known is None or known.outage.id != outage

    def _judge_outage(self, report: OutageEnded) -> None:
        """What nobody watched is a range that holds the truth, and the verdict is none that could be wrong."""
        outage, name = report.outage, f"{report.map} {report.path}"
        if outage.judgement is None or not (outage.unwatched or self._was_known(report)):
            return
        judgement_phases = outage.judgement.phases
        for gap in outage.unwatched:
            if gap.earliest.monotonic > gap.latest.monotonic:
                self._accuse("h", f"{name}: a gap ends {gap.earliest.since(gap.latest):.1f} s before it begins")
        for phase, first, last in (
            (Phase.FAILOVER, outage.last_alive, outage.failed),
            (Phase.REINSTATEMENT, outage.transport_up, outage.reinstated),
        ):
            if phase not in judgement_phases or first is None or last is None:
                continue
            if any(gap.booted and first <= gap.earliest and last >= gap.latest for gap in outage.unwatched):
                self._accuse("h", f"{name}: {phase} has a duration, and the host was booted in it")
        path = self._path(report.wwid, report.path)
        true = None if path is None else self._alone(path, outage.began.monotonic)
        judgement = outage.judgement
        if true is None or true.ended is None or outage.reinstated is None or judgement is None or not true.read:
            return
        if self._doubted.get(id(path), -inf) > true.ended:
            return  # it was suspect before it was seen to be up: then the outage goes on
        earliest = outage.earliest(outage.reinstated).monotonic
        if not earliest - LONGEST - KNOWN_BY <= true.ended <= outage.reinstated.monotonic + 0.1:
            reported = f"from {earliest:.1f} to {outage.reinstated.monotonic:.1f}"
            self._accuse("h", f"{name}: it ended at {true.ended:.1f}, and by its report {reported}")
        if self._product.ended_at < true.ended < self._product.started and earliest > true.ended + 1.0:
            self._accuse("h", f"{name}: it ended while no daemon ran, and its end is reported as watched")
        took = outage.between(outage.began, outage.reinstated)
        began = outage.earliest(outage.began).monotonic
        if took.least > true.ended - min(true.began, began) + LONGEST + KNOWN_BY:
            self._accuse("h", f"{name}: it took {took.least:.1f} s at least by its report, which is too long")
        right = self._outages.verdicts(true) if true.whole else None
        if right is not None and judgement.verdict not in right | {Verdict.UNOBSERVED, Verdict.NO_BUDGET}:
            self._accuse("h", f"{name}: the verdict is {' or '.join(sorted(right))}, not {judgement.verdict}")
        ends = (outage.began, outage.last_alive, outage.stalled, outage.failed, outage.transport_up, outage.reinstated)
        watched = all(each is None or outage.earliest(each) == each for each in ends)
        if watched and judgement.verdict is Verdict.UNOBSERVED:
            self._accuse("h", f"{name}: everything was watched, and the verdict is {judgement.verdict}")
        failed = outage.failed
        unseen = failed is not None and not outage.between(outage.began, failed).exact
        if unseen and Phase.FAILOVER in judgement.phases:
            self._accuse("h", f"{name}: nobody saw it fail, and its failover has a duration")

    def _was_known(self, report: OutageEnded) -> bool:
        """Whether the daemon has taken the outage over from the one before."""
        known = self._product.memory.outages.get(report.wwid, {}).get(report.path)
        return known is not None and known.outage.id == report.outage.id

    def _alone(self, path: Path, began: float) -> TrueOutage | None:
        """The only outage that there has been of the path since it began by the report."""
        found = list(self._since(path, began - LONGEST))
        return found[0] if len(found) == 1 else None

    def _since(self, path: Path, moment: float) -> Iterator[TrueOutage]:
        for each in self._outages.latest():
            if each.path is path and (each.ended or inf) >= moment:
                yield each

"""Rule (d): of one cause people are woken at most three times, and once when it is over; what that says is exact.

It is judged at each step of the product, by the state that the entries are about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import inf

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert, Effect
from mpathd_watch.core.events import Event
from mpathd_watch.core.model.vocabulary import Health, MapHealth
from mpathd_watch.core.state import PathState, State
from tests.sim.oracle.violation import Accuse
from tests.sim.product import Product

MOST = 3
"""Entries of priority warning or worse; one that a map is lost comes in any case."""
GATHERED = 1.1
"""Seconds within which a map without a path is reported once that is in the journal, and may be."""
PARTS = frozenset(
    {
        *(AlertKind.PATH_STALLED, AlertKind.PATH_FAILED, AlertKind.PATH_MISSING, AlertKind.PATH_CAUSE),
        *(AlertKind.PATH_RECOVERING, AlertKind.PATH_REINSTATED, AlertKind.PATH_SUSPECT, AlertKind.PATH_OVERDUE),
    }
)
INCIDENT = frozenset({AlertKind.INCIDENT_BEGAN, AlertKind.INCIDENT_WORSE, AlertKind.INCIDENT_ENDED})


class IncidentOracle:
    """Counts who is woken by what."""

    def __init__(self, product: Product, accuse: Accuse) -> None:
        self._product = product
        self._accuse = accuse
        self._woken: Counter[str] = Counter()
        self._told: Counter[tuple[str, AlertKind]] = Counter()
        self._lost_since: dict[str, float] = {}
        product.observers.append(self._stepped)

    def _stepped(self, before: State, after: State, _: Event, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Alert):
                self._judge(effect, after)
        if before.maps is not after.maps or before.incidents is not after.incidents:
            self._judge_members(before, after)

    # --- the entries --------------------------------------------------------------------------------------------------

    def _judge(self, alert: Alert, after: State) -> None:
        key, kind = alert.fields.get("INCIDENT", ""), alert.kind
        if kind in PARTS and not key:
            self._accuse("d", f"belongs to no incident: {alert.message}")
        if not key:
            return
        self._told[key, kind] += 1
        if kind in (AlertKind.INCIDENT_BEGAN, AlertKind.INCIDENT_ENDED) and self._told[key, kind] > 1:
            self._accuse("d", f"{kind.event} twice for one incident: {alert.message}")
        if kind in INCIDENT and kind is not AlertKind.INCIDENT_ENDED:
            self._judge_counts(alert, key, after)
        if kind is AlertKind.INCIDENT_ENDED and (key in after.incidents or any(_members(after, key))):
            self._accuse("d", f"the incident goes on: {alert.message}")
        if alert.priority is Priority.NOTICE and kind is not AlertKind.INCIDENT_ENDED and kind in PARTS:
            self._accuse("d", f"a part of an incident wakes people: {alert.message}")
        if alert.priority <= Priority.WARNING:
            self._woken[key] += 1
            if self._woken[key] > MOST and alert.priority is not Priority.CRIT:
                self._accuse("d", f"entry {self._woken[key]} of one incident: {alert.message}")

    def _judge_counts(self, alert: Alert, key: str, after: State) -> None:
        out = [
            (wwid, path)
            for wwid, path in _members(after, key)
            if path.outage is not None and path.outage.real and path.health not in (Health.UNKNOWN, Health.UP)
        ]
        maps = {wwid for wwid, _ in out}
        lost = sum(after.maps[wwid].announced is MapHealth.LOST for wwid in maps)
        at_risk = sum(after.maps[wwid].announced is MapHealth.AT_RISK for wwid in maps)
        right = (str(len(out)), str(len(maps)), str(lost), str(at_risk))
        told = tuple(alert.fields[name] for name in ("PATHS", "MAPS", "MAPS_LOST", "MAPS_AT_RISK"))
        if told != right:
            self._accuse("d", f"{', '.join(right)} paths, maps, lost and at risk: {alert.message}")

    # --- the state ----------------------------------------------------------------------------------------------------

    def _judge_members(self, before: State, after: State) -> None:
        out: Counter[str] = Counter()
        for wwid, map_ in after.maps.items():
            for path in map_.paths.values():
                if (path.outage is None) != (path.incident == ""):
                    self._accuse("d", f"{map_.label} {path.label}: an outage without an incident, or the reverse")
                if path.incident:
                    out[path.incident] += 1
                self._judge_place(before, wwid, path)
            self._judge_lost(after, wwid)
        self._judge_together(after)
        waiting = [known.incident for paths in after.memory.outages.values() for known in paths.values()]
        out.update(waiting)
        for key, incident in after.incidents.items():
            if incident.out != out[key]:
                self._accuse("d", f"incident {key} has {out[key]} paths that are out, and counts {incident.out}")
        for key in out.keys() - after.incidents.keys() - {""}:
            self._accuse("d", f"incident {key} has ended, and {out[key]} of its paths are out")

    def _judge_together(self, after: State) -> None:
        """Outages that begin at one moment, through one nexus, have one cause."""
        together: dict[tuple[str, float], set[str]] = {}
        for map_ in after.maps.values():
            for path in map_.paths.values():
                if path.nexus and path.outage is not None and not path.outage.unwatched:
                    together.setdefault((path.nexus, path.outage.began.monotonic), set()).add(path.incident)
        for (nexus, _), incidents in together.items():
            if len(incidents) > 1:
                self._accuse("d", f"{nexus} was lost once, in {len(incidents)} incidents")

    def _judge_place(self, before: State, wwid: str, path: PathState) -> None:
        """An outage stays in its incident."""
        known = before.maps.get(wwid)
        was = None if known is None else known.paths.get(path.label)
        if was is None or was.outage is None or path.outage is None or was.outage.id != path.outage.id:
            return
        if was.incident != path.incident:
            self._accuse("d", f"{path.label}: outage {path.outage.id} has moved to another incident")

    def _judge_lost(self, after: State, wwid: str) -> None:
        """That a map is lost is reported at once by the incident that took its last path."""
        map_, now = after.maps[wwid], self._product.now
        lost = map_.health is map_.announced is MapHealth.LOST
        if not lost or not any(path.outage for path in map_.paths.values()):
            self._lost_since.pop(wwid, None)
            return
        since = self._lost_since.setdefault(wwid, now)
        worst = [after.incidents[path.incident].worst for path in map_.paths.values() if path.incident]
        if now - since > GATHERED and MapHealth.LOST not in worst and since > self._product.started:
            self._accuse("d", f"{map_.label} is lost, and no incident reports it")
            self._lost_since[wwid] = inf


def _members(state: State, key: str) -> Iterator[tuple[str, PathState]]:
    for wwid, map_ in state.maps.items():
        yield from ((wwid, path) for path in map_.paths.values() if path.incident == key)

"""Which entries people are woken by: of all that a cause brings about, the suspicion, the loss, what is worse, the end.

Every entry that an incident's paths, maps and nexuses have beside these has priority info, and its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Final

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.alerting.messages.incidents import PRIORITIES, Damage, reported
from mpathd_watch.core.alerting.waiting import waiting
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.draft import Draft, PathKey
from mpathd_watch.core.effects import Alert, IncidentChanged, IncidentEnded
from mpathd_watch.core.judging.incidents import GATHER, announce_at, members, nexus_tie
from mpathd_watch.core.model.incident import MOST_ENTRIES, Incident
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Health, MapHealth, Phase, Verdict
from mpathd_watch.core.state import Due, PathState, Wait
from mpathd_watch.core.transports import table
from mpathd_watch.immutable import replace

COUNT_AGAIN: Final = 10.0
"""Seconds after which more paths or maps than were reported are worth another entry: multipathd has checked them."""
_RANKS: Final = {MapHealth.UNKNOWN: 1, MapHealth.DEGRADED: 1, MapHealth.AT_RISK: 2, MapHealth.LOST: 3}
"""Healths that are reported, the worst last. A path that is out is news even if the others of its map are unknown."""
_OWN: Final = frozenset({AlertKind.PATH_SUSPECT, AlertKind.PATH_FLAPPING, AlertKind.PATH_OVERDUE})
"""Entries about a path that may wake people: the suspicion, that it happens again and again, that it takes too long."""
_PARTS: Final = _OWN | {
    *(AlertKind.PATH_STALLED, AlertKind.PATH_FAILED, AlertKind.PATH_MISSING, AlertKind.PATH_CAUSE),
    *(AlertKind.PATH_RECOVERING, AlertKind.PATH_REINSTATED),
    *(
        AlertKind.MAP_DEGRADED,
        AlertKind.MAP_AT_RISK,
        AlertKind.MAP_LOST,
        AlertKind.MAP_IO_FAILS,
        AlertKind.MAP_RECOVERED,
    ),
    *(row.lost_alert for row in table.ROWS.values()),
    *(row.restored_alert for row in table.ROWS.values()),
    *(AlertKind.PORT_GROUP_DOWN, AlertKind.PORT_GROUP_UP),
}


def announce(draft: Draft, before: Mapping[PathKey, PathState]) -> None:
    """Put the entries of this step into their incidents, and report what is due of these."""
    if not (draft.incidents or draft.incidents.left or draft.rest.settling):
        return
    _mark(draft, before)
    _settle(draft)
    for wwid in draft.regrouped & draft.maps.keys():
        _look_at_map(draft, wwid)
    for left in draft.incidents.left:
        _leave(draft, left.incident, left.ended)
    for incident in tuple(draft.incidents.values()):
        due = draft.take(Due(Wait.INCIDENT, incident.id))
        if incident.out == 0:
            _end(draft, incident)
        elif due:
            _report(draft, incident)
    _keep(draft)


# --- what belongs to an incident --------------------------------------------------------------------------------------


def _mark(draft: Draft, before: Mapping[PathKey, PathState]) -> None:
    """Give the entries of this step the id of their incident, and the priority of a part of it."""
    paths = {left.path: left.incident for left in draft.incidents.left}
    for wwid, label in before:
        path = draft.paths(wwid).get(label) if wwid in draft.maps else None
        if path is not None and path.incident:
            paths[wwid, label] = path.incident
    maps = {wwid: incident for (wwid, _), incident in paths.items()}
    for at, effect in enumerate(draft.effects):
        if isinstance(effect, Alert):
            found = _incident_of(draft, effect, paths, maps)
            draft.effects[at] = _after_the_end(draft, effect) if found is None else _as_part(draft, effect, found)


def _incident_of(draft: Draft, alert: Alert, paths: Mapping[PathKey, str], maps: Mapping[str, str]) -> Incident | None:
    wwid, label = alert.fields.get("WWID", ""), alert.fields.get("PATH", "")
    if "INCIDENT" in alert.fields:
        return draft.incidents.get(alert.fields["INCIDENT"])
    if label:
        return draft.incidents.get(paths.get((wwid, label), ""))
    if wwid:
        return draft.incidents.get(maps.get(wwid, "") or _latest_of(draft, wwid))
    tie = _tie(alert)
    return next((each for each in reversed(draft.incidents.values()) if tie in each.ties), None)


def _latest_of(draft: Draft, wwid: str) -> str:
    """The incident that the map has lost a path to last."""
    found = {path.incident for path in draft.paths(wwid).values()} if wwid in draft.maps else set()
    return next((each for each in reversed(draft.incidents) if each in found), "")


def _tie(alert: Alert) -> str:
    """What an entry that is about no map or path is about."""
    nexus = alert.fields.get("SESSION") or alert.fields.get("NEXUS")
    return nexus_tie(nexus) if nexus else ""


def _as_part(draft: Draft, alert: Alert, incident: Incident) -> Alert:
    fields = {**alert.fields, "INCIDENT": incident.id}
    if alert.kind not in _PARTS:
        return replace(alert, fields=fields)
    suspicion = alert.kind is AlertKind.PATH_SUSPECT
    event = f"{alert.kind.event} {alert.fields.get('PHASE', '')}".rstrip()
    wakes = alert.kind in _OWN and alert.priority <= Priority.WARNING and event not in incident.events
    if not wakes or incident.entries >= (1 if suspicion else MOST_ENTRIES):
        return replace(alert, priority=max(alert.priority, Priority.INFO), fields=fields)
    draft.incidents[incident.id] = replace(incident, entries=incident.entries + 1, events=incident.events | {event})
    return replace(alert, fields=fields)


def _after_the_end(draft: Draft, alert: Alert) -> Alert:
    """An entry that belongs to no incident that goes on.

    A map that was made again settles before it is announced that it has recovered, and its incident may have ended by
    then: people know already that the trouble is over.
    """
    ended = draft.rest.settling.get(alert.fields.get("WWID", ""))
    if ended is None or alert.kind is not AlertKind.MAP_RECOVERED:
        return alert
    return replace(alert, priority=Priority.INFO, fields={**alert.fields, "INCIDENT": ended})


def _settle(draft: Draft) -> None:
    """Of the maps whose incident has ended, forget those that are gone, and those of which there is an entry since."""
    settling = draft.rest.settling
    if settling:
        parts = (each for each in draft.effects if isinstance(each, Alert) and each.kind in _PARTS)
        left = settling.keys() & draft.maps.keys() - {alert.fields.get("WWID", "") for alert in parts}
        draft.rest = replace(draft.rest, settling=frozen({wwid: settling[wwid] for wwid in sorted(left)}))


# --- what is new of one -----------------------------------------------------------------------------------------------


def _look_at_map(draft: Draft, wwid: str) -> None:
    """Have the incident reported that has made a map worse than was reported of it, and those that took more paths."""
    out = [(path.incident, path.outage) for path in draft.paths(wwid).values() if path.outage and path.outage.real]
    if not out:
        return
    map_ = draft.maps[wwid]
    rank = _rank(reported(map_), fails=map_.queueing.failing is not None)
    last, _ = max(out, key=lambda each: _out_since(each[1]))
    for incident in dict(out):
        known = draft.incidents[incident]
        if incident == last and rank > _rank(known.worst, fails=known.fails):
            announce_at(draft, incident, draft.now.monotonic + GATHER)
        elif known.worst is not None and known.entries < MOST_ENTRIES and known.out > known.paths:
            announce_at(draft, incident, draft.now.monotonic + COUNT_AGAIN)


def _rank(health: MapHealth | None, *, fails: bool) -> int:
    """How bad it is: that I/O fails is worse than that it waits."""
    return _RANKS.get(health or MapHealth.HEALTHY, 0) + (fails and health is MapHealth.LOST)


def _out_since(outage: Outage) -> float:
    """When a path went out that is worse than suspect (CLOCK_MONOTONIC seconds)."""
    return (outage.stalled or outage.failed or outage.began).monotonic


def _leave(draft: Draft, key: str, ended: Outage | None) -> None:
    incident = draft.incidents.get(key)
    if incident is None:
        return
    gone = 1 if ended is None else 0
    incident = replace(incident, out=max(0, incident.out - 1), forgotten=incident.forgotten + gone)
    if ended is not None and ended.real and ended.judgement is not None:
        over = ended.judgement.verdict is Verdict.OVER_BUDGET
        took = ended.judgement.phases.get(Phase.FAILOVER)
        slowest = max(chain((took,), (incident.failover,)), key=lambda seconds: -1.0 if seconds is None else seconds)
        incident = replace(incident, over_budget=incident.over_budget + over, failover=slowest)
    draft.incidents[key] = incident


def _report(draft: Draft, incident: Incident) -> None:
    """Report the loss, or that it is worse than was reported; nothing if it is not."""
    damage = _damage(draft, incident.id)
    rank, known = _rank(damage.worst, fails=damage.fails), _rank(incident.worst, fails=incident.fails)
    more = incident.worst is damage.worst and len(damage.affected) > incident.affected
    if not damage.paths or rank < known or not (rank > known or more):
        return
    waits = damage.suspect and known and damage.worst is MapHealth.AT_RISK and incident.entries == MOST_ENTRIES - 1
    if waits:
        # The last entry is for what the silent paths come to.
        announce_at(draft, incident.id, draft.now.monotonic + GATHER)
        return
    critical = damage.worst is MapHealth.LOST and incident.worst is not MapHealth.LOST
    if incident.entries >= MOST_ENTRIES and not critical:
        return
    incident = replace(
        incident,
        what=damage.what,
        worst=damage.worst,
        paths=len(damage.paths),
        affected=len(damage.affected),
        fails=incident.fails or damage.fails,
    )
    alert = messages.incident(incident, damage, draft.now, begins=not known)
    if damage.flapping and not critical:
        alert = replace(alert, priority=Priority.INFO)
    else:
        incident = replace(incident, entries=incident.entries + 1)
    draft.incidents[incident.id] = incident
    draft.emit(alert)


def _damage(draft: Draft, incident: str) -> Damage:
    """What the incident has done so far, as far as it is reported of the maps."""
    out: list[tuple[str, PathState]] = []
    suspect, flapping = False, True
    for wwid, path in members(draft, incident):
        if path.outage is not None and path.outage.real and path.health is not Health.UNKNOWN:
            out.append((wwid, path))
            flapping = flapping and path.flaps.flapping
        suspect = suspect or path.health is Health.SUSPECT
    maps = {wwid: draft.whole_map(wwid) for wwid, _ in out}
    return messages.damage(
        [(maps[wwid], path) for wwid, path in out],
        draft.nexuses,
        draft.rest.links,
        {wwid: waiting(draft, map_) for wwid, map_ in maps.items()},
        suspect=suspect,
        flapping=flapping,
    )


def _end(draft: Draft, incident: Incident) -> None:
    del draft.incidents[incident.id]
    draft.deadlines.drop(Due(Wait.INCIDENT, incident.id))
    maps = [draft.maps[wwid] for wwid in sorted(incident.maps & draft.maps.keys())]
    ill = [map_ for map_ in maps if map_.health in PRIORITIES and map_.health is not MapHealth.UNKNOWN]
    settling = {map_.wwid: incident.id for map_ in maps if map_ not in ill and map_.announced in PRIORITIES}
    if settling:
        draft.rest = replace(draft.rest, settling=frozen({**draft.rest.settling, **settling}))
    healthy = len(maps) == len(incident.maps) and all(map_.health is MapHealth.HEALTHY for map_ in maps)
    alert = messages.incident_ended(_named(draft, incident), ill, draft.now, healthy=healthy)
    if not incident.entries:
        alert = replace(alert, priority=Priority.INFO)
    draft.emit(alert)
    draft.emit(IncidentEnded(incident, draft.now))


def _named(draft: Draft, incident: Incident) -> Incident:
    """The incident; one that has taken a single path, and was not reported, by the name of that."""
    if incident.what or incident.took != 1:
        return incident
    for left in draft.incidents.left:
        wwid, label = left.path
        if left.incident == incident.id and wwid in draft.maps and label in draft.paths(wwid):
            map_ = draft.whole_map(wwid)
            return replace(incident, what=messages.path_name(map_, map_.paths[label]))
    return incident


def _keep(draft: Draft) -> None:
    """Have what is new of incidents kept."""
    for incident in draft.incidents.values():
        if draft.before.incidents.get(incident.id) is not incident:
            draft.emit(IncidentChanged(incident))

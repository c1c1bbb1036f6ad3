"""Which outages belong together: those that share what they go through, and begin while one cause is still noticed.

The kernel notices at its next ping that a target is gone, so the sessions that one cause takes are lost up to a ping's
interval and timeout apart. Within that time, an outage belongs to an incident if it shares a nexus, an interface, a
subnet, a portal, a target, a port group or a map with it. Later it belongs to it only if its nexus
has been down since then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite

from mpathd_watch.core.draft import Draft, PathKey
from mpathd_watch.core.model.incident import Incident
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Cause
from mpathd_watch.core.state import Due, PathState, Wait
from mpathd_watch.core.state.arrays import port_group
from mpathd_watch.core.transports import table
from mpathd_watch.core.verdicts import carrier
from mpathd_watch.immutable import replace

GATHER = 1.0
"""Seconds in which the kernel and multipathd take what goes with a lost nexus: an entry made after them counts all."""
SPREAD = 15.0
"""Seconds within which one cause is noticed, where pings or their timeouts are not known: the checks of a path are
20 s apart at most, and 5 s unless configured otherwise."""
LATENESS = 5.0
"""Seconds that may pass until the kernel's verdict is read, on a busy host."""


def join(draft: Draft, before: Mapping[PathKey, PathState]) -> None:
    """Put the outages that have begun into their incidents, and note what is new of those that go on."""
    for wwid, label in before:
        path = draft.paths(wwid)[label]
        if path.outage is None:
            continue
        if path.incident not in draft.incidents:
            path = replace(path, incident=_joined(draft, wwid, path, path.outage))
            draft.keep_path(wwid, path)
        _note(draft, path)


def announce_at(draft: Draft, incident: str, moment: float) -> None:
    """Have it looked at at this CLOCK_MONOTONIC second whether there is something to report, if not before."""
    due = Due(Wait.INCIDENT, incident)
    draft.deadlines[due] = min(moment, draft.deadlines.get(due, moment))


def members(draft: Draft, incident: str) -> Iterator[tuple[str, PathState]]:
    """The paths that the incident has taken and that are not up again, with the WWIDs of their maps."""
    for wwid in sorted(draft.incidents[incident].maps & draft.maps.keys()):
        for path in draft.paths(wwid).values():
            if path.incident == incident and path.outage is not None:
                yield wwid, path


def nexus_tie(label: str) -> str:
    """What paths through the same nexus share."""
    return f"nexus {label}"


def _joined(draft: Draft, wwid: str, path: PathState, outage: Outage) -> str:
    """The incident that the path's outage belongs to; a new one if there is none."""
    ties = _ties(draft, wwid, path)
    found = next((each for each in draft.incidents.values() if _belongs(draft, path, ties, each)), None)
    if found is None:
        found = Incident(outage.id, draft.now, _until(draft, outage))
    draft.incidents[found.id] = replace(
        found,
        ties=found.ties if ties <= found.ties else found.ties | ties,
        maps=found.maps if wwid in found.maps else found.maps | {wwid},
        took=found.took + (path.last_incident != found.id),
        out=found.out + 1,
    )
    return found.id


def _belongs(draft: Draft, path: PathState, ties: frozenset[str], incident: Incident) -> bool:
    nexus = draft.nexus_of(path)
    down = None if nexus is None else nexus.lost or nexus.suspected
    if down is not None and down <= incident.until and nexus_tie(path.nexus) in incident.ties:
        return True
    return draft.now <= incident.until and not ties.isdisjoint(incident.ties)


def _until(draft: Draft, outage: Outage) -> Instant:
    bounds = outage.bounds
    spread = SPREAD if bounds is None or not isfinite(bounds.detection) else max(bounds.detection, SPREAD)
    return draft.now.later(spread + LATENESS)


def _ties(draft: Draft, wwid: str, path: PathState) -> frozenset[str]:
    found = {f"map {wwid}"}
    nexus = draft.nexus_of(path)
    if path.nexus:
        found.add(nexus_tie(path.nexus))
    elif path.place.host:
        found.add(path.place.host)
    if nexus is not None:
        nic = carrier.trunk(nexus.facts.local, draft.rest.links or {})
        values = ((tie.phrase, tie.value(nexus.facts, nic)) for tie in table.of(nexus.transport).ties)
        found.update(phrase.format(value) for phrase, value in values if value)
    group = port_group(draft.maps[wwid], path)
    if group is not None:
        found.add(f"port group {group.number} of {', '.join(group.targets)}")
    return frozenset(found)


def _note(draft: Draft, path: PathState) -> None:
    """Note that a path of an incident is worse than suspect, and why."""
    incident, outage = draft.incidents[path.incident], path.outage
    if outage is None or not outage.real:
        return
    if incident.real is None:
        incident = replace(incident, real=draft.now)
        announce_at(draft, incident.id, draft.now.monotonic + GATHER)
    if outage.cause is not Cause.UNKNOWN and outage.cause not in incident.causes:
        incident = replace(incident, causes=incident.causes | {outage.cause})
    draft.incidents[incident.id] = incident

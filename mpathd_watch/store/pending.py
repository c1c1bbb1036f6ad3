"""What has to be written, and what must be in the database in the end. Only the latest of each thing waits.

So it takes a bounded amount of memory however long the disk is full or hangs, and nothing in it blocks: the loop puts
things in, and another thread takes them out.
"""

from __future__ import annotations

import threading
from dataclasses import field
from itertools import islice
from typing import TypeVar

from mpathd_watch.core.effects import (
    FindingsAnnounced,
    IncidentChanged,
    IncidentEnded,
    Kept,
    MapChanged,
    MapDropped,
    NexusAnnounced,
    OutageChanged,
    OutageDropped,
    OutageEnded,
    Remember,
)
from mpathd_watch.core.model.memory import ExpectedMap, KeptMap
from mpathd_watch.core.model.outage import Judgement
from mpathd_watch.core.model.vocabulary import Verdict
from mpathd_watch.core.verdicts.outage import phases
from mpathd_watch.immutable import immutable, replace
from mpathd_watch.store.drills import KeptDrill
from mpathd_watch.store.rows import KeptIncident, KeptOutage

Value = TypeVar("Value")
MOST_PAST = 20_000
"""Outages that are over, incidents, and changes of maps, that wait for a disk; the oldest are lost then."""
AT_ONCE = 1000
"""Outages, incidents and changes that are written in one transaction. SQLite's log needs room for all of it, and on a
disk that is nearly full there may be room for a part only."""
MOST_DRILLS = 4
"""Drills that wait for a disk; more are not taken."""


@immutable
class NamedMap:
    """A map as it is kept, and its label."""

    label: str
    kept: KeptMap


@immutable
class Contents:
    """What is in the database of the present.

    Outages and incidents by id, maps and what is expected by WWID, lost nexuses by label. In what is to be written,
    ``None`` stands for something that must go. ``findings``: all that were announced; ``None`` if nothing is new.
    """

    outages: dict[str, KeptOutage | None]
    incidents: dict[str, KeptIncident]
    maps: dict[str, NamedMap | None]
    expected: dict[str, ExpectedMap | None]
    lost: dict[str, str | None]
    changes: list[MapChanged]
    drills: list[KeptDrill] = field(default_factory=list)
    findings: frozenset[str] | None = None

    @classmethod
    def nothing(cls) -> Contents:
        """Empty ones."""
        return cls({}, {}, {}, {}, {}, [])

    def is_empty(self) -> bool:
        """Whether nothing is in them."""
        present = self.outages or self.incidents or self.maps or self.expected or self.lost
        return not (present or self.changes or self.drills or self.findings is not None)


class Pending:
    """Takes what the core wants to be kept. Any thread may call any method.

    ``known`` is what the database holds of the present. ``lost`` counts what was dropped.
    """

    def __init__(self, known: Contents) -> None:
        self._guard = threading.Lock()
        self._present = known
        self._waiting = Contents.nothing()
        self._over: dict[str, None] = {}
        self.lost = 0

    @property
    def waiting(self) -> int:
        """How many things wait."""
        waiting = self._waiting
        present = len(waiting.outages) + len(waiting.incidents) + len(waiting.maps)
        present += len(waiting.expected) + len(waiting.lost)
        return present + len(waiting.changes) + len(waiting.drills) + (waiting.findings is not None)

    def put(self, kept: Kept) -> None:
        """Have one thing written."""
        with self._guard:
            match kept:
                case OutageChanged():
                    self._outage_changed(kept)
                case OutageEnded():
                    self._outage_ended(kept)
                case OutageDropped():
                    self._outage_dropped(kept)
                case IncidentChanged():
                    self._incident(KeptIncident(kept.incident))
                case IncidentEnded():
                    self._incident(KeptIncident(kept.incident, kept.at))
                case MapChanged():
                    self._map_changed(kept)
                case MapDropped():
                    _set(self._present.maps, self._waiting.maps, kept.wwid, None)
                case NexusAnnounced():
                    _set(self._present.lost, self._waiting.lost, kept.label, kept.shared)
                case Remember():
                    _set(self._present.expected, self._waiting.expected, kept.wwid, kept.expected)
                case FindingsAnnounced():
                    self._present = replace(self._present, findings=kept.findings)
                    self._waiting = replace(self._waiting, findings=kept.findings)
            self._limit()

    def put_drill(self, drill: KeptDrill) -> bool:
        """Have a drill written. Returns whether it was taken: not if too many wait already."""
        with self._guard:
            if len(self._waiting.drills) >= MOST_DRILLS:
                return False
            self._waiting.drills.append(drill)
            return True

    def take(self) -> Contents:
        """What waits, the oldest first; it waits no longer. At most ``AT_ONCE`` each of what there may be many of.

        Drills come after all outages, which belong to them.
        """
        with self._guard:
            waiting = self._waiting
            outages, more_outages = _divided(waiting.outages)
            incidents, more_incidents = _divided(waiting.incidents)
            drills = [] if more_outages else waiting.drills
            self._waiting = Contents(
                more_outages,
                more_incidents,
                {},
                {},
                {},
                waiting.changes[AT_ONCE:],
                waiting.drills if more_outages else [],
            )
            for key in outages:
                self._over.pop(key, None)
            return replace(
                waiting, outages=outages, incidents=incidents, changes=waiting.changes[:AT_ONCE], drills=drills
            )

    def give_back(self, taken: Contents) -> None:
        """It could not be written: it waits again, as far as nothing newer does."""
        with self._guard:
            newer = self._waiting
            self._waiting = Contents(
                {**taken.outages, **newer.outages},
                {**taken.incidents, **newer.incidents},
                {**taken.maps, **newer.maps},
                {**taken.expected, **newer.expected},
                {**taken.lost, **newer.lost},
                [*taken.changes, *newer.changes],
                [*taken.drills, *newer.drills],
                taken.findings if newer.findings is None else newer.findings,
            )
            self._over = {key: None for key, kept in self._waiting.outages.items() if not (kept and kept.open)}
            self._limit()

    def write_all_again(self) -> None:
        """The database is another one: all of the present has to be written, too."""
        with self._guard:
            waiting, present = self._waiting, self._present
            self._waiting = Contents(
                {**present.outages, **waiting.outages},
                {**present.incidents, **waiting.incidents},
                {**present.maps, **waiting.maps},
                {**present.expected, **waiting.expected},
                {**present.lost, **waiting.lost},
                waiting.changes,
                waiting.drills,
                present.findings if waiting.findings is None else waiting.findings,
            )

    def _outage_changed(self, kept: OutageChanged) -> None:
        known, outage = self._present.outages.get(kept.open.outage.id), kept.open.outage
        of = kept.open
        before = known or KeptOutage(of.wwid, of.map, of.path, outage)
        states = before.states if kept.states is None else before.with_states(kept.states, kept.at)
        evidence = kept.evidence or before.evidence
        self._set_outage(KeptOutage(of.wwid, of.map, of.path, outage, states, of, evidence, of.incident))

    def _outage_ended(self, kept: OutageEnded) -> None:
        outage = kept.outage
        known = self._present.outages.get(outage.id) or KeptOutage(kept.wwid, kept.map, kept.path, outage)
        end = outage.reinstated or outage.began
        states = known.with_states(kept.states, end)
        over = KeptOutage(kept.wwid, kept.map, kept.path, outage, states, None, known.evidence, kept.incident)
        self._set_outage(over)

    def _outage_dropped(self, kept: OutageDropped) -> None:
        known = self._present.outages.get(kept.id)
        if known is None:
            return
        if kept.real:
            judgement = Judgement(phases(known.outage), Verdict.UNOBSERVED)
            self._set_outage(replace(known, outage=replace(known.outage, judgement=judgement), open=None))
        else:
            del self._present.outages[kept.id]
            self._waiting.outages[kept.id] = self._over[kept.id] = None

    def _set_outage(self, kept: KeptOutage) -> None:
        key = kept.outage.id
        self._waiting.outages[key] = kept
        if kept.open is None:
            self._present.outages.pop(key, None)
            self._over[key] = None
        else:
            self._present.outages[key] = kept
            self._over.pop(key, None)  # nothing of the present is lost

    def _incident(self, kept: KeptIncident) -> None:
        key = kept.incident.id
        self._waiting.incidents[key] = kept
        if kept.ended is None:
            self._present.incidents[key] = kept
        else:
            self._present.incidents.pop(key, None)

    def _map_changed(self, kept: MapChanged) -> None:
        _set(self._present.maps, self._waiting.maps, kept.wwid, NamedMap(kept.map, kept.now))
        if kept.was is not kept.now.health:
            self._waiting.changes.append(kept)

    def _limit(self) -> None:
        """Drop the oldest of what is past if too much of it waits."""
        while len(self._over) > MOST_PAST:
            oldest = next(iter(self._over))
            del self._over[oldest]
            self._waiting.outages.pop(oldest, None)
            self.lost += 1
        while len(self._waiting.incidents) > MOST_PAST:
            del self._waiting.incidents[next(iter(self._waiting.incidents))]
            self.lost += 1
        if (excess := len(self._waiting.changes) - MOST_PAST) > 0:
            del self._waiting.changes[:excess]
            self.lost += excess


def _divided(items: dict[str, Value]) -> tuple[dict[str, Value], dict[str, Value]]:
    """The first ``AT_ONCE`` items, and the rest."""
    if len(items) <= AT_ONCE:
        return items, {}
    pairs = iter(items.items())
    return dict(islice(pairs, AT_ONCE)), dict(pairs)


def _set(present: dict[str, Value | None], waiting: dict[str, Value | None], key: str, value: Value | None) -> None:
    if value is None:
        present.pop(key, None)
    else:
        present[key] = value
    waiting[key] = value

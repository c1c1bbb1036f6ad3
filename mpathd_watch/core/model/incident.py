"""An incident: all outages that one cause brings about at one time, and what was announced of them."""

from __future__ import annotations

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import Cause, MapHealth
from mpathd_watch.immutable import immutable

MOST_ENTRIES = 3
"""Entries of priority warning or worse that one incident has, unless it is critical."""


@immutable
class Standstill:
    """The time for which a map was without a usable path, in seconds.

    ``hung`` and ``failed``: the parts of it in which its I/O did so; ``None`` where nobody saw one become the other.
    """

    without: float
    hung: float | None = None
    failed: float | None = None


@immutable
class Incident:
    """One incident, from its first outage, which has the same id, to the end of its last one.

    ``ties``: what its paths go through, which an outage that belongs to it shares; ``until``: the last moment at which
    one that only shares something may begin. ``maps``: the WWIDs of the maps that have lost a path to it. ``took``: how
    many paths it has taken; ``out``: those that are still out. ``real``: since when a path of it has been worse than
    suspect. ``causes``: those of its outages that are known.

    ``what``: what its paths have in common, in words; empty until that was announced, and if it is nothing.
    ``worst``: the worst health of a map, and ``paths`` and ``affected`` how many paths were out and how many maps had
    that health, when that was announced last. ``forgotten``: how many of its outages have no end that anybody saw.
    ``entries``: how many entries of priority warning or worse there were. ``events``: what those about single paths
    have reported, each once: that a path is flapping, or overdue in a phase.
    ``fails``: that I/O to a map fails was part of that. ``standstill``: the longest of a map that has a path again.
    ``over_budget``: how many of its outages that are over took too long; ``failover``: the longest, in seconds.
    """

    id: str
    began: Instant
    until: Instant
    ties: frozenset[str] = frozenset()
    maps: frozenset[str] = frozenset()
    took: int = 0
    out: int = 0
    real: Instant | None = None
    causes: frozenset[Cause] = frozenset()
    what: str = ""
    worst: MapHealth | None = None
    paths: int = 0
    affected: int = 0
    forgotten: int = 0
    entries: int = 0
    events: frozenset[str] = frozenset()
    over_budget: int = 0
    failover: float | None = None
    fails: bool = False
    standstill: Standstill | None = None

"""Entries about incidents: what one cause has taken, what is left, and that it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mpathd_watch.core.alerting.messages.fields import forget, map_fields, name, path_fields, usable
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.catalog.causes import CAUSES
from mpathd_watch.core.catalog.causes import text as cause_text
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.layers import table as layers
from mpathd_watch.core.layers.row import Waiting
from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.model.incident import Incident
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import duration, plural
from mpathd_watch.core.model.vocabulary import USABLE, Cause, Health, MapHealth
from mpathd_watch.core.state import MapState, NexusState, PathState
from mpathd_watch.core.state.lost_together import lost_together
from mpathd_watch.core.transports import table
from mpathd_watch.immutable import immutable

PRIORITIES: Mapping[MapHealth, Priority] = {
    MapHealth.UNKNOWN: AlertKind.MAP_DEGRADED.value.priority,
    MapHealth.DEGRADED: AlertKind.MAP_DEGRADED.value.priority,
    MapHealth.AT_RISK: AlertKind.MAP_AT_RISK.value.priority,
    MapHealth.LOST: AlertKind.MAP_LOST.value.priority,
}
"""An incident is as urgent as the worst that it does to a map."""
_WORST_FIRST = (MapHealth.LOST, MapHealth.AT_RISK, MapHealth.DEGRADED, MapHealth.UNKNOWN)
_NAMED = 2
"""Maps that a message names."""

Member = tuple[MapState, PathState]


@immutable
class Damage:
    """What an incident has done: the ``paths`` that are out, each with its map, and ``what`` they have in common.

    ``what`` is the path itself if it is one, and empty if they have nothing in common.

    ``maps``: those of the paths, by the health that was reported of them. ``waiting``: how long I/O to each waits
    without a path, by WWID. ``suspect``: further paths are suspect. ``flapping``: all of ``paths`` are.
    """

    paths: Sequence[Member]
    what: str
    maps: Mapping[MapHealth, Sequence[MapState]]
    waiting: Mapping[str, Waiting]
    suspect: bool
    flapping: bool

    @property
    def worst(self) -> MapHealth:
        """The worst health of a map."""
        return next((health for health in _WORST_FIRST if self.maps.get(health)), MapHealth.HEALTHY)

    @property
    def affected(self) -> Sequence[MapState]:
        """The maps with that health."""
        return self.maps.get(self.worst, ())

    @property
    def fails(self) -> bool:
        """Whether I/O to one of the maps has begun to fail."""
        return any(map_.queueing.failing is not None for map_ in self.maps.get(MapHealth.LOST, ()))


def path_name(map_: MapState, path: PathState) -> str:
    """The path with its map, as the entries about an incident name it."""
    return f"{map_.label}: path {name(path)}"


def damage(
    paths: Sequence[Member],
    nexuses: Mapping[str, NexusState],
    links: Mapping[str, LinkFacts] | None,
    waiting: Mapping[str, Waiting],
    *,
    suspect: bool,
    flapping: bool,
) -> Damage:
    """What the loss of these paths comes to."""
    maps: dict[MapHealth, list[MapState]] = {}
    for map_ in {map_.wwid: map_ for map_, _ in paths}.values():
        maps.setdefault(reported(map_), []).append(map_)
    return Damage(paths, _what(paths, nexuses, links), maps, waiting, suspect, flapping)


def reported(map_: MapState) -> MapHealth:
    """The health that was reported of the map; unknown if that was a good one, and is not known any more."""
    return (
        MapHealth.UNKNOWN if map_.health is MapHealth.UNKNOWN and map_.announced not in PRIORITIES else map_.announced
    )


def incident(incident: Incident, damage: Damage, now: Instant, *, begins: bool) -> Alert:
    """The entry for the loss, or for what has become worse."""
    kind = AlertKind.INCIDENT_BEGAN if begins else AlertKind.INCIDENT_WORSE
    worse = "" if begins else "Worse: "
    left = " ".join(_left(damage, health) for health in _WORST_FIRST if damage.maps.get(health))
    return Alert(
        kind,
        PRIORITIES[damage.worst],
        f"{worse}{_are_out(damage)}{_because(incident)}. {_intended(incident, damage)}{left}",
        {
            **_fields(incident, now),
            **_one(damage.paths),
            "HEALTH": damage.worst.value,
            "PATHS": str(len(damage.paths)),
            "MAPS": str(sum(map(len, damage.maps.values()))),
            "MAPS_LOST": str(len(damage.maps.get(MapHealth.LOST, ()))),
            "MAPS_AT_RISK": str(len(damage.maps.get(MapHealth.AT_RISK, ()))),
        },
    )


def incident_ended(incident: Incident, ill: Sequence[MapState], now: Instant, *, healthy: bool) -> Alert:
    """The entry for the end of an incident.

    ``ill``: its maps that are not healthy for another reason; ``healthy``: all of them are.
    """
    kind = AlertKind.INCIDENT_ENDED
    took = f" after {duration(now.since(incident.began))}"
    if incident.real is None:
        text = f"{_all(incident)} answered again{took}; none had failed"
    elif incident.forgotten == incident.took:
        text = f"{_all(incident)} {'is' if incident.took == 1 else 'are'} not expected any more{took}"
    else:
        rest = f"; {incident.forgotten} of them not expected any more" if incident.forgotten else ""
        verb = "is" if incident.took == 1 else "are"
        text = f"{_all(incident)} {verb} up again{took}{rest}{_because(incident)}{_kept_budget(incident)}"
        text += _io_meanwhile(incident)
    if ill:
        text += f"; {_names(ill)} {'is' if len(ill) == 1 else 'are'} still not healthy, for another reason"
    elif healthy and incident.real is not None:
        text += f"; {'all these maps are' if len(incident.maps) > 1 else 'the map is'} healthy"
    return Alert(
        kind,
        kind.value.priority,
        f"{text}.",
        {**_fields(incident, now), "PATHS": str(incident.took), "MAPS": str(len(incident.maps))},
    )


def _all(incident: Incident) -> str:
    """All that the incident has taken: by its name if it is one path, else by number, and by what it has in common."""
    if incident.took == 1 and incident.what:
        return incident.what
    what = "" if incident.paths == 1 else incident.what  # one path was named, and others have followed
    every = plural(incident.took, "path")
    paths = f"{every if incident.took == 1 else f'All {every}'} of {plural(len(incident.maps), 'map')}"
    return f"{paths} ({what})" if what else paths


def _fields(incident: Incident, now: Instant) -> dict[str, str]:
    cause = next(iter(incident.causes)) if len(incident.causes) == 1 else Cause.UNKNOWN
    return {"INCIDENT": incident.id, "CAUSE": cause.value, "ELAPSED_SEC": f"{now.since(incident.began):.3f}"}


def _one(paths: Sequence[Member]) -> dict[str, str]:
    """The fields of a path or a map, if the incident is about one."""
    if len(paths) == 1:
        return path_fields(*paths[0])
    maps = {map_.wwid: map_ for map_, _ in paths}
    return map_fields(next(iter(maps.values()))) if len(maps) == 1 else {}


def _because(incident: Incident) -> str:
    """The causes that are known; those that only follow from another one are left out."""
    known = sorted(incident.causes, key=lambda cause: cause.value)
    roots = [cause for cause in known if CAUSES[cause].root] or known
    exact = [cause for cause in roots if CAUSES[cause].exact] or roots
    return f"; cause: {' and '.join(cause_text(cause) for cause in exact)}" if exact else ""


def _kept_budget(incident: Incident) -> str:
    if incident.over_budget:
        return f"; {plural(incident.over_budget, 'outage')} took longer than the timeouts allow"
    if incident.failover is not None:
        return f"; failover within budget ({duration(incident.failover)})"
    return ""


def _io_meanwhile(incident: Incident) -> str:
    """What became of I/O while a map was without a path; of several maps, to the one for which that took longest."""
    stood = incident.standstill
    if stood is None:
        return ""
    most = "up to " if len(incident.maps) > 1 else ""
    if stood.hung is None or stood.failed is None:
        return f"; no path was usable for {most}{duration(stood.without)}"
    if not stood.failed:
        return f"; I/O hung for {most}{duration(stood.hung)}"
    hung = f"hung for {most}{duration(stood.hung)}, then " if stood.hung else ""
    return f"; I/O {hung}failed for {most}{duration(stood.failed)}"


def _intended(incident: Incident, damage: Damage) -> str:
    """What to do if somebody has logged the session out on purpose: nothing shows whether it was meant for good."""
    if incident.causes != {Cause.LOGOUT}:
        return ""
    if len(damage.paths) > 1:
        return "If that was intended and is for good, run mpathd-watch forget for these paths. "
    return f"If that was intended and is for good: {forget(*damage.paths[0])}. "


def _what(paths: Sequence[Member], nexuses: Mapping[str, NexusState], links: Mapping[str, LinkFacts] | None) -> str:
    """What the paths have in common: the path itself, their nexus, what their nexuses share; empty if it is nothing."""
    if len(paths) == 1:
        return path_name(*paths[0])
    through = {path.nexus: path for _, path in paths}
    if "" in through or not through:
        hosts = {path.place.host for _, path in paths}
        return next(iter(hosts)) if len(hosts) == len(through) == 1 else ""
    noun = table.of(next(iter(through.values())).place.transport).words.noun
    if len(through) == 1:
        return f"{noun} {next(iter(through))}"
    return lost_together(through, nexuses, links) or plural(len(through), noun)


def _are_out(damage: Damage) -> str:
    if len(damage.paths) == 1:
        health = damage.paths[0][1].health
        return f"{damage.what} {'has failed' if health is Health.FAILED else f'is {health}'}"
    maps = {map_.wwid: map_ for map_, _ in damage.paths}
    paths = plural(len(damage.paths), "path")
    first = f"{next(iter(maps.values())).label}: {paths}" if len(maps) == 1 else f"{paths} of {len(maps)} maps"
    return f"{first} are out" + (f", with {damage.what}" if damage.what else "")


def _left(damage: Damage, health: MapHealth) -> str:
    """What is left of the maps in this health."""
    maps = damage.maps[health]
    one = len(maps) == 1
    match health:
        case MapHealth.LOST:
            return " ".join((*_absent(maps), *_without_any(damage, [map_ for map_ in maps if map_.exists])))
        case MapHealth.AT_RISK if one and any(path.health in USABLE for path in maps[0].paths.values()):
            last = name(next(path for path in maps[0].paths.values() if path.health in USABLE))
            return f"{maps[0].label} has one usable path left, {last}; {_if_it_fails(damage, maps)}"
        case MapHealth.AT_RISK:
            return f"{_count(maps)} have one usable path left; {_if_it_fails(damage, maps)}"
        case _ if one:
            return f"{maps[0].label}: {usable(maps[0])}."
        case MapHealth.UNKNOWN:
            return f"What is left of {_count(maps)} is not known."
        case _:
            return f"{_count(maps)} have at least two paths left."


def _absent(maps: Sequence[MapState]) -> Iterator[str]:
    """That maps are expected and do not exist."""
    absent = [map_ for map_ in maps if not map_.exists]
    if absent:
        verb = "does" if len(absent) == 1 else "do"
        yield f"{_count(absent)} {verb} not exist; if that is for good, run mpathd-watch forget."


def _without_any(damage: Damage, maps: Sequence[MapState]) -> Iterator[str]:
    """That maps have no path that is usable."""
    if maps:
        verb = "has" if len(maps) == 1 else "have"
        yield f"{_count(maps)} {verb} no usable path: {_without_path(damage, maps, lost=True)}."


def _if_it_fails(damage: Damage, maps: Sequence[MapState]) -> str:
    return f"if it fails, {_without_path(damage, maps, lost=False)}."


def _without_path(damage: Damage, maps: Sequence[MapState], *, lost: bool) -> str:
    """What I/O does without a path: the same for all of them, or the different answers with their numbers."""
    answers: dict[str, int] = {}
    for map_ in maps:
        answer = layers.of(map_.layer).without_path(damage.waiting[map_.wwid], lost)
        answers[answer] = answers.get(answer, 0) + 1
    if len(answers) == 1:
        return next(iter(answers))
    return ", ".join(f"{answer} (of {number})" for answer, number in answers.items())


def _count(maps: Sequence[MapState]) -> str:
    return _names(maps) if len(maps) <= _NAMED else f"{len(maps)} maps ({_names(maps)})"


def _names(maps: Sequence[MapState]) -> str:
    """``mpatha``, ``mpatha and mpathb``, ``mpatha, mpathb and 22 more``."""
    labels = [map_.label for map_ in maps]
    if len(labels) <= _NAMED:
        return " and ".join(labels)
    return f"{', '.join(labels[:_NAMED])} and {len(labels) - _NAMED} more"

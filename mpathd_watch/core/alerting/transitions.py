"""Telling what a turn has come to: which transitions are an alert, which one speaks for others, and what is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import PathKey, Turn
from mpathd_watch.core.model.histogram import Histogram
from mpathd_watch.core.model.vocabulary import USABLE, Health, MapHealth, SourceName
from mpathd_watch.core.state import Due, MapState, PathState, Wait, frozen
from mpathd_watch.core.verdicts.outage import Judgement

Before = Mapping[PathKey, PathState]
"""The paths that a turn has touched, as they were when it began."""


def tell_paths(turn: Turn, before: Before) -> None:
    """Tell of the paths that have changed; those that are up again have no outage any more."""
    spokesmen = _spokesmen(turn, before)
    for key, was in before.items():
        _tell_path(turn, key, was, spokesmen)
    _tell_flapping(turn, before)
    _tell_overdue(turn, before)


def _spokesmen(turn: Turn, before: Before) -> dict[PathKey, int]:
    """Of the paths that have become suspect in this turn, or are so no more, one per session: how many follow it."""
    spokesmen: dict[str, PathKey] = {}
    followers: dict[PathKey, int] = {}
    for wwid, label in sorted(before, key=lambda key: before[key].flaps.flapping):
        path = turn.whole_map(wwid).paths[label]
        if path.health is not path.announced and _merely_suspect(path):
            first = spokesmen.setdefault(path.session, (wwid, label))
            followers[first] = followers.get(first, -1) + 1
    return followers


def _merely_suspect(path: PathState) -> bool:
    """Whether the news of a path is a doubt, or that a doubt has come to nothing."""
    outage = path.outage
    return path.health in USABLE and outage is not None and not outage.real


def _tell_path(turn: Turn, key: PathKey, before: PathState, spokesmen: Mapping[PathKey, int]) -> None:
    wwid, label = key
    known = turn.maps[wwid]
    path = known.paths[label]
    outage = path.outage
    if outage is not None and path.health not in (path.announced, Health.UNKNOWN):
        turn.emit(
            messages.path_changed(
                _scene(turn, known),
                before,
                path,
                outage,
                spoken_for=_merely_suspect(path) and key not in spokesmen,
                siblings=spokesmen.get(key, 0),
            )
        )
        outage = replace(outage, told=outage.cause)
        path = replace(path, announced=path.health, outage=outage)
    elif outage is not None and outage.counted and outage.told not in (None, outage.cause):
        turn.emit(messages.path_cause(_scene(turn, known), path, outage))
        outage = replace(outage, told=outage.cause)
        path = replace(path, outage=outage)
    if outage is not None and path.health is Health.UP:
        if outage.real:
            # What its disk counted meanwhile is nothing that the next outage begins with.
            turn.refresh_devices([path.dev])
            _count_phases(turn, outage.judgement or Judgement())
            path = replace(path, last_outage=outage, reinstatements=path.reinstatements + 1)
        path = replace(path, outage=None)
    if path is not known.paths[label]:
        turn.paths(wwid)[label] = path


def _scene(turn: Turn, known: MapState) -> messages.Scene:
    return messages.Scene(known, turn.sessions, turn.links, turn.now, multipathd_up=turn.is_up(SourceName.MULTIPATHD))


def _tell_flapping(turn: Turn, before: Before) -> None:
    """Tell of each path that has begun or ceased to flap; of those that go through one session, one speaks for all."""
    spoken: set[str] = set()
    for (wwid, label), was in before.items():
        known = turn.whole_map(wwid)
        path = known.paths[label]
        if path.flaps.flapping is was.flaps.flapping:
            continue
        spoken_for = path.session != "" and path.session in spoken
        spoken.add(path.session)
        turn.emit(
            messages.path_flapping(known, path, turn.now, turn.settings.flap_window_seconds, spoken_for=spoken_for)
            if path.flaps.flapping
            else messages.path_steady(known, path, turn.now, what=was.flaps, spoken_for=spoken_for)
        )


def _tell_overdue(turn: Turn, before: Before) -> None:
    """Tell once of each path that has become overdue; of those that a lost session took along, one speaks for all."""
    late: dict[str, list[PathKey]] = {}
    for (wwid, label), was in before.items():
        path = turn.whole_map(wwid).paths[label]
        if path.overdue and not was.overdue and path.outage is not None:
            spokesman = path.session if path.outage.shared or path.health is Health.SUSPECT else ""
            late.setdefault(spokesman or f"{wwid} {label}", []).append((wwid, label))
    for keys in late.values():
        for number, (wwid, label) in enumerate(keys):
            known = turn.maps[wwid]
            turn.emit(
                messages.path_overdue(
                    known,
                    known.paths[label],
                    turn.now,
                    siblings=len(keys) - 1,
                    spoken_for=number > 0,
                    multipathd_up=turn.is_up(SourceName.MULTIPATHD),
                )
            )


def _count_phases(turn: Turn, judgement: Judgement) -> None:
    """Put an outage that is over into the totals."""
    verdicts = {**turn.counters.verdicts, judgement.verdict: turn.counters.verdicts.get(judgement.verdict, 0) + 1}
    phases = dict(turn.counters.phases)
    for phase, seconds in judgement.phases.items():
        phases[phase] = phases.get(phase, Histogram()).observed(seconds)
    turn.counters = replace(turn.counters, verdicts=frozen(verdicts), phases=frozen(phases))


def tell_map(turn: Turn, known: MapState, previous: MapHealth) -> None:
    """Tell a new verdict; a map that has just appeared may first gather its paths.

    At the start multipathd is heard first: whether I/O fails or hangs is half of the news.
    """
    if known.health is MapHealth.UNKNOWN or Due(Wait.SETTLE, known.wwid) in turn.deadlines or not turn.multipathd_heard:
        return
    if known.health is not known.announced:
        # After the time to settle, the verdict is an old one that nobody has been told.
        told = MapHealth.UNKNOWN if previous is known.health else previous
        turn.emit(messages.map_changed(known, told, turn.now))
    if known.health is not known.announced or (known.health is MapHealth.HEALTHY and known.troubled is not None):
        turn.maps[known.wwid] = replace(
            known,
            announced=known.health,
            troubled=None if known.health is MapHealth.HEALTHY else known.troubled,
        )

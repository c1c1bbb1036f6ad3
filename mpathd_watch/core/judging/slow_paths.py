"""When paths are compared with their siblings (``quality``), and what is told of it."""

from __future__ import annotations

from dataclasses import replace

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import Turn
from mpathd_watch.core.model.vocabulary import USABLE, Health
from mpathd_watch.core.state import Due, MapState, Wait
from mpathd_watch.core.verdicts import slow_path

_RATE = Due(Wait.QUALITY)


def due(turn: Turn) -> None:
    """Compare the paths of all maps if the time for it has come, and see to it that it comes."""
    moment = turn.deadlines.get(_RATE)
    if moment is not None and moment > turn.now.monotonic:
        return
    if moment is not None:
        for wwid in tuple(turn.maps):
            _rate(turn, wwid)
    turn.deadlines.pop(_RATE, None)
    if turn.maps:
        turn.deadlines[_RATE] = turn.now.monotonic + slow_path.INTERVAL


def _rate(turn: Turn, wwid: str) -> None:
    known = turn.whole_map(wwid)
    found = slow_path.evaluate({label: path.quality for label, path in known.paths.items()}, _readings(turn, known))
    for label, after in found.items():
        path = known.paths[label]
        if after == path.quality:
            continue
        changed = replace(path, quality=after)
        turn.paths(wwid)[label] = changed
        if after.slow is not path.quality.slow and path.health in USABLE:
            turn.emit(
                messages.path_slow(known, changed, after)
                if after.slow
                else messages.path_steady(known, changed, turn.now, what=after)
            )


def _readings(turn: Turn, known: MapState) -> list[slow_path.Reading]:
    readings = []
    for label, path in known.paths.items():
        session = turn.session_of(path)
        tcp = session.facts.tcp if session else None
        # Of a path that nobody knows anything of at present there is no data, and its verdict stands.
        unknown = path.health is Health.UNKNOWN
        readings.append(
            slow_path.Reading(
                label=label,
                usable=unknown or path.health in USABLE,
                io=None if unknown else path.io,
                rtt=tcp.rtt if tcp and not unknown else None,
                session=path.session,
            )
        )
    return readings

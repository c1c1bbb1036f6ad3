"""How long maps were at risk and lost, added up from the changes of their health."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any, Final

from mpathd_watch.store.schema import MICRO

_SHOWN: Final = frozenset({b"at_risk", b"lost"})


class Watched:
    """How long maps were in which health; by WWID, in microseconds within a span of time."""

    def __init__(self, begin: float, end: float) -> None:
        self.names: dict[bytes, Any] = {}
        self._begin, self._end = begin, end
        self._added: dict[tuple[bytes, Any], float] = {}

    def add(self, wwid: bytes, health: Any, since: float, until: float) -> None:
        """The map was in this health from ``since`` to ``until``."""
        since = since if since > self._begin else self._begin  # noqa: FURB136  # max() takes three times as long
        until = until if until < self._end else self._end  # noqa: FURB136
        if until > since:
            self._added[wwid, health] = self._added.get((wwid, health), 0.0) + until - since

    def seconds(self, wwid: bytes, health: bytes) -> float:
        """The seconds for which the map was in this health."""
        return self._added.get((wwid, health), 0.0) / MICRO


def watched(changes: Iterable[tuple[Any, ...]], ends: Iterable[float], begin: float, end: float) -> Watched:
    """What the changes add up to. From each moment in ``ends`` to the next change of a map, nobody watched."""
    watch, now = Watched(begin, end), dict[bytes, tuple[Any, float]]()
    unwatched = iter(ends)
    ended = next(unwatched, inf)
    for wwid, name, at, health in changes:
        if not isinstance(at, int) or not isinstance(wwid, bytes):
            continue
        while at >= ended:
            _stop(watch, now, ended)
            ended = next(unwatched, inf)
        before = now.get(wwid)
        if before is None:
            watch.names[wwid] = name
        elif before[0] in _SHOWN:
            watch.add(wwid, *before, at)
        now[wwid] = (health, at)
    _stop(watch, now, min(ended, end))
    return watch


def _stop(watch: Watched, now: dict[bytes, tuple[Any, float]], at: float) -> None:
    for wwid, before in now.items():
        if before[0] in _SHOWN:
            watch.add(wwid, *before, at)
    now.clear()

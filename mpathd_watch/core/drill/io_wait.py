"""The slowest I/O of a drill, as far as the disks' own statistics show it.

A disk counts its I/Os and the time that they took in all (``IoFacts``). Of those that ended between two readings, the
slowest took at least their mean. While a path's I/O is held, none ends. Then all that were held end at once, so their
mean is close to what the slowest has taken.
"""

from __future__ import annotations

from mpathd_watch.core.drill.target import Key
from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.immutable import immutable


@immutable
class SlowIo:
    """At least one I/O of this path took ``seconds``, the mean of ``ios`` reads or writes."""

    map: str
    path: str
    seconds: float
    ios: int


def slowest(before: IoFacts | None, now: IoFacts | None) -> tuple[float, int]:
    """The larger mean of the reads and the writes between two readings, in seconds, and of how many.

    ``(0.0, 0)`` where none ended, or the counters are those of another disk or have wrapped.
    """
    if before is None or now is None:
        return 0.0, 0
    kinds = (
        (now.reads - before.reads, now.read_ms - before.read_ms),
        (now.writes - before.writes, now.write_ms - before.write_ms),
    )
    return max(((ms / 1000 / ios, ios) for ios, ms in kinds if ios > 0 and ms >= 0), default=(0.0, 0))


def slower(known: SlowIo | None, map_: str, key: Key, before: IoFacts | None, now: IoFacts | None) -> SlowIo | None:
    """The slower one of ``known`` and what the path shows between two readings."""
    seconds, ios = slowest(before, now)
    if not ios or (known is not None and known.seconds >= seconds):
        return known
    return SlowIo(map_, key[1], seconds, ios)

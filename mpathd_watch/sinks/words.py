"""The words of the vocabularies as sentences show them, and their order from the worst to the best."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mpathd_watch.core.catalog.causes import CAUSES
from mpathd_watch.core.model.vocabulary import NO_MODULE, Cause, Health, MapHealth

MAPS_WORST_FIRST: Final = (
    MapHealth.LOST,
    MapHealth.AT_RISK,
    MapHealth.DEGRADED,
    MapHealth.UNKNOWN,
    MapHealth.HEALTHY,
)
PATHS_WORST_FIRST: Final = (
    Health.MISSING,
    Health.FAILED,
    Health.RECOVERING,
    Health.STALLED,
    Health.SUSPECT,
    Health.UNKNOWN,
    Health.UP,
)


def badness(health: str, worst_first: Iterable[str]) -> int:
    """A sort key, 0 for the worst. A word of a newer daemon comes before all others, so that nobody overlooks it."""
    ranks = {word: rank for rank, word in enumerate(worst_first)}
    return ranks.get(health, -1)


def cause(word: str) -> str:
    """``connection error`` for ``connection_error``; a word of a newer daemon stays as it is."""
    if word == Cause.UNKNOWN:
        return "cause unknown"
    try:
        return CAUSES[Cause(word)].text
    except ValueError:
        return word


def in_words(word: str) -> str:
    """``at risk`` for ``at_risk``."""
    return word.replace("_", " ")


def clock(seconds: float) -> str:
    """``00:02:11``."""
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def counted(healths: Iterable[str]) -> str:
    """``2 healthy, 1 at risk``, best first."""
    found = list(healths)
    ours = [word.value for word in reversed(MAPS_WORST_FIRST)]
    words = [*ours, *sorted(set(found) - set(ours))]
    return ", ".join(f"{found.count(word)} {in_words(word)}" for word in words if word in found)


def missed(up: bool | None, reason: str | None) -> bool:
    """Whether a source does not answer that should. On a host without iSCSI, none is expected of the kernel's iSCSI."""
    return up is False and reason != NO_MODULE

"""What has changed in a drill, one sentence for all paths that it has happened to."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf

from mpathd_watch.core.catalog import causes
from mpathd_watch.core.drill.following import Following, Track
from mpathd_watch.core.drill.plan import Choice
from mpathd_watch.core.drill.result import PhaseResult, measured
from mpathd_watch.core.model.identity import in_order
from mpathd_watch.core.model.text import clean, duration, plural
from mpathd_watch.core.model.vocabulary import Cause, Health, Phase
from mpathd_watch.immutable import immutable

WARNING = "WARNING: "


@immutable
class _Change:
    """What happens to several paths at once: paths with the same label, to the same health, for the same cause."""

    path: str
    before: Health
    health: Health
    cause: Cause
    expected: bool


def changes(before: Following, after: Following) -> Iterator[str]:
    """A sentence for each thing that has happened between the two."""
    found: dict[_Change, list[Track]] = {}
    for key, track in after.tracks.items():
        old = before.tracks.get(key)
        health = Health.UP if old is None else old.health
        if track.health is not health:
            outage = track.shown
            cause = Cause.UNKNOWN if outage is None else outage.cause
            change = _Change(track.path, health, track.health, cause, after.expected(key) or after.choice is None)
            found.setdefault(change, []).append(track)
    for change in sorted(found, key=lambda each: in_order(each.path)):
        yield _sentence(change, found[change], after)
    for name in after.lost_maps[len(before.lost_maps) :]:
        undo = f"; undo the fault now: {' && '.join(_undo(after))}" if _undo(after) else "; undo the fault now"
        yield f"{WARNING}map {clean(name)} has no usable path left{undo}"


def undo(choice: Choice) -> tuple[str, ...]:
    """The commands that undo the fault, if the shortest way was taken."""
    return choice.ways[0].undo if choice.ways else ()


def _undo(following: Following) -> tuple[str, ...]:
    return () if following.choice is None else undo(following.choice)


def _sentence(change: _Change, tracks: list[Track], after: Following) -> str:
    maps = clean(tracks[0].map) if len(tracks) == 1 else plural(len(tracks), "map")
    who = f"path {clean(change.path)} of {maps}"
    strange = "" if change.expected or change.health is Health.UP else f"{WARNING}not part of the drill: "
    return f"{strange}{who} {_what(change, tracks[0], after)}"


def _what(change: _Change, track: Track, after: Following) -> str:
    match change.health:
        case Health.SUSPECT:
            return f"is suspect{_because(change.cause)}{_within(track, after, 'the kernel must notice')}"
        case Health.STALLED:
            took = _took(track, Phase.DETECTION, after, "; noticed")
            return f"is stalled{_because(change.cause)}; its I/O is held{took}{_within(track, after, 'it must move')}"
        case Health.FAILED:
            return f"has failed{_because(change.cause)}; its I/O has moved{_took(track, Phase.FAILOVER, after)}"
        case Health.RECOVERING:
            return f"has its connection back{_within(track, after, 'it must be reinstated')}"
        case Health.UP if track.lost:
            return f"is in use again{_took(track, Phase.REINSTATEMENT, after, '; reinstated')}"
        case Health.UP:
            return "is up again; it never failed"
        case Health.MISSING:
            return "is missing: it has left its map"
        case _:
            return "is not known: the sources do not answer"


def _because(cause: Cause) -> str:
    return "" if cause is Cause.UNKNOWN else f" ({causes.text(cause)})"


def _within(track: Track, after: Following, what: str) -> str:
    if track.deadline is None:
        return ""
    return f"; {what} within {duration(max(0.0, track.deadline.monotonic - after.now.monotonic))}"


def _took(track: Track, phase: Phase, after: Following, what: str = "") -> str:
    """How long the phase took, and what was promised."""
    outage = track.shown
    for each in () if outage is None else measured(outage, after.slack):
        if each.phase is phase and each.measured is not None:
            return f"{what} after {duration(each.measured)} ({_promised(each)})"
    return ""


def _promised(result: PhaseResult) -> str:
    if isinf(result.promised):
        return "nothing was promised"
    return f"promised: {duration(result.promised)} at most{', TOO LATE' if result.kept is False else ''}"

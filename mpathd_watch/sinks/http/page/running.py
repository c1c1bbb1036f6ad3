"""The outages that go on, each with the time that is left to its phase; those with the same cause are one entry."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from math import ceil, inf
from typing import Final

from mpathd_watch.core.model.text import duration, listed, plural
from mpathd_watch.core.model.vocabulary import Health
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.http.page.html import badge, map_link, sentence, short_list
from mpathd_watch.sinks.status.document import Document, MapEntry, PathEntry
from mpathd_watch.sinks.status.promises import time_left
from mpathd_watch.sinks.status.remarks import remarks
from mpathd_watch.sinks.words import PATHS_WORST_FIRST, badness

MOST: Final = 12
"""Entries that are shown. More are counted: the maps below have them all."""
COUNTED_DOWN: Final = 120.0
"""Seconds left from which on the browser counts down by itself."""
_WHAT_FOR: Final[dict[str, str]] = {
    Health.SUSPECT: "for the kernel to detect the loss",
    Health.STALLED: "for the kernel to give the session up",
    Health.RECOVERING: "for multipathd to reinstate the path",
}


@immutable
class _Outage:
    """The outages that look alike: the paths with one label, in one health, of one cause; the first one is ``path``."""

    path: PathEntry
    text: str
    maps: tuple[str, ...]


def running(document: Document, maps: Iterable[MapEntry]) -> str:
    """The section about the outages of these maps that go on; empty if there is none."""
    found = sorted(_outages(document, maps), key=_urgency)
    if not found:
        return ""
    rest = len(found) - MOST
    more = f"{plural(rest, 'other outage')} below" if rest > 0 else ""
    return short_list("running", "Running outages", [_entry(outage) for outage in found[:MOST]], more)


def _outages(document: Document, maps: Iterable[MapEntry]) -> Iterable[_Outage]:
    alike: dict[tuple[str, str, str, bool], list[tuple[PathEntry, str]]] = {}
    for entry in maps:
        for path in entry["paths"]:
            if path["outage"] is not None and path["health"] != Health.UP:
                text = next(remarks(document, path), "")
                key = (path["path"], path["health"], text, path["overdue"])
                alike.setdefault(key, []).append((path, entry["map"]))
    for (_, _, text, _), paths in alike.items():
        soonest = min(paths, key=lambda item: _left(item[0]))[0]
        yield _Outage(soonest, text, tuple(name for _, name in paths))


def _left(path: PathEntry) -> float:
    left = path.get("seconds_left")
    return inf if left is None else left


def _urgency(outage: _Outage) -> tuple[float, int]:
    return _left(outage.path), badness(outage.path["health"], PATHS_WORST_FIRST)


def _entry(outage: _Outage) -> str:
    path, passed = outage.path, outage.path["outage"]
    lasted = "" if passed is None else f"<small>for {duration(passed['seconds'])}</small>"
    first, *others = outage.maps
    names = map_link(first) if not others else f"{len(outage.maps)} maps: {escape(listed(outage.maps))}"
    return (
        f"<li><div>{badge(path['health'])} <strong>{escape(path['path'])}</strong> "
        f'<span class="cause">{escape(sentence(outage.text))}</span></div>'
        f"<div>{names} {lasted}</div>{_count_down(path)}</li>"
    )


def _count_down(path: PathEntry) -> str:
    """The time left, in words and as a bar that fills; the browser lets both run until the page is renewed."""
    left, text = path.get("seconds_left"), time_left(path)
    if left is None:
        return ""
    if path["overdue"] or left <= 0:
        return f'<div class="left"><span class="off">{text}</span></div>'
    what_for = _WHAT_FOR.get(path["health"], "")
    used = min(max(path["seconds"] / (path["seconds"] + left), 0.0), 1.0)
    style = f"--n:{ceil(left)};--d:{left:.1f}s;--u:{used:.3f}"
    counts = ' class="count"' if left <= COUNTED_DOWN else ""
    return (
        f'<div class="left" style="{style}"><span{counts} role="timer" aria-label="{text}"><b>{text}</b></span> '
        f'{what_for}<i class="bar"><i></i></i></div>'
    )

"""The status document on a terminal.

For an administrator who was just woken: the overview first, the worst map on top, one line for each path of a map that
has a fault and one for each other map, and the remedy for each source that does not answer.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from datetime import tzinfo

from mpathd_watch.core.model.text import clean, duration, plural
from mpathd_watch.core.model.vocabulary import Health, MapHealth
from mpathd_watch.sinks import words
from mpathd_watch.sinks.status.access import shows_access, usable
from mpathd_watch.sinks.status.choice import ALL, Choice, chosen, has_fault, is_there
from mpathd_watch.sinks.status.document import Document, IncidentEntry, MapEntry, PathEntry, SourceEntry
from mpathd_watch.sinks.status.overview import clock_or_date, maps_worst_first, outlook, overview_of, paths_worst_first
from mpathd_watch.sinks.status.promises import findings, promises, time_left
from mpathd_watch.sinks.status.remarks import remarks

MOST_INCIDENTS = 4
"""Incidents that are shown. More are counted: the maps below have them all."""
_RESET = "\x1b[0m"
_BOLD = "\x1b[1m"
_DIM = "\x1b[2m"
_RED = "\x1b[31m"
_BOLD_RED = "\x1b[1;31m"
_WHITE_ON_RED = "\x1b[1;37;41m"
_GREEN = "\x1b[32m"
_YELLOW = "\x1b[33m"
_CYAN = "\x1b[36m"

_COLOURS: dict[str, str] = {
    MapHealth.HEALTHY: _GREEN,
    MapHealth.DEGRADED: _YELLOW,
    MapHealth.AT_RISK: _BOLD_RED,
    MapHealth.LOST: _WHITE_ON_RED,
    MapHealth.UNKNOWN: _CYAN,
    Health.MISSING: _RED,
    Health.FAILED: _RED,
    Health.RECOVERING: _CYAN,
    Health.STALLED: _YELLOW,
    Health.SUSPECT: _YELLOW,
    Health.UP: _GREEN,
}


def render(
    document: Document, *, colour: bool, width: int | None = None, zone: tzinfo | None = None, choice: Choice = ALL
) -> str:
    """The screen, ending in a newline; see ``lines``."""
    return "".join(f"{line}\n" for line in lines(document, colour=colour, width=width, zone=zone, choice=choice))


def lines(
    document: Document, *, colour: bool, width: int | None = None, zone: tzinfo | None = None, choice: Choice = ALL
) -> list[str]:
    """The lines of the screen. The first is about the whole host, the others about what ``choice`` takes.

    Lines are cut at ``width`` characters (``None``: never), except a remedy, which is wrapped. Times are in ``zone``,
    or in the host's own zone. A map that is asked for by name is shown with its paths in any case.
    """
    shown = chosen(document, choice)
    screen = _Screen(shown, zone)
    found = [_Line().add(overview_of(document), _BOLD)]
    going_on = document.get("incidents", [])
    found += [line for incident in going_on[:MOST_INCIDENTS] for line in screen.incident(incident, width)]
    if len(going_on) > MOST_INCIDENTS:
        found.append(_Line().add(f"{plural(len(going_on) - MOST_INCIDENTS, 'other incident')}", _BOLD_RED))
    brief: list[MapEntry] = []
    for entry in maps_worst_first(shown):
        if choice.map or has_fault(entry):
            found += [_Line(), *screen.map(entry)]
        else:
            brief.append(entry)
    if brief:
        found += [_Line(), *screen.healthy(brief)]
    if not shown["maps"] and document["daemon"]["started"] and choice != ALL:
        found += [_Line(), _Line().add(_nothing(document, choice))]
    timeouts = list(screen.timeouts())
    if timeouts:
        found += [_Line(), *timeouts]
    down = [source for source in document["sources"] if words.missed(source["up"], source["reason"])]
    if down:
        found += [_Line(), *(line for source in down for line in screen.source(source, width))]
    return [line.text(colour=colour, width=width) for line in found]


def _nothing(document: Document, choice: Choice) -> str:
    """Why nothing is shown of what was chosen."""
    if not choice.map:
        return "no map has a problem"
    if is_there(document, choice.map):
        return f"{clean(choice.map)} has no problem"
    return f"there is no map {clean(choice.map)}"


class _Line:
    """One line, built from pieces of text with their colours."""

    def __init__(self) -> None:
        self._pieces: list[tuple[str, str]] = []

    def add(self, text: str, colour: str = "") -> _Line:
        self._pieces.append((clean(text) if not text.isprintable() else text, colour))
        return self

    def text(self, *, colour: bool, width: int | None) -> str:
        pieces, room = [], width
        for text, code in self._pieces:
            shown = text
            if room is not None:
                if len(text) > room:
                    shown = f"{text[: max(room - 1, 0)]}…" if room > 0 else ""
                room -= len(text)
            pieces.append(f"{code}{shown}{_RESET}" if colour and code and shown.strip() else shown)
        return "".join(pieces).rstrip()


class _Screen:
    """The lines, with the widths of the columns, which are the same for all maps."""

    def __init__(self, document: Document, zone: tzinfo | None) -> None:
        self._document = document
        self._zone = zone
        paths = [path for entry in document["maps"] for path in entry["paths"]]
        self._path_width = _widest([path["path"] for path in paths])
        self._health_width = _widest([path["health"] for path in paths])
        self._since_width = _widest([self._since(path["since"], path["seconds"]) for path in paths])
        self._dev_width = _widest([path["dev"] or "-" for path in paths])
        self._hctl_width = _widest([path["hctl"] or "-" for path in paths])

    def map(self, entry: MapEntry) -> Iterator[_Line]:
        health, io = entry["health"], outlook(entry)
        yield (
            _Line()
            .add(entry["map"], _BOLD)
            .add("  ")
            .add(words.in_words(health).upper(), _COLOURS.get(health, ""))
            .add(f"  {usable(entry)}")
            .add(f"  since {self._since(entry['since'], entry['seconds'])}")
            .add(f"  {io}" if io else "", _COLOURS.get(health, ""))
            .add("  SUSPENDED" if entry["suspended"] else "", _BOLD_RED)
            .add(f"  {_hardware(entry)}", _DIM)
        )
        access = shows_access(entry)
        yield from (self._path(path, access) for path in paths_worst_first(entry))

    def healthy(self, entries: list[MapEntry]) -> Iterator[_Line]:
        """One line for each map without a fault."""
        names = _widest([clean(entry["map"]) for entry in entries])
        counts = _widest([_up(entry) for entry in entries])
        since = _widest([self._moment(entry) for entry in entries])
        dm = _widest([entry["sysfs_name"] or "-" for entry in entries])
        for entry in entries:
            yield (
                _Line()
                .add(f"{clean(entry['map']):<{names}}  ", _BOLD)
                .add(words.in_words(entry["health"]).upper(), _COLOURS.get(entry["health"], ""))
                .add(f"  {_up(entry):<{counts}}  since {self._moment(entry):<{since}}")
                .add(f"  {entry['sysfs_name'] or '-':<{dm}}  {_inquiry(entry)}", _DIM)
            )

    def incident(self, incident: IncidentEntry, width: int | None) -> Iterator[_Line]:
        """An incident that goes on. It is never cut: it is what the reader was woken for."""
        what = incident["what"] or f"{plural(incident['paths'], 'path')} of {plural(incident['maps'], 'map')}"
        causes = " and ".join(words.cause(cause) for cause in incident["causes"])
        because = f"; cause: {causes}" if causes and incident["what"] else ""
        since = self._since(incident["began"], incident["seconds"])
        text = f"{clean(what)}{because}, since {since}; {incident['out']} of {plural(incident['paths'], 'path')} not up"
        for number, part in enumerate(textwrap.wrap(text, width=max((width or sys.maxsize) - 10, 20))):
            yield _Line().add("incident: " if number == 0 else " " * 10, _BOLD_RED).add(part)
        yield _Line().add(f"{' ' * 10}journalctl MPATHD_WATCH_INCIDENT={incident['id']}", _DIM)

    def timeouts(self) -> Iterator[_Line]:
        """The timeouts in force, what they promise, and whether the audit has findings."""
        for promise in promises(self._document):
            line = _Line().add(f"{promise.who}: noop {promise.live}; {promise.promised}", _DIM)
            yield line.add(f"  {promise.configured}", _YELLOW) if promise.configured else line
        if found := findings(self._document):
            yield _Line().add(found, _YELLOW)

    def source(self, source: SourceEntry, width: int | None) -> Iterator[_Line]:
        line = _Line().add(f"{source['source']} does not answer", _BOLD_RED)
        if source["last_success"] is not None and source["seconds"] is not None:
            line.add(f"  last answer {self._since(source['last_success'], source['seconds'])}")
        yield line
        # The remedy is never cut: it is what the reader needs.
        remedy = clean(source["detail"] or source["reason"] or "no reason given")
        for part in textwrap.wrap(remedy, width=max((width or sys.maxsize) - 2, 20)):
            yield _Line().add(f"  {part}")

    def _path(self, path: PathEntry, access: bool) -> _Line:
        health, left = path["health"], time_left(path)
        return (
            _Line()
            .add(f"  {path['path']:<{self._path_width}}  ")
            .add(f"{health:<{self._health_width}}", _COLOURS.get(health, ""))
            .add(f"  {self._since(path['since'], path['seconds']):<{self._since_width}}")
            .add(f"  {path['dev'] or '-':<{self._dev_width}}  {path['hctl'] or '-':<{self._hctl_width}}")
            .add(f"  {left}" if left else "", _BOLD_RED if path["overdue"] else "")
            .add("".join(f"  {remark}" for remark in remarks(self._document, path)))
            .add(_raw(path, access))
        )

    def _moment(self, entry: MapEntry) -> str:
        return clock_or_date(entry["since"], entry["seconds"], self._zone)

    def _since(self, moment: str, seconds: float) -> str:
        return f"{clock_or_date(moment, seconds, self._zone)} ({duration(seconds)})"


def _widest(texts: list[str]) -> int:
    return max(map(len, texts), default=0)


def _up(entry: MapEntry) -> str:
    """``2 of 2 up`` of a healthy map, and how many are optimized where that says something."""
    optimized = f", {entry['optimized']} optimized" if shows_access(entry) else ""
    return f"{entry['usable']} of {entry['expected']} up{optimized}"


def _hardware(entry: MapEntry) -> str:
    return " ".join(name for name in (entry["wwid"], entry["sysfs_name"], _inquiry(entry)) if name)


def _inquiry(entry: MapEntry) -> str:
    return " ".join(name for name in (entry["vendor"], entry["product"]) if name)


def _raw(path: PathEntry, access: bool) -> str:
    """The raw states of a path that is not up, and with ``access`` the access state of any path."""
    down, states = path["health"] != Health.UP, path["states"].items()
    raw = ", ".join(f"{name} {word}" for name, word in states if word and (access if name == "access" else down))
    return f"  [{raw}]" if raw else ""

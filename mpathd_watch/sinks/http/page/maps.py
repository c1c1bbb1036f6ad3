"""The maps: those with a fault as a table of their paths, the worst first, and one line for each other one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from html import escape
from typing import Final

from mpathd_watch.core.model.text import duration, plural
from mpathd_watch.core.model.vocabulary import AccessState, CheckerState, DeviceState, DmState, Health, SessionStatus
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.dates import date
from mpathd_watch.sinks.http.page.day import bar
from mpathd_watch.sinks.http.page.html import DASH, badge, map_link, since, text_or_dash, tone
from mpathd_watch.sinks.http.page.wanted import address_of_map
from mpathd_watch.sinks.status.access import shows_access, usable
from mpathd_watch.sinks.status.choice import has_fault
from mpathd_watch.sinks.status.document import Document, MapEntry, PathEntry
from mpathd_watch.sinks.status.overview import clock_or_date, outlook, paths_worst_first
from mpathd_watch.sinks.status.promises import time_left
from mpathd_watch.sinks.status.remarks import remarks
from mpathd_watch.store.day import Day

MOST_TABLES: Final = 8
"""Maps that are shown with their paths; of the others with a fault, there is one line."""
MOST_LINES: Final = 1000
"""Maps that are shown in one line."""
_FINE: Final = frozenset(
    {
        DmState.ACTIVE,
        CheckerState.READY,
        CheckerState.GHOST,
        DeviceState.RUNNING,
        DeviceState.LIVE,
        SessionStatus.LOGGED_IN,
        *(AccessState.OPTIMIZED, AccessState.NON_OPTIMIZED, AccessState.LBA_DEPENDENT),
    }
)


@immutable
class Maps:
    """What the maps are shown with: the whole status, the last 24 hours, the wall clock now, and the time zone."""

    document: Document
    day: Day | None
    now: float
    zone: tzinfo | None = None
    zone_name: str = "UTC"

    def html(self, entries: Sequence[MapEntry], *, whole: bool) -> str:
        """These maps, in their order. With ``whole`` each is shown with its paths, as far as there is room."""
        tables = [entry for entry in entries if whole or has_fault(entry)][:MOST_TABLES]
        shown = {entry["wwid"] for entry in tables}
        lines = [entry for entry in entries if entry["wwid"] not in shown]
        return "".join(self._table(entry) for entry in tables) + self._lines(lines)

    def _table(self, entry: MapEntry) -> str:
        health, access = entry["health"], shows_access(entry)
        facts = " · ".join(map(escape, _facts(entry)))
        rows = "".join(self._path(path, access) for path in paths_worst_first(entry))
        day = bar(self.day, entry, self.now, self.zone)
        return (
            f'<section class="map {tone(health)}"><div class="head"><h2>{map_link(entry["map"])}</h2>{badge(health)}'
            f"<span>{usable(entry)}</span>"
            f'<span class="since">since {since(entry["since"], entry["seconds"], self.zone)}</span>{_outlook(entry)}'
            f'</div><p class="facts">{facts}</p>{day}'
            '<div class="wide"><table class="paths"><thead><tr><th>Path</th><th>Health</th><th>Outage</th>'
            f"<th>Since ({self.zone_name.partition(' ')[0]})</th><th>Device</th><th>Portal and target</th><th>dm</th>"
            "<th>Checker</th><th>SCSI device</th><th>Session</th></tr></thead>"
            f"<tbody>{rows}</tbody></table></div></section>\n"
        )

    def _path(self, path: PathEntry, access: bool) -> str:
        states = path["states"]
        trouble = "" if path["health"] == Health.UP else ' class="trouble"'
        clock = clock_or_date(path["since"], path["seconds"], self.zone)
        device = f"{_state(states['device'])}{_access(path) if access else ''}"
        cells = (
            f'<td class="name">{escape(path["path"])}</td>',
            f'<td class="health">{badge(path["health"])}</td>',
            self._outage(path),
            f'<td data-label="Since">{clock}<small>{duration(path["seconds"])}</small></td>',
            f'<td data-label="Device">{text_or_dash(path["dev"])}<small>{text_or_dash(path["hctl"])}</small></td>',
            f'<td class="target" data-label="Portal and target">{text_or_dash(path["portal"])}{_iface(path)}'
            f"<small>{text_or_dash(path['target'])}</small></td>",
            f'<td data-label="dm">{_state(states["dm"])}</td>',
            f'<td data-label="Checker">{_state(states["checker"])}</td>',
            f'<td data-label="SCSI device">{device}</td>',
            f'<td data-label="Session">{_state(states["session"])}</td>',
        )
        return f"<tr{trouble}>{''.join(cells)}</tr>"

    def _outage(self, path: PathEntry) -> str:
        outage, text = path["outage"], escape(", ".join(remarks(self.document, path)))
        if outage is None:
            return f'<td class="outage">{text}</td>' if text else f'<td class="outage none">{DASH}</td>'
        return f'<td class="outage">{text}<small>for {duration(outage["seconds"])}{_time_left(path)}</small></td>'

    def _lines(self, entries: Sequence[MapEntry]) -> str:
        if not entries:
            return ""
        rest = len(entries) - MOST_LINES
        more = f"{plural(rest, 'other map')}: search for them, or see the problems"
        more = f'<p class="facts">{more}</p>' if rest > 0 else ""
        lines = "".join(map(self._line, entries[:MOST_LINES]))
        day = f"Last 24 h, to {date(self.now, self.zone):%H:%M} {self.zone_name}" if self.day is not None else ""
        names = "".join(f"<span>{name}</span>" for name in ("Map", "Health", "Paths", "Device", day))
        return f'<section class="lines"><ul><li class="names">{names}</li>{lines}</ul>{more}</section>\n'

    def _line(self, entry: MapEntry) -> str:
        inquiry = " ".join(name for name in (entry["vendor"], entry["product"]) if name)
        text = f'<span class="dull">{escape(" ".join(filter(None, (entry["sysfs_name"], inquiry))))}</span>'
        if has_fault(entry):
            text = f'<span class="cause">{escape(self._worst(entry))}</span>'
        return (
            f'<li><a class="name" href="{address_of_map(entry["map"])}">{escape(entry["map"])}</a>'
            f"{badge(entry['health'])}<span>{entry['usable']} of {entry['expected']} up</span>"
            f"{text}{bar(self.day, entry, self.now, self.zone)}</li>"
        )

    def _worst(self, entry: MapEntry) -> str:
        """The worst path of the map, and what is wrong with it; else what is wrong with the map."""
        for path in paths_worst_first(entry)[:1]:
            if text := ", ".join(remarks(self.document, path)):
                return f"{path['path']}: {text}"
        return "suspended" if entry["suspended"] else outlook(entry)


def _facts(entry: MapEntry) -> Iterator[str]:
    yield from filter(None, (entry["wwid"], entry["sysfs_name"]))
    if inquiry := " ".join(name for name in (entry["vendor"], entry["product"]) if name):
        yield inquiry
    if entry["queueing"]:
        yield f"queueing {entry['queueing']}"


def _access(path: PathEntry) -> str:
    """A standby path that is up is as it should be: such arrays have passive controllers."""
    word, group = path["states"].get("access"), path.get("port_group")
    shown = text_or_dash(word) if path["health"] == Health.UP else _state(word)
    preferred = ", preferred" if path.get("preferred") else ""
    return f"<small>{shown}</small>" + ("" if group is None else f"<small>port group {group}{preferred}</small>")


def _time_left(path: PathEntry) -> str:
    left = time_left(path)
    shown = f'<span class="off">{left}</span>' if path["overdue"] else left
    return f" · {shown}" if left else ""


def _iface(path: PathEntry) -> str:
    iface = path["iface"]
    return "" if iface in (None, "default") else f' <span class="dull">via {escape(iface)}</span>'


def _outlook(entry: MapEntry) -> str:
    texts = ("suspended: all I/O hangs" if entry["suspended"] else "", outlook(entry))
    shown = ", ".join(filter(None, texts))
    return f'<span class="outlook">{shown}</span>' if shown else ""


def _state(word: str | None) -> str:
    if word is None:
        return DASH
    return escape(word) if word in _FINE else f'<span class="off">{escape(word)}</span>'

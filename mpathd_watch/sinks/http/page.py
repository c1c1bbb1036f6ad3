"""The page for people: one HTML document rendered from the status document, without scripts or external resources."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from html import escape
from typing import Final

from mpathd_watch.core.model.text import duration
from mpathd_watch.core.model.vocabulary import (
    AccessState,
    CheckerState,
    DeviceState,
    DmState,
    Health,
    MapHealth,
    SessionStatus,
)
from mpathd_watch.sinks import words
from mpathd_watch.sinks.http.page_style import STYLE
from mpathd_watch.sinks.status.access import shows_access, usable
from mpathd_watch.sinks.status.document import Document, MapEntry, PathEntry, SourceEntry
from mpathd_watch.sinks.status.overview import clock_or_date, maps_worst_first, outlook, overview_of, paths_worst_first
from mpathd_watch.sinks.status.promises import findings, promises, time_left
from mpathd_watch.sinks.status.remarks import remarks

REFRESH_SECONDS: Final = 5
_DASH: Final = '<span class="dull">&ndash;</span>'

_TONES: Final[dict[str, str]] = {
    MapHealth.HEALTHY: "good",
    MapHealth.DEGRADED: "warn",
    MapHealth.AT_RISK: "bad",
    MapHealth.LOST: "bad",
    Health.UP: "good",
    Health.SUSPECT: "warn",
    Health.STALLED: "warn",
    Health.RECOVERING: "wait",
    Health.FAILED: "bad",
    Health.MISSING: "bad",
}
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


def render(document: Document) -> str:
    """The whole page. All text from outside is escaped here."""
    overview = escape(_sentence(overview_of(document)))
    maps = "".join(_map(document, entry) for entry in maps_worst_first(document))
    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{overview} &middot; mpathd-watch</title><style>{STYLE}</style></head>\n<body>",
            f"<header><h1>mpathd-watch</h1><p>{overview}</p>",
            '<nav><a href="/metrics">Metrics for Prometheus</a></nav></header>\n<main>',
            _sources(document["sources"]),
            maps or f'<section class="empty">{overview}</section>',
            _timeouts(document),
            "</main>\n",
            f"<footer>As of {clock_or_date(document['generated'], 0, UTC)} UTC · refreshed every {REFRESH_SECONDS} s · "
            f"version {escape(document['daemon']['version'])}</footer></body></html>\n",
        )
    )


def _sources(sources: Iterable[SourceEntry]) -> str:
    return f'<ul class="sources">{"".join(map(_source, sources))}</ul>\n'


def _source(source: SourceEntry) -> str:
    name = escape(source["source"])
    last = "" if source["seconds"] is None else f"{duration(source['seconds'])} ago"
    reason = escape(source["reason"] or "no reason given")
    if words.missed(source["up"], source["reason"]):
        answered = f" · last answer {last}" if last else ""
        return (
            f'<li class="bad"><strong>{name}</strong> does not answer: {reason}<small>{answered}</small>'
            f"<p>{escape(source['detail'] or '')}</p></li>"
        )
    if source["up"] is None:
        return f"<li>{name} <small>not read yet</small></li>"
    if source["up"] is False:
        return f"<li>{name} <small>{reason}</small></li>"
    return f"<li>{name} <small>answered {last}</small></li>"


def _map(document: Document, entry: MapEntry) -> str:
    health = entry["health"]
    facts = " · ".join(
        escape(fact)
        for fact in (
            entry["wwid"],
            entry["sysfs_name"],
            " ".join(name for name in (entry["vendor"], entry["product"]) if name),
            f"queueing {entry['queueing']}" if entry["queueing"] else None,
        )
        if fact
    )
    access = shows_access(entry)
    rows = "".join(_path(document, path, access) for path in paths_worst_first(entry))
    return (
        f'<section class="{_tone(health)}"><div class="head"><h2>{escape(entry["map"])}</h2>{_badge(health)}'
        f"<span>{usable(entry)}</span>"
        f'<span class="since">since {_since(entry["since"], entry["seconds"])}</span>{_outlook(entry)}</div>'
        f'<p class="facts">{facts}</p>'
        '<div class="wide"><table><thead><tr><th>Path</th><th>Health</th><th>Since (UTC)</th><th>Outage</th>'
        "<th>Device</th><th>Portal and target</th><th>dm</th><th>Checker</th><th>SCSI device</th><th>Session</th></tr>"
        f"</thead><tbody>{rows}</tbody></table></div></section>\n"
    )


def _path(document: Document, path: PathEntry, access: bool) -> str:
    states = path["states"]
    trouble = "" if path["health"] == Health.UP else ' class="trouble"'
    outage, text = path["outage"], escape(", ".join(remarks(document, path)))
    cells = (
        f'<td class="name">{escape(path["path"])}</td>',
        f"<td>{_badge(path['health'])}</td>",
        f"<td>{clock_or_date(path['since'], path['seconds'], UTC)}<small>{duration(path['seconds'])}</small></td>",
        f"<td>{text or _DASH}</td>"
        if outage is None
        else f'<td class="outage">{text}<small>for {duration(outage["seconds"])}{_time_left(path)}</small></td>',
        f"<td>{_text(path['dev'])}<small>{_text(path['hctl'])}</small></td>",
        f'<td class="target">{_text(path["portal"])}{_iface(path)}<small>{_text(path["target"])}</small></td>',
        *(f"<td>{_state(states[view])}</td>" for view in ("dm", "checker")),
        f"<td>{_state(states['device'])}{_access(path) if access else ''}</td>",
        f"<td>{_state(states['session'])}</td>",
    )
    return f"<tr{trouble}>{''.join(cells)}</tr>"


def _access(path: PathEntry) -> str:
    """A standby path that is up is as it should be: such arrays have passive controllers."""
    word, group = path["states"].get("access"), path.get("port_group")
    shown = _text(word) if path["health"] == Health.UP else _state(word)
    preferred = ", preferred" if path.get("preferred") else ""
    return f"<small>{shown}</small>" + ("" if group is None else f"<small>port group {group}{preferred}</small>")


def _time_left(path: PathEntry) -> str:
    left = time_left(path)
    shown = f'<span class="off">{left}</span>' if path["overdue"] else left
    return f" · {shown}" if left else ""


def _timeouts(document: Document) -> str:
    """The timeouts in force, what they promise, and whether the audit has findings."""
    rows = "".join(
        f'<tr><td class="name">{escape(promise.who)}</td><td>{escape(promise.live)}</td>'
        f"<td>{escape(promise.promised)}</td><td>{escape(promise.configured) or _DASH}</td></tr>"
        for promise in promises(document)
    )
    found = findings(document)
    note = f'<p class="facts">{escape(_sentence(found))}</p>' if found else ""
    if not rows:
        return note
    return (
        '<section class="timeouts"><div class="head"><h2>Timeouts in force</h2></div>'
        '<div class="wide"><table><thead><tr><th>Session</th><th>noop_out interval/timeout, replacement</th>'
        f"<th>Budget</th><th>Node record</th></tr></thead><tbody>{rows}</tbody></table></div>{note}</section>\n"
    )


def _iface(path: PathEntry) -> str:
    iface = path["iface"]
    return "" if iface in (None, "default") else f' <span class="dull">via {escape(iface)}</span>'


def _outlook(entry: MapEntry) -> str:
    texts = ("suspended: all I/O hangs" if entry["suspended"] else "", outlook(entry))
    shown = ", ".join(filter(None, texts))
    return f'<span class="outlook">{shown}</span>' if shown else ""


def _tone(health: str) -> str:
    return _TONES.get(health, "wait")


def _badge(health: str) -> str:
    return f'<span class="badge {_tone(health)}">{escape(words.in_words(health))}</span>'


def _state(word: str | None) -> str:
    if word is None:
        return _DASH
    return escape(word) if word in _FINE else f'<span class="off">{escape(word)}</span>'


def _text(text: str | None) -> str:
    return _DASH if text is None else escape(text)


def _since(moment: str, seconds: float) -> str:
    return f"{clock_or_date(moment, seconds, UTC)} ({duration(seconds)})"


def _sentence(text: str) -> str:
    """``text`` with a capital letter."""
    return text[0].upper() + text[1:]

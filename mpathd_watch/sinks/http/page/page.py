"""The page, put together from its parts: what goes on first, then the maps, then what is worth knowing besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from html import escape
from typing import Final

from mpathd_watch.core.catalog.findings import Finding
from mpathd_watch.core.model.text import clean, duration
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks import words
from mpathd_watch.sinks.http.page.findings import findings, timeouts
from mpathd_watch.sinks.http.page.html import sentence, zone_name
from mpathd_watch.sinks.http.page.incidents import incidents
from mpathd_watch.sinks.http.page.maps import Maps
from mpathd_watch.sinks.http.page.running import running
from mpathd_watch.sinks.http.page.style import STYLE
from mpathd_watch.sinks.http.page.wanted import LONGEST, Wanted
from mpathd_watch.sinks.status.choice import has_fault
from mpathd_watch.sinks.status.document import Document, MapEntry, SourceEntry
from mpathd_watch.sinks.status.overview import maps_worst_first, overview_of
from mpathd_watch.store.day import Day

REFRESH_SECONDS: Final = 5
_EVERYTHING: Final = Wanted()
_MOST_SUGGESTED: Final = 1000


@immutable
class Shown:
    """What the page shows of the host ``host``; times are in ``zone``, or in the host's own zone."""

    document: Document
    host: str = ""
    findings: tuple[Finding, ...] = ()
    day: Day | None = None
    wanted: Wanted = _EVERYTHING
    zone: tzinfo | None = None


def render(shown: Shown) -> str:
    """The whole page."""
    document, wanted = shown.document, shown.wanted
    overview = escape(sentence(overview_of(document)))
    host = escape(clean(shown.host)) or "mpathd-watch"
    now = datetime.fromisoformat(document["generated"]).astimezone(shown.zone)
    worst_first = maps_worst_first(document)
    # Somebody who types must not lose it: the form to search with is not renewed.
    renewed = "" if wanted.search else f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">'
    often = "not renewed" if wanted.search else f"renewed every {REFRESH_SECONDS} s"
    body = _search(worst_first) if wanted.search else "".join(_sections(shown, worst_first, now))
    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            renewed,
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{overview} &middot; {host}</title><style>{STYLE}</style></head>\n<body>",
            f"<header><h1>{host}</h1><p>{overview}</p>{_navigation(worst_first, wanted)}</header>\n<main>",
            body,
            "</main>\n",
            f"<footer>As of {now:%Y-%m-%d %H:%M:%S} {zone_name(now)} · {often} · "
            f"mpathd-watch {escape(document['daemon']['version'])}</footer></body></html>\n",
        )
    )


def _sections(shown: Shown, worst_first: list[MapEntry], now: datetime) -> Iterator[str]:
    document, wanted = shown.document, shown.wanted
    chosen = [entry for entry in worst_first if wanted.takes(entry)]
    yield _sources(document["sources"])
    yield _note(wanted, chosen)
    if wanted == _EVERYTHING or wanted.problems:
        yield incidents(document["incidents"])
    yield running(document, chosen)
    if chosen:
        maps = Maps(document, shown.day, now.timestamp(), shown.zone, zone_name(now))
        yield maps.html(chosen, whole=bool(wanted.map))
    elif wanted == _EVERYTHING:
        yield f'<section class="empty">{escape(sentence(overview_of(document)))}</section>'
    if wanted == _EVERYTHING:
        yield findings(shown.findings)
        yield timeouts(document)


def _navigation(entries: list[MapEntry], wanted: Wanted) -> str:
    problems = sum(map(has_fault, entries))
    links = (
        (f"All {len(entries)}", "/", wanted == _EVERYTHING),
        (f"Problems {problems}", "/?problems", wanted.problems),
        ("Search", "/?search", wanted.search),
        ("Metrics", "/metrics", False),
    )
    shown = "".join(
        f'<a href="{address}"{" aria-current=page" if here else ""}>{text}</a>' for text, address, here in links
    )
    return f"<nav>{shown}</nav>"


def _note(wanted: Wanted, chosen: list[MapEntry]) -> str:
    """What was asked for, and that there is none of it."""
    if wanted == _EVERYTHING:
        return ""
    if wanted.map:
        what = f"the map {wanted.map}" if chosen else f"There is no map {wanted.map}"
    elif wanted.text:
        what = f"maps with {wanted.text} in a name" if chosen else f"No map has {wanted.text} in a name"
    else:
        what = "maps with a problem" if chosen else "No map has a problem"
    text = f"Only {what}: {len(chosen)}" if chosen else what
    return f'<p class="note">{escape(text)} · <a href="/">show all maps</a></p>'


def _search(entries: list[MapEntry]) -> str:
    names = "".join(f'<option value="{escape(entry["map"])}"></option>' for entry in entries[:_MOST_SUGGESTED])
    return (
        '<section class="search"><form action="/" method="get"><label for="text">Part of the name of a map, a WWID, '
        f'a path, a device or a target</label><input id="text" name="text" list="maps" maxlength="{LONGEST}" autofocus '
        "required>"
        f'<datalist id="maps">{names}</datalist><button>Show</button></form></section>\n'
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
    return f'<li>{name} <small class="quiet">answered {last}</small></li>'

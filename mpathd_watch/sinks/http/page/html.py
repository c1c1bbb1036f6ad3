"""Pieces of HTML that the parts of the page share. All text from outside is escaped by whoever puts it into HTML."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from html import escape
from typing import Final

from mpathd_watch.core.model.text import duration
from mpathd_watch.core.model.vocabulary import Health, MapHealth
from mpathd_watch.sinks import words
from mpathd_watch.sinks.http.page.wanted import address_of_map
from mpathd_watch.sinks.status.overview import clock_or_date

DASH: Final = '<span class="dull">&ndash;</span>'

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


def tone(health: str) -> str:
    """The class that colours what has this health."""
    return _TONES.get(health, "wait")


def badge(health: str) -> str:
    """The health as a coloured word."""
    return f'<span class="badge {tone(health)}">{escape(words.in_words(health))}</span>'


def short_list(name: str, title: str, entries: Sequence[str], more: str) -> str:
    """A section with a list; ``more`` is the last line, about what is not in it, and empty if nothing is missing."""
    last = f'<li class="dull">{more}</li>' if more else ""
    return (
        f'<section class="{name}"><div class="head"><h2>{title}</h2></div><ul>{"".join(entries)}{last}</ul></section>\n'
    )


def text_or_dash(text: str | None) -> str:
    """The text, or a dash if there is none."""
    return DASH if text is None else escape(text)


def map_link(name: str) -> str:
    """The name of a map, which leads to the page about it."""
    return f'<a href="{address_of_map(name)}">{escape(name)}</a>'


def since(moment: str, seconds: float, zone: tzinfo | None) -> str:
    """``11:04:29 (2 min 11 s)``."""
    return f"{clock_or_date(moment, seconds, zone)} ({duration(seconds)})"


def sentence(text: str) -> str:
    """``text`` with a capital letter."""
    return text[:1].upper() + text[1:]


def zone_name(moment: datetime) -> str:
    """``CET (UTC+01:00)``, or only ``UTC``."""
    name, offset = f"{moment:%Z}", f"{moment:%z}"
    if name == "UTC" or len(offset) < 5:
        return escape(name or "UTC")
    return escape(f"{name} (UTC{offset[:3]}:{offset[3:5]})")

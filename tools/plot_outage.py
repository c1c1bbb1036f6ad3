"""Draws one outage of the lab as an SVG: what each layer said, second by second, and what became of the writes.

Usage: python -m tools.plot_outage LOGS PORTAL FILE.svg

LOGS is the directory of a scenario below tests/lab/logs, PORTAL the ADDRESS:PORT whose path fails. The lanes but the
last but one are the lab's own record (truth.jsonl, writes.jsonl); ``mpathd-watch`` is the path's health by the journal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

BEFORE, AFTER = 5.0, 5.0
"""Seconds that are shown before the link goes and after the path is back."""

LEFT, RIGHT, TOP, LANE, BAR = 150, 20, 46, 40, 22
WIDTH = 1000
SLOW = 1.0
"""Seconds from which on a write is drawn as held."""

GOOD, HELD, BAD, BACK, DULL = "#2e7d32", "#f9a825", "#c62828", "#1565c0", "#9e9e9e"
COLOURS = {
    "carrier": GOOD,
    "no carrier": BAD,
    "LOGGED_IN": GOOD,
    "FAILED": HELD,
    "FREE": BAD,
    "running": GOOD,
    "blocked": HELD,
    "transport-offline": BAD,
    "offline": BAD,
    "A": GOOD,
    "F": BAD,
    "up": GOOD,
    "suspect": HELD,
    "stalled": HELD,
    "failed": BAD,
    "recovering": BACK,
    "missing": BAD,
    "flowing": GOOD,
    "held": BAD,
}

Span = tuple[float, float, str]


@dataclass(frozen=True, slots=True)
class Lane:
    """One layer: what it said, from when to when."""

    name: str
    spans: tuple[Span, ...]


def main(arguments: list[str]) -> int:
    """Draw what the command line asks for; the exit status."""
    if len(arguments) != 3:
        print((__doc__ or "").split("\n\n")[1], file=sys.stderr)
        return 2
    logs, portal, target = Path(arguments[0]), arguments[1], Path(arguments[2])
    target.write_text(draw(logs, portal), encoding="utf-8")
    return 0


def draw(logs: Path, portal: str) -> str:
    """The SVG of the outage of the path through ``portal``. Raises ``OSError``, ``ValueError`` or ``KeyError``."""
    truth, journal = _lines(logs / "truth.jsonl"), _lines(logs / "journal.jsonl")
    session = [entry for entry in truth if entry["source"] == "session" and entry["portal"] == portal]
    device = [entry for entry in truth if entry["source"] == "device" and entry["portal"] == portal]
    dev_t = device[0]["dev_t"]
    maps = [entry for entry in truth if entry["source"] == "map" and dev_t in (entry.get("paths") or {})]
    health = [(at, fields["HEALTH"]) for at, fields in _healths(journal, portal)]
    lost = next(entry["mono"] for entry in session if entry["state"] != "LOGGED_IN")
    link = _link(truth, lost)
    cut = next((at for at, word in link if word == "no carrier"), lost)
    end = max(health[-1][0], maps[-1]["mono"]) + AFTER
    begin = max(cut - BEFORE, session[0]["mono"], device[0]["mono"], maps[0]["mono"])
    lanes = [
        Lane("link", _spans(link, begin, end)),
        Lane("iSCSI session", _spans([(entry["mono"], entry["state"]) for entry in session], begin, end)),
        Lane("SCSI device", _spans([(entry["mono"], entry["state"]) for entry in device], begin, end)),
        Lane("dm path", _spans([(entry["mono"], entry["paths"][dev_t]) for entry in maps], begin, end)),
        Lane("mpathd-watch", _spans([(begin, "up"), *health], begin, end)),
        Lane("writes", tuple(_writes(_lines(logs / "writes.jsonl"), begin, end))),
    ]
    return "\n".join(_svg([lane for lane in lanes if lane.spans], begin, cut, end)) + "\n"


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _link(truth: list[dict[str, Any]], lost: float) -> list[tuple[float, str]]:
    """The carrier of the link that went down last before the session was lost, if one did."""
    gone = [
        entry
        for entry in truth
        if entry["source"] == "link" and entry["carrier"] == "0" and lost - 60 < entry["mono"] < lost
    ]
    if not gone:
        return []
    name = gone[-1]["id"]
    return [
        (entry["mono"], "carrier" if entry["carrier"] == "1" else "no carrier")
        for entry in truth
        if entry["source"] == "link" and entry["id"] == name
    ]


def _healths(journal: list[dict[str, Any]], portal: str) -> Iterator[tuple[float, dict[str, str]]]:
    for entry in journal:
        fields = {
            key.removeprefix("MPATHD_WATCH_"): text for key, text in entry.items() if key.startswith("MPATHD_WATCH_")
        }
        if fields.get("PATH") == portal and "HEALTH" in fields:
            yield int(entry["__MONOTONIC_TIMESTAMP"]) / 1e6, fields


def _spans(said: list[tuple[float, str]], begin: float, end: float) -> tuple[Span, ...]:
    """What was said as spans between ``begin`` and ``end``, each until the next word."""
    merged: list[tuple[float, str]] = []
    for at, word in sorted(said, key=lambda each: each[0]):
        if not merged or merged[-1][1] != word:
            merged.append((at, word))
    spans = [(at, until, word) for (at, word), (until, _) in pairwise([*merged, (end, "")])]
    return tuple((max(at, begin), min(until, end), word) for at, until, word in spans if until > begin and at < end)


def _writes(writes: list[dict[str, Any]], begin: float, end: float) -> Iterator[Span]:
    """Writes as they were under way; those that took no longer than usual as one stretch."""
    flowing = begin
    for entry in writes:
        took = entry.get("seconds")
        if took is not None and took > SLOW and begin < entry["mono"] < end:
            yield flowing, entry["mono"], "flowing"
            flowing = entry["mono"] + took
            yield entry["mono"], flowing, "held"
    yield flowing, end, "flowing"


def _svg(lanes: list[Lane], begin: float, cut: float, end: float) -> Iterator[str]:
    height = TOP + LANE * len(lanes) + 40
    scale = (WIDTH - LEFT - RIGHT) / (end - begin)

    def x(moment: float) -> float:
        return round(LEFT + (moment - begin) * scale, 1)

    box = f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {box}>'
    yield f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    bottom = TOP + LANE * len(lanes)
    for second in range(0, int(end - cut) + 1, 5):
        at = x(cut + second)
        yield f'<line x1="{at}" y1="{TOP - 8}" x2="{at}" y2="{bottom}" stroke="#e0e0e0"/>'
        yield f'<text x="{at}" y="{bottom + 16}" text-anchor="middle" fill="#616161">{second}</text>'
    yield f'<text x="{WIDTH - RIGHT}" y="{bottom + 33}" text-anchor="end" fill="#616161">seconds after the cut</text>'
    for number, lane in enumerate(lanes):
        top = TOP + number * LANE
        yield f'<text x="{LEFT - 10}" y="{top + 16}" text-anchor="end" fill="#212121">{escape(lane.name)}</text>'
        for at, until, word in lane.spans:
            width = round(x(until) - x(at), 1)
            yield f'<rect x="{x(at)}" y="{top}" width="{width}" height="{BAR}" fill="{COLOURS.get(word, DULL)}"/>'
            if width > 7.5 * len(word) + 6:
                ink = "#212121" if COLOURS.get(word) == HELD else "#ffffff"
                yield f'<text x="{x(at) + 5}" y="{top + 16}" fill="{ink}">{escape(word)}</text>'
    for moment, text in _instants(lanes):
        at = x(moment)
        yield f'<path d="M{at} {TOP - 8}V{bottom}" stroke="#424242" stroke-dasharray="3 3"/>'
        # The first two are often so close that their names would lie over each other; the last is near the edge.
        anchor = "end" if text in ("detected", "reinstated") else "start"
        yield f'<text x="{at}" y="{TOP - 14}" text-anchor="{anchor}" fill="#424242">{text} {moment - cut:.1f}</text>'
    yield "</svg>"


def _instants(lanes: list[Lane]) -> Iterator[tuple[float, str]]:
    """The instants that end the phases."""
    by_name = {lane.name: lane.spans for lane in lanes}
    for name, word, text in (
        ("iSCSI session", "FAILED", "detected"),
        ("dm path", "F", "failed"),
        ("mpathd-watch", "recovering", "transport back"),
    ):
        moment = next((at for at, _, said in by_name.get(name, ()) if said == word), None)
        if moment is not None:
            yield moment, text
    path = by_name.get("dm path", ())
    if len(path) > 2 and path[-1][2] == "A":
        yield path[-1][0], "reinstated"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

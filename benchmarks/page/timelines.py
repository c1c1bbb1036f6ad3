"""Panels over one axis of time as SVG: each has a linear axis of its own, which begins at 0."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.figures import Line
from benchmarks.page.numbers import number
from benchmarks.page.plot import COLOURS, DIM, GRID, INK

WIDTH, LEFT, RIGHT = 720, 80, 30
TOP, PANEL, TITLE, GAP, BOTTOM = 44, 84, 24, 22, 46
SHADES = ("#ffe0b2", "#d1c4e9", "#c8e6c9")
TICKS = 6
"""On the axis of time at most."""
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600)
"""Seconds between two of them."""

Spans = Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines of one unit; their points are seconds and a value that is not negative."""

    title: str
    unit: str
    lines: tuple[Line, ...]


def drawn(panels: Sequence[Panel], seconds: float, spans: Spans) -> str:
    """The whole file: the panels below each other, from 0 to so many seconds; the ``spans`` are shaded in each."""
    return "\n".join(_svg(panels, seconds, spans)) + "\n"


def top(values: Sequence[float]) -> float:
    """The end of an axis that has all these values: 1, 2, 2.5 or 5 times a power of ten."""
    most = max(values, default=0.0)
    if most <= 0.0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(found for step in (1, 2, 2.5, 5, 10, 20) if (found := step * power) >= most)


def _svg(panels: Sequence[Panel], seconds: float, spans: Spans) -> Iterator[str]:
    height = TOP + len(panels) * (TITLE + PANEL + GAP) - GAP + BOTTOM
    box = f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {box}>'
    yield f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    yield from _legend(spans)
    for place, panel in enumerate(panels):
        above = TOP + place * (TITLE + PANEL + GAP)
        yield from _panel(panel, above, seconds, spans)
    every = next((step for step in STEPS if seconds / step <= TICKS), STEPS[-1])
    unit, each = ("s", 1) if seconds <= 300 else ("min", 60) if seconds <= 10_800 else ("h", 3600)
    for count in range(int(seconds // every) + 1):
        at = _across(count * every, seconds)
        text = number(count * every / each)
        yield f'<text x="{at}" y="{height - 26}" text-anchor="middle" fill="{DIM}">{text}</text>'
    yield f'<text x="{WIDTH - RIGHT}" y="{height - 8}" text-anchor="end" fill="{DIM}">{unit}</text>'
    yield "</svg>"


def _legend(spans: Spans) -> Iterator[str]:
    at = LEFT
    for shade, name in zip(SHADES, spans, strict=False):
        yield f'<rect x="{at}" y="14" width="12" height="12" fill="{shade}"/>'
        yield f'<text x="{at + 18}" y="25" fill="{INK}">{escape(name)}</text>'
        at += 34 + round(7.2 * len(name))


def _panel(panel: Panel, above: int, seconds: float, spans: Spans) -> Iterator[str]:
    first, last = above + TITLE, above + TITLE + PANEL
    most = top([value for line in panel.lines for _, value in line.points])

    def up(value: float) -> float:
        return round(last - value / most * PANEL, 1)

    for shade, found in zip(SHADES, spans.values(), strict=False):
        for begin, end in found:
            width = max(1.0, round(_across(end, seconds) - _across(begin, seconds), 1))
            place = f'x="{_across(begin, seconds)}" y="{first}" width="{width}" height="{PANEL}"'
            yield f'<rect {place} fill="{shade}"/>'
    unit = f" ({escape(panel.unit)})" if panel.unit else ""
    yield f'<text x="{LEFT}" y="{above + 16}" fill="{INK}">{escape(panel.title)}{unit}</text>'
    for level in (0.0, most / 2, most):
        yield f'<line x1="{LEFT}" y1="{up(level)}" x2="{WIDTH - RIGHT}" y2="{up(level)}" stroke="{GRID}"/>'
        yield f'<text x="{LEFT - 8}" y="{up(level) + 4}" text-anchor="end" fill="{DIM}">{number(level)}</text>'
    at = WIDTH - RIGHT
    for line, colour in zip(panel.lines, COLOURS, strict=False):
        points = " ".join(f"{_across(x, seconds)},{up(y)}" for x, y in line.points)
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        if len(panel.lines) > 1:
            yield f'<text x="{at}" y="{above + 16}" text-anchor="end" fill="{colour}">{escape(line.name)}</text>'
            at -= 16 + round(7.2 * len(line.name))


def _across(at: float, seconds: float) -> float:
    return round(LEFT + min(max(at, 0.0), seconds) / seconds * (WIDTH - LEFT - RIGHT), 1)

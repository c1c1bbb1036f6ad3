"""A plot as SVG: lines through few points, on a logarithmic axis upwards."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.figures import Line, Plot
from benchmarks.page.numbers import number

WIDTH, HEIGHT = 720, 340
LEFT, RIGHT, TOP, BOTTOM = 80, 30, 78, 48
COLOURS = ("#1565c0", "#c62828", "#f9a825", "#2e7d32", "#6a1b9a")
GRID, DIM, INK = "#e0e0e0", "#616161", "#212121"


def drawn(plot: Plot) -> str:
    """The whole file."""
    return "\n".join(_svg(plot)) + "\n"


def ticks(values: Sequence[float]) -> list[float]:
    """1, 2 and 5 times the powers of ten, from just below the least of the values to just above the greatest."""
    least, greatest = min(values), max(values)
    power = range(math.floor(math.log10(least)) - 1, math.ceil(math.log10(greatest)) + 2)
    steps = [round(step * 10.0**each, 12) for each in power for step in (1, 2, 5)]
    low = max(step for step in steps if step <= least)
    high = min(step for step in steps if step >= greatest and step > low)
    return [step for step in steps if low <= step <= high]


def _svg(plot: Plot) -> Iterator[str]:
    lines = [Line(line.name, tuple((x, y) for x, y in line.points if y > 0)) for line in plot.lines]
    places = sorted({x for line in lines for x, _ in line.points})
    levels = ticks([y for line in lines for _, y in line.points] or [1.0])
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT

    def across(place: float) -> float:
        even = places.index(place) / max(1, len(places) - 1)
        share = _share(place, places) if plot.logarithmic else even
        return round(LEFT + share * (right - LEFT), 1)

    def up(level: float) -> float:
        return round(bottom - _share(level, levels) * (bottom - TOP), 1)

    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {box}>'
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    yield f'<text x="{LEFT}" y="24" fill="{INK}" font-size="15">{escape(plot.title)} ({escape(plot.up)})</text>'
    for level in levels:
        yield f'<line x1="{LEFT}" y1="{up(level)}" x2="{right}" y2="{up(level)}" stroke="{GRID}"/>'
        yield f'<text x="{LEFT - 8}" y="{up(level) + 4}" text-anchor="end" fill="{DIM}">{number(level)}</text>'
    for place in places:
        text = f"{place:,.0f}" if plot.logarithmic else f"{place:.0%}"
        yield f'<line x1="{across(place)}" y1="{TOP}" x2="{across(place)}" y2="{bottom}" stroke="{GRID}"/>'
        yield f'<text x="{across(place)}" y="{bottom + 18}" text-anchor="middle" fill="{DIM}">{text}</text>'
    yield f'<text x="{right}" y="{bottom + 38}" text-anchor="end" fill="{DIM}">{escape(plot.across)}</text>'
    at = LEFT
    for line, colour in zip(lines, COLOURS, strict=False):
        points = " ".join(f"{across(x)},{up(y)}" for x, y in line.points)
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for x, y in line.points:
            yield f'<circle cx="{across(x)}" cy="{up(y)}" r="3.5" fill="{colour}"/>'
        yield f'<rect x="{at}" y="44" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{at + 18}" y="55" fill="{INK}">{escape(line.name)}</text>'
        at += 34 + round(7.2 * len(line.name))
    yield "</svg>"


def _share(value: float, values: Sequence[float]) -> float:
    """Where it is between the first and the last of the values, on a logarithmic axis."""
    first, last = math.log(values[0]), math.log(values[-1])
    return (math.log(value) - first) / (last - first) if last > first else 0.5

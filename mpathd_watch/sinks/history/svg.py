"""A plot of what happened over time, as SVG: a row a layer, marks, and the phases beside what they may take.

It needs no script and no other file, has a dark form for readers who prefer one, and can be read without its colours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from math import isinf
from typing import Final

from mpathd_watch.core.model.text import clean
from mpathd_watch.sinks.history.figure import Look, Mark, Phase, Row
from mpathd_watch.sinks.history.mark_labels import LETTER, Label, labels
from mpathd_watch.sinks.history.time_axis import TimeAxis, clock

WIDTH: Final = 1000
_LEFT, _RIGHT = 150, 24
_TITLE, _LABEL, _ROW, _BAR, _PHASE = 44, 18, 36, 24, 26
_MOST: Final = 104
"""Characters of a title that fit the width."""

_STYLE: Final = """
text { font: 13px "DejaVu Sans", "Liberation Sans", system-ui, sans-serif; fill: #1b1f26; }
.title { font-size: 15px; font-weight: bold; }
.soft { fill: #565f6c; }
.ground { fill: #ffffff; }
.grid { stroke: #e2e5ea; }
.mark { stroke: #1b1f26; stroke-dasharray: 3 3; }
.range { fill: #1b1f26; fill-opacity: .14; }
.deadline { stroke: #c3271b; stroke-width: 1.5; stroke-dasharray: 8 3 2 3; }
.late { fill: #c3271b; }
.good { fill: #1a7f4b; } .held { fill: #8f5a00; } .bad { fill: #c3271b; } .back { fill: #1f6fb2; }
.dull { fill: #626b79; }
.word { fill: #ffffff; }
.allowed { fill: none; stroke: #565f6c; }
.break { stroke: #ffffff; stroke-width: 3; fill: none; }
.maybe { fill-opacity: .45; } .bar { stroke: #ffffff; }
@media (prefers-color-scheme: dark) {
text { fill: #e4e7ec; } .soft { fill: #a5aebc; } .ground { fill: #14171c; } .grid { stroke: #2d333d; }
.mark { stroke: #e4e7ec; } .range { fill: #e4e7ec; } .deadline { stroke: #ff8177; } .late { fill: #ff8177; }
.good { fill: #58c78d; } .held { fill: #e0ac4c; } .bad { fill: #ff8177; } .back { fill: #74b6ee; }
.dull { fill: #97a1b0; }
.word { fill: #14171c; } .allowed { stroke: #a5aebc; } .break, .bar { stroke: #14171c; }
}"""


def svg(title: str, rows: Sequence[Row], marks: Sequence[Mark], phases: Sequence[Phase], zero: str) -> str:
    """The whole file. ``zero`` is what the axis counts seconds from, such as ``the outage began``."""
    return "\n".join(_Drawing(rows, marks, phases).lines(title, zero)) + "\n"


class _Drawing:
    """The places of all parts, from the top down: title, labels of the marks, rows, axis, phases, legend."""

    def __init__(self, rows: Sequence[Row], marks: Sequence[Mark], phases: Sequence[Phase]) -> None:
        self._rows, self._phases = rows, phases
        self._axis = TimeAxis(_moments(rows, marks, phases), _LEFT, WIDTH - _RIGHT)
        self._labels = labels(marks, self._axis.place, WIDTH - 4)
        levels = 1 + max((label.level for label in self._labels), default=-1)
        self._top = _TITLE + _LABEL * levels + 10
        self._bottom = self._top + _ROW * len(rows)
        self._legend = self._bottom + 48 + (_PHASE * len(phases) + 30 if phases else 0)

    def lines(self, title: str, zero: str) -> Iterator[str]:
        legend = list(_legend(self._rows, self._legend))
        height = self._legend + 8 + 20 * (1 + max((line for line, _ in legend), default=-1))
        shown = _text(title, _MOST)
        yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
        yield f"<title>{shown}</title>"
        yield f"<style>{_STYLE}\n</style>"
        yield f'<rect class="ground" width="{WIDTH}" height="{height}"/>'
        yield f'<text class="title" x="16" y="26">{shown}</text>'
        yield from self._ticks(zero)
        yield from (self._line(label) for label in self._labels if not label.mark.deadline)
        rows = [(row, self._top + number * _ROW) for number, row in enumerate(self._rows)]
        for row, top in rows:
            yield from self._bars(row, top)
        yield from self._breaks()
        yield from (self._line(label) for label in self._labels if label.mark.deadline)
        yield from self._ranges()
        for row, top in rows:
            yield from self._words(row, top)
        yield from map(_label, self._labels)
        for number, phase in enumerate(self._phases):
            yield from self._phase(phase, self._bottom + 60 + number * _PHASE)
        yield from (line for _, line in legend)
        yield "</svg>"

    @property
    def _foot(self) -> int:
        """The lower edge of the last row."""
        return self._bottom - _ROW + _BAR

    def _ticks(self, zero: str) -> Iterator[str]:
        y = self._foot + 23
        left_out = [(self._axis.middle(each), f"({clock(each.end - each.begin)})") for each in self._axis.breaks]
        taken = [(x, LETTER * len(text) / 2) for x, text in left_out]
        for x, text in left_out:
            yield f'<text class="soft" x="{x}" y="{y}" text-anchor="middle">{text}</text>'
        room = 14 + LETTER * max(len(clock(self._axis.begin)), len(clock(self._axis.end)))
        for moment in self._axis.ticks(room):
            x, text = self._axis.place(moment), clock(moment)
            half = LETTER * len(text) / 2
            yield f'<path class="grid" d="M{x} {self._top - 6}V{self._foot + 8}"/>'
            if x + half < WIDTH and all(abs(x - place) > half + other + 4 for place, other in taken):
                yield f'<text class="soft" x="{x}" y="{y}" text-anchor="middle">{text}</text>'
        unit = _unit(max(-self._axis.begin, self._axis.end))
        text = f"{unit} since {_text(zero, _MOST)}"
        yield f'<text class="soft" x="{WIDTH - _RIGHT}" y="{y + 18}" text-anchor="end">{text}</text>'

    def _bars(self, row: Row, top: int) -> Iterator[str]:
        yield f'<text x="{_LEFT - 12}" y="{top + 17}" text-anchor="end">{_text(row.name, 18)}</text>'
        for span in row.bars:
            left, right = self._axis.place(span.begin), self._axis.place(span.end)
            what = f"{_text(row.name)}: {_text(span.word)}, {clock(span.begin)} to {clock(span.end)}"
            yield (
                f'<rect class="bar {span.look}" x="{left}" y="{top}" width="{round(right - left, 1)}" height="{_BAR}">'
                f"<title>{what}</title></rect>"
            )

    def _words(self, row: Row, top: int) -> Iterator[str]:
        """The words that fit into their bars; the legend has the others."""
        for span in row.bars:
            left, right = self._axis.place(span.begin), self._axis.place(span.end)
            if right - left > LETTER * len(clean(span.word)) + 12:
                yield f'<text class="word" x="{round(left + 6, 1)}" y="{top + 17}">{_text(span.word)}</text>'

    def _breaks(self) -> Iterator[str]:
        """A zigzag through the rows where time is left out."""
        for each in self._axis.breaks:
            x = self._axis.middle(each)
            heights = range(self._top - 2, self._foot + 3, 8)
            zigzag = " ".join(f"{x + (6 if number % 2 else -6)},{y}" for number, y in enumerate(heights))
            yield f'<polyline class="break" points="{zigzag}"/>'

    def _line(self, label: Label) -> str:
        kind, y = "deadline" if label.mark.deadline else "mark", _level(label)
        return f'<path class="{kind}" fill="none" d="M{label.x} {y + 4}V{self._foot + 2}"/>'

    def _ranges(self) -> Iterator[str]:
        for label in self._labels:
            if label.mark.latest is not None:
                width = round(self._axis.place(label.mark.latest) - label.x, 1)
                height = self._foot - self._top + 6
                yield f'<rect class="range" x="{label.x}" y="{self._top - 4}" width="{width}" height="{height}"/>'

    def _phase(self, phase: Phase, top: int) -> Iterator[str]:
        """The measured time as a bar, and what is allowed as a frame around it."""
        left = self._axis.place(phase.begin)
        most = phase.seconds if phase.most is None else phase.most
        right, end = self._axis.place(phase.begin + phase.seconds), self._axis.place(phase.begin + most)
        look = Look.BAD if phase.over else Look.DULL if phase.allowed is None else Look.GOOD
        yield f'<text x="{_LEFT - 12}" y="{top + 12}" text-anchor="end">{_text(phase.name, 18)}</text>'
        yield f'<rect class="{look}" x="{left}" y="{top + 3}" width="{max(1.5, round(right - left, 1))}" height="8"/>'
        if end > right:
            yield (f'<rect class="{look} maybe" x="{right}" y="{top + 3}" width="{round(end - right, 1)}" height="8"/>')
        if phase.allowed is not None:
            limit = self._axis.place(phase.begin + phase.allowed)
            end = max(end, limit)
            yield (
                f'<rect class="allowed" x="{left}" y="{top}" width="{max(1.5, round(limit - left, 1))}" height="14"/>'
            )
        text = took(phase)
        leftwards = end + 8 + LETTER * len(text) > WIDTH - 4
        x, anchor = (left - 8, ' text-anchor="end"') if leftwards else (end + 8, "")
        style = ' class="late"' if phase.over else ""
        yield f'<text{style} x="{round(x, 1)}" y="{top + 12}"{anchor}>{text}</text>'


def _level(label: Label) -> int:
    return _TITLE + 14 + label.level * _LABEL


def _label(label: Label) -> str:
    style = ' class="late"' if label.mark.deadline else ""
    x, anchor = (label.x - 4, ' text-anchor="end"') if label.leftwards else (label.x + 4, "")
    return f'<text{style} x="{round(x, 1)}" y="{_level(label)}"{anchor}>{escape(label.text)}</text>'


def _unit(longest: float) -> str:
    return "seconds" if longest < 60 else "minutes:seconds" if longest < 3600 else "hours:minutes:seconds"


def took(phase: Phase) -> str:
    """``15.3 s of at most 16 s``, ``10 to 15 s, over the 9 s allowed``."""
    measured = f"{phase.seconds:.1f} s"
    if phase.most is not None and phase.most != phase.seconds:
        measured = f"at least {measured}" if isinf(phase.most) else f"{phase.seconds:.1f} to {phase.most:.1f} s"
    if phase.allowed is None:
        return f"{measured}, without a limit"
    return (
        f"{measured}, over the {phase.allowed:g} s allowed"
        if phase.over
        else f"{measured} of at most {phase.allowed:g} s"
    )


def _legend(rows: Sequence[Row], top: int) -> Iterator[tuple[int, str]]:
    """Each look with its words, and the number of the line that it is on."""
    x, line = 16.0, 0
    for look in Look:
        words = dict.fromkeys(clean(span.word) for row in rows for span in row.bars if span.look is look)
        if not words:
            continue
        text = ", ".join(words)
        text = text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"
        room = 40 + LETTER * len(text)
        if x > 16 and x + room > WIDTH:
            x, line = 16.0, line + 1
        y = top + 20 * line
        yield (
            line,
            f'<rect class="{look}" x="{round(x, 1)}" y="{y - 10}" width="11" height="11"/>'
            f'<text x="{round(x + 18, 1)}" y="{y}">{escape(text)}</text>',
        )
        x += room


def _moments(rows: Sequence[Row], marks: Sequence[Mark], phases: Sequence[Phase]) -> Iterator[float]:
    """Every moment at which something begins or ends."""
    for row in rows:
        for span in row.bars:
            yield from (span.begin, span.end)
    for mark in marks:
        yield from (mark.at, mark.at if mark.latest is None else mark.latest)
    for phase in phases:
        yield from (phase.begin, phase.begin + phase.seconds)


def _text(raw: str, most: int | None = None) -> str:
    text = clean(raw)
    return escape(text if most is None or len(text) <= most else f"{text[: most - 1]}…")

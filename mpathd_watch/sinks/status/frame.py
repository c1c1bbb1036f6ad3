"""The screen of ``status --watch``: what fits the terminal, below a line with the host and the time."""

from __future__ import annotations

from datetime import datetime, tzinfo

from mpathd_watch.core.model.text import clean, duration
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.status import screen
from mpathd_watch.sinks.status.ageing import aged
from mpathd_watch.sinks.status.choice import ALL, Choice
from mpathd_watch.sinks.status.document import Document

FROZEN_AFTER = 3.0
"""Seconds beyond the usual pause after which an answer is out of date: its count-downs stop, and a line says so."""

_BOLD_RED, _RESET = "\x1b[1;31m", "\x1b[0m"


@immutable
class Shown:
    """What is known of the daemon: its last answer with its ``age`` in seconds, and how often it is asked.

    ``document`` is ``None`` before the first answer. ``note`` says where the answer comes from if that is no daemon.
    """

    document: Document | None = None
    age: float = 0.0
    pause: float = 1.0
    note: str = ""

    @property
    def stale(self) -> bool:
        """Whether the daemon should have answered once more since."""
        return self.age > self.pause + FROZEN_AFTER


@immutable
class Page:
    """How much room the terminal has, whether in colour, and which maps are wanted; ``zone`` as in ``screen.lines``."""

    width: int
    height: int
    colour: bool = False
    choice: Choice = ALL
    zone: tzinfo | None = None


def frame(shown: Shown, page: Page, host: str, now: datetime) -> list[str]:
    """At most ``height`` lines of at most ``width`` characters."""
    head = f"{clean(host)}  {now:%a %b %d %H:%M:%S %Z}  Ctrl-C ends"
    lines = [head[: page.width]]
    if shown.document is None:
        return [*lines, "", _red("no daemon answers; waiting for one", page)][: page.height]
    if shown.stale:
        text = f"the daemon has not answered for {duration(shown.age)}; this is its last answer"
        lines.append(_red(text, page))
    elif shown.note:
        lines.append(shown.note[: page.width])
    current = aged(shown.document, 0.0 if shown.stale else shown.age)
    lines += ["", *screen.lines(current, colour=page.colour, width=page.width, zone=page.zone, choice=page.choice)]
    if len(lines) > page.height:
        room = max(page.height - 1, 1)
        lines = [*lines[:room], f"{len(lines) - room} more lines"[: page.width]]
    return lines[: page.height]


def drawn(lines: list[str]) -> str:
    """What draws the lines over the last frame: each is written over, and the rest is cleared. So nothing flickers."""
    return "\x1b[H" + "\r\n".join(f"{line}\x1b[K" for line in lines) + "\x1b[J"


def _red(text: str, page: Page) -> str:
    cut = text[: page.width]
    return f"{_BOLD_RED}{cut}{_RESET}" if page.colour else cut

"""A drill while it runs: on a terminal a screen with count-downs, otherwise a line for each thing that happens.

A thread of its own writes, so that a terminal that does not read (Ctrl-S) delays nothing that is measured. The screen
is drawn over itself at the end of what the terminal shows already. Its mode is never changed, and the cursor is back
when the display stops.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable
from datetime import tzinfo
from typing import TextIO

from mpathd_watch.core.drill.following import Following
from mpathd_watch.core.drill.lines import WARNING
from mpathd_watch.sinks.dates import date
from mpathd_watch.sinks.drill import screen, texts

DRAW_EVERY = 0.25
"""Seconds between two screens."""
STOPPED_WITHIN = 2.0
"""Seconds that a terminal may take for what is still to be written at the end."""

_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_BOLD_RED, _RESET = "\x1b[1;31m", "\x1b[0m"


class Display:
    """Shows a drill on ``stream``; with ``live`` it is a terminal. ``stop`` must be called in any case."""

    def __init__(self, stream: TextIO, *, live: bool, colour: bool, zone: tzinfo | None = None) -> None:
        self._stream = stream
        self._live = live
        self._colour = colour
        self._zone = zone
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._following: Following | None = None
        self._drawn = 0
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._write, name="display", daemon=True)
        self._thread.start()

    def begun(self, following: Following) -> None:
        """Show what the drill is about. Returns at once."""
        self._put(texts.announcement(following.plan), following)

    def watched(self, following: Following, happened: Iterable[str]) -> None:
        """Show how far it is, and what has happened. Returns at once."""
        moment = date(following.now.wall, self._zone).strftime("%H:%M:%S")
        self._put([self._painted(f"{moment}  {line}") for line in happened], following)

    def stop(self) -> None:
        """Write what is still to be written, and leave the terminal as it was."""
        self._stopping = True
        self._wake.set()
        self._thread.join(STOPPED_WITHIN)

    @property
    def hangs(self) -> bool:
        """Whether the terminal has not taken all of it when ``stop`` returned: whoever writes to it waits."""
        return self._thread.is_alive()

    def _put(self, lines: Iterable[str], following: Following) -> None:
        with self._lock:
            self._lines += lines
            self._following = following
        if self._lines:
            self._wake.set()

    def _painted(self, line: str) -> str:
        return f"{_BOLD_RED}{line}{_RESET}" if self._colour and WARNING in line else line

    def _write(self) -> None:
        try:
            while not self._stopping:
                self._wake.wait(DRAW_EVERY)
                self._wake.clear()
                self._draw()
            self._draw(last=True)
        except OSError:
            return  # the terminal is gone: the drill goes on, and its report is written

    def _draw(self, *, last: bool = False) -> None:
        with self._lock:
            lines, self._lines, following = self._lines, [], self._following
        frame: list[str] = []
        if self._live and following is not None and not last:
            frame = screen.frame(following, shutil.get_terminal_size().columns, colour=self._colour)
        if not (lines or frame or self._drawn):
            return
        over = f"\x1b[{self._drawn}A\x1b[J" if self._drawn else ""
        hidden = _HIDE if frame and not self._drawn else _SHOW if self._drawn and not frame else ""
        self._stream.write(over + hidden + "".join(f"{line}\n" for line in (*lines, *frame)))
        self._stream.flush()
        self._drawn = len(frame)

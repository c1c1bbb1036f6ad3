"""A progress bar on a terminal; lines elsewhere."""

from __future__ import annotations

import time
from typing import TextIO

WIDTH = 30


class Progress:
    """So many steps, of which each has a name."""

    def __init__(self, steps: int, stream: TextIO) -> None:
        self._steps = steps
        self._stream = stream
        self._begun = 0
        self._since = time.monotonic()
        self._shown = ""

    def begin(self, name: str) -> None:
        """The next step begins."""
        self._show(name)
        self._begun += 1

    def share(self, done: float, name: str) -> None:
        """So much of the present step is done, from 0 to 1. Where there is no terminal, each tenth is a line."""
        tenth = f"{self._begun}.{int(done * 10)}"
        if self._stream.isatty() or tenth != self._shown:
            self._shown = tenth
            self._show(name, min(done, 1.0) - 1.0)

    def note(self, text: str) -> None:
        """Show a line that stays."""
        self._stream.write(f"\r\x1b[K{text}\n" if self._stream.isatty() else f"{text}\n")
        self._stream.flush()

    def end(self) -> None:
        """All steps are over."""
        self._begun = self._steps
        self._show("done")
        if self._stream.isatty():
            self._stream.write("\n")

    def _show(self, name: str, more: float = 0.0) -> None:
        done = (self._begun + more) / max(1, self._steps)
        bar = "#" * round(done * WIDTH)
        minutes, seconds = divmod(int(time.monotonic() - self._since), 60)
        line = f"[{bar:-<{WIDTH}}] {self._begun}/{self._steps} {minutes}:{seconds:02} {name}"
        self._stream.write(f"\r\x1b[K{line}" if self._stream.isatty() else f"{line}\n")
        self._stream.flush()

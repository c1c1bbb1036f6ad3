"""``mpathd-watch status --watch``: the status again and again, with the count-downs of the phases that are running."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeAlias

from mpathd_watch.cli.output import is_colourful
from mpathd_watch.cli.terminal import Terminal
from mpathd_watch.sinks.status import screen
from mpathd_watch.sinks.status.choice import Choice, chosen
from mpathd_watch.sinks.status.document import Document
from mpathd_watch.sinks.status.frame import Page, Shown, drawn, frame

ASK_EVERY, DRAW_EVERY = 1.0, 0.25
"""Seconds between two questions to the daemon, and between two frames."""
PRINT_EVERY = 2.0
"""Seconds between two outputs that go to no terminal."""
SHARE = 0.1
"""Of the time, at most this share is spent on asking, so that a host with 10,000 paths is asked less often."""
SLOWEST = 30.0

Ask: TypeAlias = Callable[[], tuple[Document | None, str]]
"""Returns what the daemon answers, if one does, and what to note about the answer."""


class Answer(NamedTuple):
    """What was answered, and when by CLOCK_MONOTONIC; ``pause`` is the time until the daemon is asked again."""

    document: Document | None = None
    note: str = ""
    moment: float = 0.0
    pause: float = ASK_EVERY


def watch(options: argparse.Namespace, ask: Ask) -> int:
    """Show the status until Ctrl-C. Returns the exit status."""
    choice = Choice(options.map or "", options.problems)
    live = not options.json and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
    return _on_terminal(choice, ask) if live else _printed(choice, ask, as_json=options.json)


def _on_terminal(choice: Choice, ask: Ask) -> int:
    host, colour = socket.gethostname(), is_colourful()
    encoding = sys.stdout.encoding or "utf-8"
    with Terminal(sys.stdout.fileno()) as terminal:
        # A thread asks, so that a daemon that hangs delays neither the count-downs nor Ctrl-C. It inherits the mask.
        asking = _Asking(ask)
        while True:
            began = time.monotonic()
            answer, size = asking.answer, terminal.size
            shown = Shown(answer.document, began - answer.moment, answer.pause, answer.note)
            # The last column stays empty: a terminal may wrap a full line, or clear its last character.
            page = Page(size.columns - 1, size.lines, colour, choice)
            lines = frame(shown, page, host, datetime.now().astimezone())
            terminal.draw(drawn(lines).encode(encoding, "replace"))
            took = time.monotonic() - began
            ended_by = terminal.pause(max(DRAW_EVERY, took / SHARE))
            if ended_by is not None:
                return 0 if ended_by == signal.SIGINT else 128 + ended_by


class _Asking:
    """A thread that asks the daemon again and again. ``answer`` is the last one; a daemon that is gone changes none."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.answer = Answer()
        threading.Thread(target=self._run, name="asking", daemon=True).start()

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            document, note = self._ask()
            now = time.monotonic()
            pause = min(max(ASK_EVERY, (now - began) / SHARE), SLOWEST)
            if document is not None:
                self.answer = Answer(document, note, now, pause)
            time.sleep(pause)


def _printed(choice: Choice, ask: Ask, *, as_json: bool) -> int:
    """Where nobody draws over it: one screen after the other, or one line of JSON after the other."""
    noted = ""
    while True:
        began = time.monotonic()
        document, note = ask()
        if document is None:
            note = "No daemon answers; waiting for one."
        if note != noted and note:
            print(note, file=sys.stderr, flush=True)
        noted = note
        if document is not None and as_json:
            print(json.dumps(chosen(document, choice), ensure_ascii=False), flush=True)
        elif document is not None:
            print(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}")
            print(screen.render(document, colour=is_colourful(), choice=choice), flush=True)
        time.sleep(min(max(PRINT_EVERY, (time.monotonic() - began) / SHARE), SLOWEST))

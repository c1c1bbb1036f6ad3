"""The display of a drill: lines, a screen that is drawn over itself, and a terminal that does not read."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC

from mpathd_watch.core.drill.following import begun
from mpathd_watch.sinks.drill.display import Display
from tests.factories import at
from tests.unit.core.drill.drilling import host, planned

HIDE, SHOW, OVER = "\x1b[?25l", "\x1b[?25h", "\x1b[8A\x1b[J"


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_without_a_terminal_each_thing_that_happens_is_a_line_with_the_time() -> None:
    stream, state = io.StringIO(), host()
    following = begun(planned(state), state, at(0))
    display = Display(stream, live=False, colour=False, zone=UTC)
    display.begun(following)
    display.watched(following, ["one", "WARNING: two"])
    display.watched(following, [])
    display.stop()
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().splitlines()[-3:] == [
        "Waiting for the fault. Ctrl-C ends the drill.",
        "11:06:40  one",
        "11:06:40  WARNING: two",
    ]


def test_on_a_terminal_the_screen_is_drawn_over_itself_and_gone_at_the_end() -> None:
    stream, state = io.StringIO(), host()
    following = begun(planned(state), state, at(0))
    display = Display(stream, live=True, colour=True, zone=UTC)
    display.begun(following)
    until(lambda: HIDE in stream.getvalue())
    display.watched(following, ["WARNING: one"])
    until(lambda: "\x1b[1;31m11:06:40  WARNING: one\x1b[0m" in stream.getvalue())
    display.stop()
    shown = stream.getvalue()
    assert OVER in shown
    assert shown.endswith(f"{OVER}{SHOW}")
    assert shown.count(HIDE) == shown.count(SHOW) == 1


def test_a_display_that_has_shown_nothing_leaves_nothing() -> None:
    stream = io.StringIO()
    Display(stream, live=True, colour=True).stop()
    assert stream.getvalue() == ""


def test_a_terminal_that_does_not_read_delays_nobody() -> None:
    reading, writing = os.pipe()
    state = host()
    following = begun(planned(state), state, at(0))
    with os.fdopen(writing, "w") as stream:
        display = Display(stream, live=False, colour=False)
        began = time.monotonic()
        for _ in range(200):
            display.watched(following, ["x" * 4096])
        assert time.monotonic() - began < 1
        threading.Thread(target=lambda: drained(reading), daemon=True).start()
        display.stop()


def drained(reading: int) -> None:
    while os.read(reading, 1 << 20):
        pass


def test_a_terminal_that_is_gone_ends_the_display_and_not_the_drill() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    state = host()
    following = begun(planned(state), state, at(0))
    stream = os.fdopen(writing, "w")
    display = Display(stream, live=False, colour=False)
    display.begun(following)
    display.watched(following, ["one"])
    display.stop()
    try:
        stream.close()
    except BrokenPipeError:
        return

"""The console: lines for people at a terminal."""

from __future__ import annotations

import fcntl
import io
import os
import threading
from datetime import UTC
from typing import Protocol, TextIO, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.immutable import replace
from mpathd_watch.sinks.console import ConsoleSink
from mpathd_watch.sinks.standard_error import StandardError

FAILED = Alert(
    AlertKind.PATH_FAILED,
    Priority.ERR,
    "mpio: path 192.168.2.1:3260 (sdb) failed.",
    {"MAP": "mpio", "PATH": "192.168.2.1:3260", "OUTAGE": "0123456789abcdef"},
)


class Log(Protocol):
    """What the daemon asks of either sink."""

    def alert(self, alert: Alert) -> None:
        """Report an alert."""

    def log(self, priority: Priority, text: str) -> None:
        """Report a line."""

    def stop(self, deadline: float = ...) -> bool:
        """Report the rest."""


def console(stream: io.StringIO, *, colour: bool = False) -> ConsoleSink:
    return ConsoleSink(stream, lambda: 1_795_000_000.25, colour=colour, zone=UTC)


def test_the_console_shows_time_priority_event_and_message() -> None:
    stream = io.StringIO()
    sink: Log = console(stream)
    sink.log(Priority.INFO, "listening on :10068")
    sink.alert(FAILED)
    assert sink.stop(5)
    assert stream.getvalue().splitlines() == [
        "11:06:40.250  info     daemon            listening on :10068",
        "11:06:40.250  err      path_failed       mpio: path 192.168.2.1:3260 (sdb) failed.",
    ]


def test_where_there_is_no_journal_a_line_has_the_date_and_all_fields() -> None:
    stream = io.StringIO()
    sink = ConsoleSink(stream, lambda: 1_795_000_000.25, colour=False, complete=True, zone=UTC)
    sink.log(Priority.INFO, "listening on :10068")
    sink.alert(FAILED)
    sink.alert(replace(FAILED, fields={"MAP": 'a "b"\nc=d', "PATH": "", "DEVICE": "\x9b31m"}))
    assert sink.stop(5)
    moment = "2026-11-18T11:06:40.250+00:00"
    failed = "err      path_failed       mpio: path 192.168.2.1:3260 (sdb) failed."
    lines = stream.getvalue().splitlines()
    assert lines[:2] == [
        f"{moment}  info     daemon            listening on :10068",
        f"{moment}  {failed}  MPATHD_WATCH_MAP=mpio  MPATHD_WATCH_PATH=192.168.2.1:3260  "
        "MPATHD_WATCH_OUTAGE=0123456789abcdef",
    ]
    # Text from the SAN forges neither a line nor a field.
    assert len(lines) == 3
    assert lines[2].isprintable()
    fields = lines[2].removeprefix(f"{moment}  {failed}  ").split("  ")
    assert [field.partition("=")[0] for field in fields] == [
        f"MPATHD_WATCH_{name}" for name in ("MAP", "PATH", "DEVICE")
    ]
    assert fields[0].startswith('MPATHD_WATCH_MAP="a \\"b\\"')


def test_lines_that_standard_error_has_lost_are_counted_and_reported_where_they_are_missing() -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    stream = StandardError(writing, capacity=8000)
    sink = ConsoleSink(cast("TextIO", stream), lambda: 0.0, colour=False, complete=True, below=lambda: stream.outlet)

    def end() -> None:
        stream.stop(5)
        os.close(writing)

    for number in range(200):
        sink.log(Priority.INFO, f"line {number} " + "x" * 200)
    assert sink.stop(5)
    lost = sink.outlet.lost
    assert 50 < lost < 199
    assert sink.outlet.waiting > 10
    with open(reading, encoding="utf-8") as reader:  # noqa: PTH123  # a descriptor
        ending = threading.Thread(target=end)
        ending.start()
        lines = reader.read().splitlines()
        ending.join()
    ours = [line for line in lines if "  daemon  " in line]
    assert len(ours) + lost == 200
    assert [line for line in lines if line not in ours] == [
        f"mpathd-watch: standard error was not read in time; pieces of text dropped here: {lost}"
    ]
    assert sink.outlet.lost == lost


def test_colour_comes_on_request_only() -> None:
    stream = io.StringIO()
    sink = console(stream, colour=True)
    sink.alert(FAILED)
    sink.alert(Alert(AlertKind.PATH_REINSTATED, Priority.NOTICE, "back", {}))
    sink.stop()
    lines = stream.getvalue().splitlines()
    assert "\x1b[1;31mmpio: path 192.168.2.1:3260 (sdb) failed.\x1b[0m" in lines[0]
    assert "\x1b[32mback\x1b[0m" in lines[1]


@settings(deadline=None)
@given(st.text())
def test_no_text_forges_a_line_on_the_console(text: str) -> None:
    stream = io.StringIO()
    sink = console(stream)
    sink.log(Priority.CRIT, text)
    assert sink.stop()
    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()


def test_a_terminal_that_has_gone_stops_nobody() -> None:
    class Gone(io.StringIO):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError(32, f"Broken pipe, {len(text)} characters lost")

    sink = console(Gone())
    sink.log(Priority.INFO, "nobody there")
    assert sink.stop()
    assert sink.outlet.lost == 1

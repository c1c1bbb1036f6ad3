"""The journal, the console and the queue behind both."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable
from datetime import UTC
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.sinks.backlog import Backlog
from mpathd_watch.sinks.console import ConsoleSink
from mpathd_watch.sinks.journal import Entry, JournalSink, alert_entry, line_entry

FAILED = Alert(
    AlertKind.PATH_FAILED,
    Priority.ERR,
    "mpio: path 192.168.2.1:3260 (sdb) failed.",
    {"MAP": "mpio", "PATH": "192.168.2.1:3260", "OUTAGE": "0123456789abcdef"},
)


class Journald:
    """Takes entries, once ``open`` is set."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.open = threading.Event()
        self.broken = False

    def sendv(self, *fields: bytes) -> None:
        """As systemd.journal.sendv."""
        self.open.wait(10)
        if self.broken:
            raise ConnectionRefusedError
        self.entries.append(fields)

    def messages(self) -> list[str]:
        """The entries' messages, in the order in which they came."""
        return [fields(entry)["MESSAGE"] for entry in self.entries]


def fields(entry: Iterable[bytes]) -> dict[str, str]:
    return {name: value for name, _, value in (field.decode().partition("=") for field in entry)}


@pytest.fixture
def journald() -> Journald:
    return Journald()


def test_an_alert_becomes_an_entry_with_the_contract_s_fields() -> None:
    assert fields(alert_entry(FAILED)) == {
        "MESSAGE": "mpio: path 192.168.2.1:3260 (sdb) failed.",
        "MESSAGE_ID": "549a25f9d5274012aeaa5f6ef18b0c17",
        "PRIORITY": "3",
        "SYSLOG_IDENTIFIER": "mpathd-watch",
        "MPATHD_WATCH_EVENT": "path_failed",
        "MPATHD_WATCH_MAP": "mpio",
        "MPATHD_WATCH_PATH": "192.168.2.1:3260",
        "MPATHD_WATCH_OUTAGE": "0123456789abcdef",
    }


def test_a_line_of_the_daemon_has_no_message_id() -> None:
    assert fields(line_entry(Priority.INFO, "listening on :10068")) == {
        "MESSAGE": "listening on :10068",
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "mpathd-watch",
        "MPATHD_WATCH_EVENT": "daemon",
    }


@settings(deadline=None)
@given(st.text(), st.text())
def test_no_text_forges_a_line_or_a_field(message: str, name: str) -> None:
    entry = alert_entry(Alert(AlertKind.PATH_FAILED, Priority.ERR, message, {"MAP": name}))
    assert len(entry) == 6
    names = [field.partition(b"=")[0] for field in entry]
    assert names == [
        *(b"MESSAGE", b"MESSAGE_ID", b"PRIORITY", b"MPATHD_WATCH_EVENT", b"MPATHD_WATCH_MAP", b"SYSLOG_IDENTIFIER")
    ]
    assert entry[0].decode().isprintable()


def test_bytes_that_are_no_unicode_arrive_spelled_out() -> None:
    entry = alert_entry(Alert(AlertKind.PATH_FAILED, Priority.ERR, "a\udcffb", {"MAP": "a\udcff\nPRIORITY=0"}))
    told = fields(entry)
    assert told["MESSAGE"] == "a\\xffb"
    assert told["MPATHD_WATCH_MAP"] == "a\\udcff\nPRIORITY=0"


def test_entries_arrive_in_order_and_stop_waits_for_them(journald: Journald) -> None:
    sink = JournalSink(journald.sendv)
    sink.alert(FAILED)
    for number in range(100):
        sink.log(Priority.INFO, f"line {number}")
    journald.open.set()
    assert sink.stop()
    assert journald.messages() == [FAILED.message, *(f"line {number}" for number in range(100))]
    assert sink.dropped == 0


def test_a_hung_journald_stalls_nobody_and_the_loss_is_told(journald: Journald) -> None:
    sink = JournalSink(journald.sendv, capacity=3)
    for number in range(10):
        sink.log(Priority.INFO, f"line {number}")
    dropped = sink.dropped
    assert dropped in (6, 7)  # the thread may hold one entry already
    journald.open.set()
    assert sink.stop()
    told = journald.messages()
    loss = f"journald did not accept all entries of mpathd-watch in time; dropped: {dropped}"
    assert told.count(loss) == 1
    assert len(told) == 11 - dropped
    assert fields(journald.entries[told.index(loss)])["PRIORITY"] == "4"


def test_stopping_before_a_hung_journald_gives_up_in_time(journald: Journald) -> None:
    sink = JournalSink(journald.sendv)
    sink.log(Priority.INFO, "never sent")
    assert not sink.stop(0.05)
    journald.open.set()


def test_stopping_with_a_full_queue_gives_up_in_time(journald: Journald) -> None:
    sink = JournalSink(journald.sendv, capacity=1)
    for _ in range(3):
        sink.log(Priority.INFO, "never sent")
    assert not sink.stop(0.05)
    journald.open.set()


def test_what_journald_refuses_is_counted_and_told_when_it_is_back(journald: Journald) -> None:
    journald.broken = True
    journald.open.set()
    sink = JournalSink(journald.sendv)
    sink.log(Priority.INFO, "refused")
    sink.log(Priority.INFO, "refused, too")
    while sink.dropped < 2:
        pass
    journald.broken = False
    sink.log(Priority.INFO, "accepted")
    assert sink.stop()
    assert journald.messages() == [
        "journald did not accept all entries of mpathd-watch in time; dropped: 2",
        "accepted",
    ]


def test_a_loss_that_can_t_be_told_at_the_end_ends_quietly(journald: Journald) -> None:
    journald.broken = True
    journald.open.set()
    sink = JournalSink(journald.sendv)
    sink.log(Priority.INFO, "refused")
    assert sink.stop()
    assert (sink.dropped, journald.entries) == (1, [])


def test_items_may_come_from_many_threads() -> None:
    got: list[int] = []
    backlog: Backlog[int] = Backlog("test", got.append, lambda _: None)

    def put() -> None:
        for number in range(200):
            backlog.put(number)

    threads = [threading.Thread(target=put) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert backlog.stop(5)
    assert len(got) == 1000


class Log(Protocol):
    """What the daemon asks of either sink."""

    def alert(self, alert: Alert) -> None:
        """Tell an alert."""

    def log(self, priority: Priority, text: str) -> None:
        """Tell a line."""

    def stop(self, deadline: float = ...) -> bool:
        """Tell the rest."""


def console(stream: io.StringIO, *, colour: bool = False) -> ConsoleSink:
    return ConsoleSink(stream, lambda: 1_795_000_000.25, colour=colour, zone=UTC)


def test_the_console_tells_time_priority_event_and_message() -> None:
    stream = io.StringIO()
    sink: Log = console(stream)
    sink.log(Priority.INFO, "listening on :10068")
    sink.alert(FAILED)
    assert sink.stop(5)
    assert stream.getvalue().splitlines() == [
        "11:06:40.250  info     daemon            listening on :10068",
        "11:06:40.250  err      path_failed       mpio: path 192.168.2.1:3260 (sdb) failed.",
    ]


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
    assert sink.dropped == 1

"""The journal: entries on a real datagram socket, read or not."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.catalog.fields import FIELDS, PREFIX
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.text import clean
from mpathd_watch.sinks import backlog, journal
from mpathd_watch.sinks import journald as native
from mpathd_watch.sinks.backlog import BusyError
from mpathd_watch.sinks.journal import JournalSink, alert_entry, line_entry
from mpathd_watch.sinks.journald import encode
from tests.fakes.journald import Journald, parse

FAILED = Alert(
    AlertKind.PATH_FAILED,
    Priority.ERR,
    "mpio: path 192.168.2.1:3260 (sdb) failed.",
    {"MAP": "mpio", "PATH": "192.168.2.1:3260", "OUTAGE": "0123456789abcdef"},
)
LOSS = "journald did not accept all entries of mpathd-watch in time; dropped here: "


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Journald]:
    made = Journald(tmp_path / "socket")
    yield made
    made.close()


@pytest.fixture
def sink(journald: Journald) -> Iterator[JournalSink]:
    made = JournalSink(journald.path)
    yield made
    made.stop(0)


# --- the format -------------------------------------------------------------------------------------------------------


def test_an_alert_becomes_an_entry_with_the_contract_s_fields() -> None:
    assert parse(alert_entry(FAILED)) == [
        ("MESSAGE", b"mpio: path 192.168.2.1:3260 (sdb) failed."),
        ("MESSAGE_ID", b"549a25f9d5274012aeaa5f6ef18b0c17"),
        ("PRIORITY", b"3"),
        ("MPATHD_WATCH_EVENT", b"path_failed"),
        ("MPATHD_WATCH_MAP", b"mpio"),
        ("MPATHD_WATCH_PATH", b"192.168.2.1:3260"),
        ("MPATHD_WATCH_OUTAGE", b"0123456789abcdef"),
        ("SYSLOG_IDENTIFIER", b"mpathd-watch"),
    ]


def test_a_line_of_the_daemon_has_no_message_id() -> None:
    assert parse(line_entry(Priority.INFO, "listening on :10068")) == [
        ("MESSAGE", b"listening on :10068"),
        ("PRIORITY", b"6"),
        ("MPATHD_WATCH_EVENT", b"daemon"),
        ("SYSLOG_IDENTIFIER", b"mpathd-watch"),
    ]


@settings(deadline=None)
@given(st.text(), st.text())
def test_no_text_forges_a_line_or_a_field(message: str, name: str) -> None:
    entry = parse(alert_entry(Alert(AlertKind.PATH_FAILED, Priority.ERR, message, {"MAP": name})))
    assert [field for field, _ in entry] == [
        *("MESSAGE", "MESSAGE_ID", "PRIORITY", "MPATHD_WATCH_EVENT", "MPATHD_WATCH_MAP", "SYSLOG_IDENTIFIER")
    ]
    assert entry[0][1].decode().isprintable()
    assert entry[4][1].decode() == (name if name.isprintable() else clean(name))


@given(st.text())
def test_a_value_of_the_native_format_arrives_whole_whatever_it_holds(value: str) -> None:
    assert parse(encode([("A", value), ("B", "x")])) == [("A", value.encode("utf-8", "backslashreplace")), ("B", b"x")]


def test_bytes_that_are_no_unicode_arrive_spelled_out() -> None:
    entry = dict(parse(alert_entry(Alert(AlertKind.PATH_FAILED, Priority.ERR, "a\udcffb", {"MAP": "a\udcff\nX=0"}))))
    assert entry["MESSAGE"] == b"a\\xffb"
    assert entry["MPATHD_WATCH_MAP"] == b"a\\xff\\x0aX=0"


@pytest.mark.parametrize("name", ["", "_PID", "1ST", "lower", "A" * 65, "A B", "A=B", "A\nPRIORITY=0\nB", "Ä", "A\n"])
def test_a_field_whose_name_journald_would_refuse_is_left_out(name: str) -> None:
    assert parse(encode([("MESSAGE", "x"), (name, "y")])) == [("MESSAGE", b"x")]


def test_every_field_of_the_contract_has_a_name_that_journald_accepts() -> None:
    names = [f"{PREFIX}{name}" for name in FIELDS]
    assert [name for name, _ in parse(encode([(name, "x") for name in names]))] == names


# --- a journald that reads --------------------------------------------------------------------------------------------


def test_entries_arrive_in_order_with_nothing_added(journald: Journald, sink: JournalSink) -> None:
    sink.alert(FAILED)
    for number in range(100):
        sink.log(Priority.INFO, f"line {number}")
    assert journald.read() == parse(alert_entry(FAILED))
    assert journald.messages(100) == [f"line {number}" for number in range(100)]
    assert sink.stop()
    assert sink.outlet.lost == 0


def test_an_entry_too_large_for_a_datagram_is_passed_in_sealed_memory(journald: Journald, sink: JournalSink) -> None:
    huge = "x" * (20 << 20)
    sink.alert(Alert(AlertKind.PATH_FAILED, Priority.ERR, "huge", {"MAP": huge}))
    sink.log(Priority.INFO, "after it")
    entry = journald.read()
    assert entry is not None
    assert dict(entry)["MPATHD_WATCH_MAP"] == huge.encode()
    assert journald.messages(1) == ["after it"]


def test_no_descriptor_is_left_open(journald: Journald) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # iterdir() would count its own
    sink = JournalSink(journald.path)
    sink.alert(Alert(AlertKind.PATH_FAILED, Priority.ERR, "huge", {"MAP": "x" * (20 << 20)}))
    assert journald.read() is not None
    assert sink.stop()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


# --- a journald that does not -----------------------------------------------------------------------------------------


def test_while_the_queue_is_full_no_thread_but_its_own_waits(journald: Journald, sink: JournalSink) -> None:
    assert journald.fill() > 1
    worst = 0.0
    for number in range(200):
        began = time.monotonic()
        sink.log(Priority.INFO, f"line {number}")
        time.sleep(0.001)
        worst = max(worst, time.monotonic() - began)
    assert worst < 0.25
    assert sink.outlet.waiting == 200
    # What the kernel's queue had no room for comes after the others' entries, in order and complete.
    assert journald.messages(200) == [f"line {number}" for number in range(200)]
    assert sink.stop()
    assert sink.outlet.lost == 0


def test_what_is_late_says_so_and_the_end_of_the_stall_is_reported(
    journald: Journald, sink: JournalSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "LATE", 0.2)
    monkeypatch.setattr(journal, "REPORTED", 0.3)
    journald.fill()
    sink.alert(FAILED)
    time.sleep(0.8)
    assert sink.outlet.stalled
    entry = journald.read()
    assert entry is not None
    assert entry[:-1] == parse(alert_entry(FAILED))
    assert entry[-1][0] == "MPATHD_WATCH_DELAY_SEC"
    assert 0.7 < float(entry[-1][1]) < 5
    over = journald.read()
    assert over is not None
    message = dict(over)["MESSAGE"].decode()
    assert message.startswith("journald accepts entries again. It accepted none for ")
    assert message.endswith("; late: 1, dropped: 0")
    assert dict(over)["PRIORITY"] == b"5"
    assert not sink.outlet.stalled


def test_what_finds_no_room_is_counted_and_reported_once_where_it_is_missing(journald: Journald) -> None:
    sink = JournalSink(journald.path, capacity=4)
    journald.fill()
    for number in range(10):
        sink.log(Priority.INFO, f"line {number}")
    assert sink.outlet.lost == 6
    until(lambda: sink.outlet.stalled)
    received = journald.messages(6)
    assert received[:5] == [*(f"line {number}" for number in range(4)), f"{LOSS}6"]
    assert received[5].endswith("; late: 4, dropped: 6")
    sink.log(Priority.INFO, "afterwards")
    assert journald.messages(1) == ["afterwards"]
    assert sink.stop()


def test_stopping_before_a_hung_journald_gives_up_in_time_and_counts(journald: Journald) -> None:
    sink = JournalSink(journald.path)
    journald.fill()
    for _ in range(3):
        sink.log(Priority.INFO, "never sent")
    began = time.monotonic()
    assert not sink.stop(0.3)
    assert time.monotonic() - began < 1
    assert sink.outlet.lost == 3


def test_others_that_compete_for_the_queue_do_not_starve_us(journald: Journald, sink: JournalSink) -> None:
    stop = threading.Event()

    def compete() -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.settimeout(0.1)
            while not stop.is_set():
                try:
                    other.sendto(b"MESSAGE=another service\n", str(journald.path))
                except OSError:
                    continue

    threads = [threading.Thread(target=compete) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(20):
        sink.log(Priority.INFO, f"line {number}")
    assert journald.messages(20) == [f"line {number}" for number in range(20)]
    stop.set()
    for thread in threads:
        thread.join()


# --- a journald that comes and goes -----------------------------------------------------------------------------------


def test_a_restarted_journald_gets_what_came_in_between(
    journald: Journald, sink: JournalSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "RETRY_EVERY", 0.02)
    sink.log(Priority.INFO, "before")
    assert journald.messages(1) == ["before"]
    journald.close()
    sink.log(Priority.INFO, "nobody reads the socket")
    time.sleep(0.1)
    journald.path.unlink()
    sink.log(Priority.INFO, "there is no socket")
    time.sleep(0.1)
    assert (sink.outlet.waiting, sink.outlet.lost) == (2, 0)
    successor = Journald(journald.path)
    assert successor.messages(2) == ["nobody reads the socket", "there is no socket"]
    successor.close()


def test_a_socket_that_is_replaced_while_it_is_full_is_left(journald: Journald, sink: JournalSink) -> None:
    journald.fill()
    sink.log(Priority.INFO, "for the successor")
    time.sleep(0.1)
    successor = Journald(journald.path)
    journald.close()
    assert successor.messages(1) == ["for the successor"]
    successor.close()


@pytest.mark.parametrize("kind", ["file", "directory", "fifo", "link to a file", "stream", "nobody's socket"])
def test_what_is_there_in_place_of_journald_is_neither_written_to_nor_waited_for(
    journald: Journald, sink: JournalSink, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(backlog, "RETRY_EVERY", 0.02)
    sink.log(Priority.INFO, "before")
    assert journald.messages(1) == ["before"]
    journald.close()
    place = journald.path
    place.unlink(missing_ok=True)
    victim = place.with_name("victim")
    victim.write_bytes(b"")
    stranger = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if kind == "stream" else socket.SOCK_DGRAM)
    lay: dict[str, Callable[[], object]] = {
        "file": lambda: victim.rename(place),
        "directory": place.mkdir,
        "fifo": lambda: os.mkfifo(place),
        "link to a file": lambda: place.symlink_to(victim),
        "stream": lambda: stranger.bind(str(place)),
        "nobody's socket": lambda: stranger.bind(str(place)),
    }
    lay[kind]()
    if kind == "stream":
        stranger.listen(4)
    else:
        stranger.close()
    sink.log(Priority.INFO, "meanwhile")
    time.sleep(0.1)
    assert (sink.outlet.waiting, sink.outlet.lost) == (1, 0)
    if kind == "directory":
        assert list(place.iterdir()) == []
        place.rmdir()
    else:
        assert place.lstat().st_size == 0 or kind == "link to a file"
        place.unlink()
    assert not victim.exists() or victim.read_bytes() == b""
    stranger.close()
    successor = Journald(place)
    assert successor.messages(1) == ["meanwhile"]
    successor.close()


def test_no_journald_at_all_costs_only_what_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "RETRY_EVERY", 0.02)
    sink = JournalSink(tmp_path / "none", capacity=5)
    for number in range(8):
        sink.log(Priority.INFO, f"line {number}")
    assert sink.outlet.lost == 3
    assert not sink.stop(0.1)
    assert sink.outlet.lost == 8


def test_an_entry_that_can_not_be_sent_at_all_does_not_hold_up_the_others(
    journald: Journald, sink: JournalSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_name: str, _flags: int) -> int:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(os, "memfd_create", refuse)
    sink.alert(Alert(AlertKind.PATH_FAILED, Priority.ERR, "huge", {"MAP": "x" * (20 << 20)}))
    sink.log(Priority.INFO, "after it")
    assert journald.messages(2) == [f"{LOSS}1", "after it"]
    assert sink.outlet.lost == 1


def test_one_attempt_waits_no_longer_than_asked(journald: Journald) -> None:
    client = native.Journald(journald.path)
    journald.fill()
    began = time.monotonic()
    with pytest.raises(BusyError) as busy:
        client.send(b"MESSAGE=x\n", 0.2)
    assert busy.value.waited
    assert 0.15 < time.monotonic() - began < 1
    client.close()

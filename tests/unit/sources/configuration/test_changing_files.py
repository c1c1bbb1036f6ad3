"""Files that change while they are read: no mixture of two contents counts, and none that is not there yet."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mpathd_watch.core.configuration import Reason
from mpathd_watch.core.formats.open_iscsi import keys
from mpathd_watch.sources.configuration import RootOnly, read_root_only, reader
from mpathd_watch.sources.configuration.reader import ATTEMPTS, MAX_PAUSES, Reader

NODES = "var/lib/iscsi/nodes/iqn.2024-01.org.example:disks"
FIRST, LAST = keys.NOOP_OUT_INTERVAL, keys.NOOP_OUT_TIMEOUT
CHUNK = 4096
OLD = 1_000_000_000
"""A moment long ago (POSIX seconds)."""


def version(number: int, lines: int = 1500) -> bytes:
    """A record whose values are ``number``, one at its beginning and one at its end."""
    middle = "# filler\n" * lines
    return f"# BEGIN RECORD 2.1.11\n{FIRST} = {number}\n{middle}{LAST} = {number}\n# END RECORD\n".encode()


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """The second of three records."""
    for number in range(3):
        path = tmp_path / NODES / f"192.0.2.{number},3260,1/default"
        path.parent.mkdir(parents=True)
        path.write_bytes(version(number))
    return tmp_path / NODES / "192.0.2.1,3260,1/default"


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses of the reader, which take no time here: files are younger than a pause only by ``_is_young``."""
    made: list[float] = []
    monkeypatch.setattr(reader, "_CHUNK", CHUNK)
    monkeypatch.setattr(reader, "_is_young", lambda _: False)
    monkeypatch.setattr("time.sleep", made.append)
    return made


def found(record: Path) -> tuple[RootOnly, list[tuple[int | str, int | str]]]:
    """What is read of the host, and the two values of each record."""
    read = read_root_only(record.parents[6])
    entries = [each.record.entries for each in read.records]
    return read, [(each[FIRST].value, each[LAST].value) for each in entries]


def write_over(path: Path) -> None:
    """Without emptying the file, so that it has its whole size at any time."""
    with path.open("r+b") as file:
        file.write(version(8))


def write_in_place(path: Path) -> None:
    path.write_bytes(version(8))


def replace_it(path: Path) -> None:
    path.with_name("8~").write_bytes(version(8))
    path.with_name("8~").rename(path)


def cut_short(path: Path) -> None:
    os.truncate(path, CHUNK)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def make_longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(f"{FIRST} = 8\n".encode())


def make_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES: list[Callable[[Path], None]] = [write_over, write_in_place, replace_it, cut_short, empty, make_longer]


def changing(monkeypatch: pytest.MonkeyPatch, record: Path, *changes: Callable[[Path], None]) -> list[int]:
    """Make one change after the first part of the record has been read, at each attempt; returns those that began.

    Each leaves another mtime, however coarse the clock of the file system is.
    """
    waiting = list(changes)
    attempts: list[int] = []
    real = os.read

    def read(descriptor: int, size: int) -> bytes:
        part = real(descriptor, size)
        if part.startswith(b"# BEGIN") and Path(f"/proc/self/fd/{descriptor}").readlink() == record:
            attempts.append(len(attempts))
            if waiting:
                waiting.pop(0)(record)
                os.utime(record, (OLD + len(attempts), OLD + len(attempts)))
        return part

    monkeypatch.setattr(os, "read", read)
    return attempts


@pytest.mark.parametrize("change", [write_over, write_in_place, replace_it])
def test_what_changes_once_is_read_again_and_counts_as_it_is_then(
    record: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    attempts = changing(monkeypatch, record, change)
    read, values = found(record)
    assert (values, read.unreadable) == ([(0, 0), (8, 8), (2, 2)], ())
    assert len(attempts) == 2


@pytest.mark.parametrize("change", CHANGES)
def test_what_goes_on_changing_is_one_line_and_all_others_count(
    record: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float], change: Callable[[Path], None]
) -> None:
    def change_whole(path: Path) -> None:
        change(path)
        if path.stat().st_size < CHUNK:
            path.write_bytes(version(1))

    changing(monkeypatch, record, *([change_whole] * 100))
    read, values = found(record)
    assert values == [(0, 0), (2, 2)]
    (said,) = read.unreadable
    assert (said.path, said.reason) == (str(record), Reason.FAILED)
    assert said.text == "it changes while it is read, so it is not read"
    assert len(pauses) == ATTEMPTS


def test_what_becomes_a_directory_is_said_to_be_one(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changing(monkeypatch, record, make_directory)
    read, values = found(record)
    assert values == [(0, 0), (2, 2)]
    assert [(each.path, each.reason) for each in read.unreadable] == [(str(record), Reason.NOT_REGULAR)]


def test_what_is_removed_is_not_there(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def remove(path: Path) -> None:
        path.unlink()
        path.with_name("1~").touch()
        path.with_name("1~").rename(path.with_name("1"))

    real = os.utime
    monkeypatch.setattr(os, "utime", lambda path, times: real(path, times) if Path(path).exists() else None)
    changing(monkeypatch, record, remove)
    read, values = found(record)
    assert (values, read.unreadable) == ([(0, 0), (2, 2)], ())


def test_what_has_just_been_written_is_looked_at_again(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One half has been written by iscsiadm so far, and the other follows in the same tick of the kernel's clock."""
    monkeypatch.undo()
    whole = version(8)
    record.write_bytes(whole[: len(whole) // 2])
    age, pauses = [5_000_000], list[float]()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            record.write_bytes(whole)
        else:
            age[0] += 20_000_000

    # However slow this machine is, the record has changed 5 ms ago until the second pause.
    monkeypatch.setattr("time.sleep", pause)
    monkeypatch.setattr("time.time_ns", lambda: max(record.stat().st_mtime_ns, record.stat().st_ctime_ns) + age[0])
    read, values = found(record)
    assert (values, read.unreadable) == ([(0, 0), (8, 8), (2, 2)], ())
    assert len(pauses) >= 2


@pytest.mark.parametrize("step", [-3600, 3600])
def test_a_clock_that_is_set_holds_nothing_up(
    record: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float], step: int
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("time.sleep", pauses.append)
    now = record.stat().st_mtime_ns + step * 10**9
    monkeypatch.setattr("time.time_ns", lambda: now)
    assert found(record)[1] == [(0, 0), (1, 1), (2, 2)]
    assert pauses == []


def test_all_files_together_are_not_waited_for_long(tmp_path: Path, pauses: list[float]) -> None:
    files = [tmp_path / f"{number}" for number in range(40)]
    for file in files:
        file.touch()
    reading = Reader()
    real = reader.mark
    count = iter(range(10_000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "mark", lambda path: (*real(path), next(count)))
        assert {reading.content(file) for file in files} == {None}
    assert len(pauses) == MAX_PAUSES
    assert [each.path for each in reading.unreadable] == [str(file) for file in files]


def test_a_file_of_the_kernel_that_has_nothing_yet_is_one_line(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as /proc/kmsg, a regular file of which a read fails with EAGAIN if it does not wait."""
    real = os.read

    def read(descriptor: int, size: int) -> bytes:
        if Path(f"/proc/self/fd/{descriptor}").readlink() == record:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return real(descriptor, size)

    monkeypatch.setattr(os, "read", read)
    seen, values = found(record)
    assert values == [(0, 0), (2, 2)]
    assert [(each.path, each.reason) for each in seen.unreadable] == [(str(record), Reason.FAILED)]


def test_a_file_that_did_not_hold_still_is_read_again_at_the_next_look(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have its last change behind it, so that its mark will never differ from the present one."""
    monkeypatch.setattr(reader, "_is_young", lambda _: True)
    reading = Reader()
    assert reading.content(record) is None
    assert reading.marks[record] != reader.mark(record)

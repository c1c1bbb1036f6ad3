"""A recording on a file system that does not accept data: here a FIFO whose reader does not read."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpathd_watch.core.events import Tick
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.sinks import recorder as module
from mpathd_watch.sinks.recorder import Recorder, RecorderError
from mpathd_watch.sources.recording import read

MOST = 1 << 20


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "recording"
    os.mkfifo(path)
    return path


@pytest.fixture
def reader(fifo: Path) -> Iterator[int]:
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    yield descriptor
    os.close(descriptor)


def test_a_file_that_can_not_be_opened_in_time_is_one_line(fifo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPENED_WITHIN", 0.1)
    with pytest.raises(RecorderError) as caught:
        Recorder(fifo, "0.1.0", MOST)
    assert str(caught.value) == f"{fifo}: the recording can't be written: it could not be opened within 0.1 s"
    # Let the thread that waits for a reader end.
    os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))


def seconds_apart(count: int) -> Iterator[Instant]:
    """Moments so far apart that each event is written."""
    return (Instant(100.0 * number, 1_800_000_000.0 + 100.0 * number) for number in range(count))


def fill(fifo: Path) -> None:
    """Leave no room in a pipe."""
    writer = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(4096))
    os.close(writer)


def test_a_file_system_that_hangs_makes_nobody_wait_and_ends_the_recording_once(
    fifo: Path, reader: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSED_WITHIN", 0.2)
    recorder = Recorder(fifo, "0.1.0", MOST, capacity=100_000)
    fill(fifo)
    worst = 0.0
    complaints = []
    for now in seconds_apart(2_000):
        began = time.monotonic()
        try:
            recorder.add(Tick(), now)
        except RecorderError as error:
            complaints.append(str(error))
        worst = max(worst, time.monotonic() - began)
    assert worst < 0.25
    assert complaints == [f"{fifo}: the recording ends here: the file system accepts the events too slowly, or hangs"]
    assert recorder.outlet.lost == 1
    recorder.write()
    began = time.monotonic()
    recorder.close()
    assert time.monotonic() - began < 1
    assert os.read(reader, 10) != b""


def test_what_was_recorded_before_a_hang_is_written_when_it_is_over(fifo: Path, reader: int, tmp_path: Path) -> None:
    recorder = Recorder(fifo, "0.1.0", MOST, capacity=100_000)
    with contextlib.suppress(RecorderError):
        for now in seconds_apart(20_000):
            recorder.add(Tick(), now)
    assert recorder.outlet.lost == 1
    waiting = recorder.outlet.waiting
    assert waiting > 0
    data = b""
    until = time.monotonic() + 20
    while recorder.outlet.waiting and time.monotonic() < until:
        with contextlib.suppress(BlockingIOError):
            data += os.read(reader, 65536)
    recorder.close()
    while chunk := os.read(reader, 65536):
        data += chunk
    (tmp_path / "read").write_bytes(data)
    events = list(read(tmp_path / "read"))
    assert len(events) >= waiting
    assert [now for _event, now in events] == list(seconds_apart(len(events)))

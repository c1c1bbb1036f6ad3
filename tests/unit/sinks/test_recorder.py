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

NOW = Instant(12.5, 1_800_000_000.5)


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
        Recorder(fifo, "0.1.0")
    assert str(caught.value) == f"{fifo}: the recording can't be written: it could not be opened within 0.1 s"
    # Let the thread that waits for a reader end.
    os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))


def test_a_file_system_that_hangs_makes_nobody_wait_and_ends_the_recording_once(
    fifo: Path, reader: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSED_WITHIN", 0.2)
    recorder = Recorder(fifo, "0.1.0", capacity=100_000)
    worst = 0.0
    complaints = []
    for _ in range(5000):
        began = time.monotonic()
        try:
            recorder.write(Tick(), NOW)
        except RecorderError as error:
            complaints.append(str(error))
        worst = max(worst, time.monotonic() - began)
    assert worst < 0.25
    assert complaints == [f"{fifo}: the recording ends here: the file system accepts the events too slowly, or hangs"]
    assert recorder.outlet.lost == 1
    began = time.monotonic()
    recorder.close()
    assert time.monotonic() - began < 1
    assert os.read(reader, 10) != b""


def test_what_was_recorded_before_a_hang_is_written_when_it_is_over(fifo: Path, reader: int) -> None:
    recorder = Recorder(fifo, "0.1.0", capacity=100_000)
    with contextlib.suppress(RecorderError):
        for _ in range(5000):
            recorder.write(Tick(), NOW)
    assert recorder.outlet.lost == 1
    waiting = recorder.outlet.waiting
    assert waiting > 0
    os.set_blocking(reader, True)
    data = b""
    while recorder.outlet.waiting:
        data += os.read(reader, 65536)
    recorder.close()
    while chunk := os.read(reader, 65536):
        data += chunk
    lines = data.splitlines()
    assert len(lines) > waiting
    assert all(line.endswith(b"}") for line in lines)

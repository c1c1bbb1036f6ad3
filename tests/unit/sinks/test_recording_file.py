"""The parts of a recording: their size, what they are called, what they begin with, and when they are written."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.events import (
    BlockEvent,
    Event,
    MapsListed,
    PathsListed,
    SessionsRead,
    SettingsChanged,
    SourceAnswered,
    SourceDown,
    SourceUp,
    Tick,
)
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sinks.recording_file import WRITTEN_EVERY, RecordingFile
from mpathd_watch.sources.recording import RecordingError, read
from tests.unit.core.recording.test_codec import QUICK, any_event

MOST = 4096


def at(second: float) -> Instant:
    return Instant(second, 1_800_000_000.0 + second)


def busy(count: int) -> Iterator[tuple[Event, Instant]]:
    """Uevents whose text is hard to compress."""
    random = Random("busy")  # noqa: S311  # no secret
    for number in range(count):
        yield BlockEvent("change", random.randbytes(60).hex()), at(20.0 * number)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run"


def older(path: Path) -> Path:
    return path.with_name("run.1")


def recorded(path: Path, story: list[tuple[Event, Instant]], most: int = MOST) -> None:
    file = RecordingFile(path, "0.1.0", most)
    for event, now in story:
        file.add(event, now)
    file.end()


def test_a_recording_takes_two_files_of_a_limited_size(path: Path) -> None:
    file = RecordingFile(path, "0.1.0", MOST)
    parts = 0
    for event, now in busy(500):
        before = path.stat().st_ino
        file.add(event, now)
        parts += path.stat().st_ino != before
        assert set(path.parent.iterdir()) <= {path, older(path)}
        assert path.stat().st_size <= MOST + 200
        assert not older(path).exists() or MOST <= older(path).stat().st_size <= MOST + 200
    file.end()
    assert parts >= 5


def test_both_parts_together_are_what_was_recorded_and_the_later_one_is_readable_alone(path: Path) -> None:
    story = list(busy(150))
    recorded(path, story)
    whole = list(read(older(path), path))
    assert whole == story[-len(whole) :]
    alone = list(read(path))
    assert alone == whole[-len(alone) :]
    assert 0 < len(alone) < len(whole)


READINGS: list[Event] = [
    SettingsChanged(),
    SourceUp(SourceName.SYSFS),
    SourceUp(SourceName.UEVENT),
    SessionsRead((), 1.0),
    SourceDown(SourceName.UEVENT, "timeout", "it hangs"),
    SourceAnswered(SourceName.MULTIPATHD),
    Tick(),
    SessionsRead((), 2.0),
]


def test_a_later_part_begins_with_the_last_reading_of_each_kind_in_their_order(path: Path) -> None:
    story = [(event, at(float(number))) for number, event in enumerate(READINGS)] + list(busy(60))[1:]
    recorded(path, story, MOST)
    alone = list(read(path))
    assert alone[:4] == [story[0], story[1], story[4], story[7]]
    assert alone[4:] == story[4 - len(alone) :]
    assert list(read(older(path), path)) == story


def test_listings_come_after_what_shows_the_maps(path: Path) -> None:
    """Maps are listed again by multipathd only when they change, and count only if sysfs has shown them."""
    readings: list[Event] = [MapsListed((), 1.0), PathsListed((), 1.0), SourceUp(SourceName.SYSFS), SessionsRead(())]
    recorded(path, [(event, at(float(number))) for number, event in enumerate(readings)] + list(busy(60))[1:])
    assert list(read(path))[:4] == [
        (SourceUp(SourceName.SYSFS), at(2.0)),
        (SessionsRead(()), at(3.0)),
        (MapsListed((), 1.0), at(3.0)),
        (PathsListed((), 1.0), at(3.0)),
    ]


def test_what_a_multipathd_listed_that_is_gone_is_not_repeated(path: Path) -> None:
    down = SourceDown(SourceName.MULTIPATHD, "not_running", "it is not running")
    readings: list[Event] = [MapsListed((), 1.0), PathsListed((), 1.0), down]
    recorded(path, [(event, at(float(number))) for number, event in enumerate(readings)] + list(busy(60))[1:])
    assert next(read(path)) == (down, at(2.0))


@QUICK
@given(st.lists(st.tuples(any_event, st.floats(0.0, 30.0)), max_size=12), st.integers(1, 400))
def test_the_parts_of_any_story_follow_each_other(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[Event, float]], most: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "run"
    for each in (path, older(path)):
        each.unlink(missing_ok=True)
    story, second = [], 0.0
    for event, pause in drawn:
        second += pause
        story.append((event, at(round(second, 6))))
    recorded(path, story, most)
    if older(path).exists():
        whole = list(read(older(path), path))
        # The first of two parts may itself begin with what it repeats.
        mine = [pair for pair in whole if pair in story]
        assert mine[-1] == story[-1]
        assert list(read(path))[-1] == story[-1]
    else:
        assert list(read(path)) == story


def test_a_part_is_not_full_before_it_has_grown_by_as_much_as_it_began_with(path: Path) -> None:
    file = RecordingFile(path, "0.1.0", 1)
    parts = 0
    for event, now in [(SettingsChanged(), at(0.0)), *busy(40)]:
        before = path.stat().st_ino
        file.add(event, now)
        parts += path.stat().st_ino != before
    file.end()
    assert 1 < parts <= 20


def test_what_is_not_the_next_part_is_refused(path: Path, tmp_path: Path) -> None:
    recorded(path, list(busy(60)))
    parts = older(path), path
    with pytest.raises(RecordingError, match="line 1: it does not continue the part before it"):
        list(read(*reversed(parts)))
    recorded(tmp_path / "other", list(busy(1)))
    with pytest.raises(RecordingError, match="other: line 1: it does not continue"):
        list(read(path, tmp_path / "other"))


def test_a_recording_that_is_there_is_kept_as_the_older_file(path: Path) -> None:
    recorded(path, [(Tick(), at(1.0))])
    recorded(path, [(Tick(), at(2.0))])
    assert list(read(older(path))) == [(Tick(), at(1.0))]
    assert list(read(path)) == [(Tick(), at(2.0))]


def test_an_empty_file_is_not_kept(path: Path) -> None:
    path.touch()
    recorded(path, [(Tick(), at(1.0))])
    assert not older(path).exists()


def test_a_file_that_can_not_be_renamed_is_overwritten(path: Path) -> None:
    recorded(path, [(Tick(), at(1.0))])
    older(path).mkdir()
    (older(path) / "something").touch()
    recorded(path, [(Tick(), at(2.0))])
    assert list(read(path)) == [(Tick(), at(2.0))]


def test_a_part_that_can_not_be_renamed_ends_the_recording(path: Path) -> None:
    older(path).mkdir()
    (older(path) / "something").touch()
    file = RecordingFile(path, "0.1.0", MOST)

    def fill() -> None:
        for event, now in busy(100):
            file.add(event, now)

    with pytest.raises(OSError, match="Is a directory"):
        fill()
    file.abandon()
    file.abandon()
    assert len(list(read(path))) > 10


def test_a_link_leads_to_the_files(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere/run"
    path.symlink_to(target)
    recorded(path, list(busy(60)))
    assert path.is_symlink()
    assert list(read(older(target), target)) == list(busy(60))


def test_what_is_no_regular_file_has_one_part(path: Path) -> None:
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    recorded(path, list(busy(100)))
    assert len(os.read(reader, 1 << 20)) > 2 * MOST
    os.close(reader)
    assert not older(path).exists()


def test_events_are_gathered_and_written_together(path: Path) -> None:
    file = RecordingFile(path, "0.1.0", MOST)
    file.add(Tick(), at(0.0))
    first = path.stat().st_size
    assert list(read(path)) == [(Tick(), at(0.0))]
    file.add(Tick(), at(WRITTEN_EVERY - 0.1))
    assert path.stat().st_size == first
    file.add(Tick(), at(WRITTEN_EVERY))
    assert len(list(read(path))) == 3
    file.add(Tick(), at(WRITTEN_EVERY + 0.1))
    file.write()
    assert len(list(read(path))) == 4
    size = path.stat().st_size
    file.write()
    assert path.stat().st_size == size
    file.end()


def test_the_file_is_an_ordinary_gzip_file(path: Path) -> None:
    recorded(path, [(Tick(), at(1.5))])
    lines = zlib.decompress(path.read_bytes(), 31).decode().splitlines()
    assert lines == [
        '{"recording":"mpathd-watch","format":2,"version":"0.1.0"}',
        '{"at":[1.5,1800000001.5],"event":"Tick"}',
    ]

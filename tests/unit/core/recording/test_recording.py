"""Writing a recording and reading it, also what was left of it after a full disk, a crash or an editor."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.events import BlockEvent, Event, EventsLost, SourceUp, Tick
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.recording.codec import CodecError
from mpathd_watch.core.recording.lines import FORMAT, NO_RECORDING, check_header, event_line, header, parse_event
from mpathd_watch.sinks.recorder import Recorder, RecorderError
from mpathd_watch.sources import recording as module
from mpathd_watch.sources.recording import RecordingError, read
from tests.unit.core.recording.test_codec import QUICK, any_event, finite

NOW = Instant(10_000.5, 1_795_000_000.25)
STORY: tuple[tuple[Event, Instant], ...] = (
    (SourceUp(SourceName.UEVENT), NOW),
    (BlockEvent("change", "café"), Instant(10_001.0, 1_795_000_000.75)),
    (EventsLost(), Instant(10_001.0, 1_794_999_999.0)),
    (Tick(), Instant(10_002.0, 1_795_000_001.75)),
)


def written(path: Path, story: Iterable[tuple[Event, Instant]] = STORY) -> Path:
    recorder = Recorder(path, "0.1.0")
    for event, now in story:
        recorder.write(event, now)
    recorder.close()
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "outage.jsonl"


def before(count: int) -> str:
    """What an error in a recording says of the events before it."""
    return f"{count} event{' before it is' if count == 1 else 's before it are'} complete"


def read_until_it_fails(path: Path) -> tuple[list[tuple[Event, Instant]], str]:
    events: list[tuple[Event, Instant]] = []
    try:
        for pair in read(path):
            events.append(pair)  # noqa: PERF402  # what came before the failure counts
    except RecordingError as error:
        return events, str(error)
    return events, ""


# --- lines ------------------------------------------------------------------------------------------------------------


@QUICK
@given(any_event, finite, finite)
def test_an_event_and_its_instant_come_back_bit_for_bit(event: Any, monotonic: float, wall: float) -> None:
    line = event_line(event, Instant(monotonic, wall))
    assert line.endswith("\n")
    assert line.count("\n") == 1
    back, instant = parse_event(line)
    assert (back, repr(instant)) == (event, repr(Instant(monotonic, wall)))
    assert event_line(back, instant) == line


@pytest.mark.parametrize(
    "at",
    [
        *("null", "7", "[]", "[1]", "[1,2,3]", '["1","2"]', "[true,1]", "[1,null]", "{}", "[[1],[2]]"),
        *("[NaN,1]", "[1,NaN]", "[Infinity,1]", "[1,-Infinity]", "[1e999,1]", f"[1{'0' * 400},1]", f"[1,{'9' * 5000}]"),
    ],
)
def test_an_event_has_two_finite_clock_readings(at: str) -> None:
    with pytest.raises(CodecError):
        parse_event(f'{{"at":{at},"event":"Tick"}}')


def test_an_event_without_an_instant_is_none() -> None:
    with pytest.raises(CodecError, match="'at'"):
        parse_event('{"event":"Tick"}')


@pytest.mark.parametrize("not_a_number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_written(not_a_number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        event_line(Tick(), Instant(not_a_number, 0.0))


@QUICK
@given(st.text(st.characters(), max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_no_line_raises_anything_but_a_codec_error(line: str) -> None:
    for parse in (check_header, parse_event):
        with pytest.raises(CodecError) as caught:
            parse(line)
        assert str(caught.value).isprintable()


@QUICK
@given(any_event, st.data())
def test_a_line_with_a_piece_cut_out_or_changed_is_an_event_or_a_codec_error(event: Any, data: st.DataObject) -> None:
    line = event_line(event, NOW)
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(line))] * 2)))
    changed = line[:first] + data.draw(st.text(st.characters(), max_size=5)) + line[last:]
    try:
        back, instant = parse_event(changed)
    except CodecError as error:
        assert str(error).isprintable()  # noqa: PT017  # either outcome will do
    else:
        assert math.isfinite(instant.monotonic + instant.wall) or abs(instant.monotonic) > 1e300
        event_line(back, instant).encode("utf-8")


@pytest.mark.parametrize(
    "line", ["[" * 100_000, '{"a":' * 100_000, "[" * 900 + "]" * 900, '{"event":' + "[" * 900 + "]" * 900 + "}"]
)
def test_a_line_nested_without_end_is_refused(line: str) -> None:
    for parse in (check_header, parse_event):
        with pytest.raises(CodecError):
            parse(line)


def test_this_versions_header_is_accepted_and_no_other_format() -> None:
    check_header(header("0.1.0"))
    assert json.loads(header('1"\n')) == {"recording": "mpathd-watch", "format": FORMAT, "version": '1"\n'}
    for number in (0, FORMAT + 1, "1", None, [1], "2\n\x1b[31m"):
        line = json.dumps({"recording": "mpathd-watch", "format": number})
        with pytest.raises(CodecError, match=f"only format {FORMAT}") as caught:
            check_header(line)
        assert str(caught.value).isprintable()


# --- files ------------------------------------------------------------------------------------------------------------


def test_what_was_recorded_is_read_back(file: Path) -> None:
    assert tuple(read(written(file))) == STORY


@QUICK
@given(st.lists(st.tuples(any_event, st.builds(Instant, finite, finite)), max_size=5))
def test_any_story_is_read_back(tmp_path_factory: pytest.TempPathFactory, story: list[tuple[Any, Instant]]) -> None:
    assert list(read(written(tmp_path_factory.getbasetemp() / "any-story", story))) == story


def test_every_event_is_in_the_file_as_soon_as_it_is_written(file: Path) -> None:
    recorder = Recorder(file, "0.1.0")
    for number, (event, now) in enumerate(STORY, 1):
        recorder.write(event, now)
        until = time.monotonic() + 10
        while recorder.outlet.waiting and time.monotonic() < until:
            time.sleep(0.001)
        assert tuple(read(file)) == STORY[:number]
    recorder.close()


def test_a_recording_without_events_is_whole(file: Path) -> None:
    assert read_until_it_fails(written(file, ())) == ([], "")


def test_a_recording_cut_anywhere_yields_all_events_before_the_cut_and_one_clear_error(file: Path) -> None:
    whole = written(file).read_bytes()
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole)):
        file.write_bytes(whole[:cut])
        events, error = read_until_it_fails(file)
        complete = sum(end <= cut for end in ends)
        rest = whole[max((end for end in ends if end <= cut), default=0) : cut]
        if rest + b"\n" == whole[cut - len(rest) : cut + 1]:  # only the end of the line is missing
            complete, rest = complete + 1, b""
        assert events == list(STORY[: max(0, complete - 1)])
        if cut == 0:
            assert error == f"{file}: line 1: {NO_RECORDING}"
        elif rest:
            assert error.startswith(f"{file}: line {complete + 1}: ")
            assert complete == 0 or before(complete - 1) in error
            assert error.isprintable()
        else:
            assert error == ""


@pytest.mark.parametrize("place", range(len(STORY)))
def test_a_byte_that_is_not_utf_8_costs_no_event_before_it(file: Path, place: int) -> None:
    lines = written(file).read_bytes().splitlines(keepends=True)
    lines[place + 1] = lines[place + 1].replace(b'"event"', b'"ev\xffent"')
    file.write_bytes(b"".join(lines))
    events, error = read_until_it_fails(file)
    assert events == list(STORY[:place])
    assert error == f"{file}: line {place + 2}: not UTF-8; the {before(place)}"


def test_reading_ends_at_the_first_bad_line_and_names_it(file: Path) -> None:
    lines = written(file).read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:3], "{}\n", *lines[3:]]))
    events, error = read_until_it_fails(file)
    assert events == list(STORY[:2])
    assert (
        error == f"{file}: line 4: an event has its two clock readings under 'at'; the 2 events before it are complete"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", f"line 1: {NO_RECORDING}"),
        (b"\n", f"line 1: {NO_RECORDING}"),
        (b"[]\n", f"line 1: {NO_RECORDING}"),
        (b"{}\n", f"line 1: {NO_RECORDING}"),
        (b'{"recording":"mpathd-watch","format":2}\n', "line 1: recordings of format 2 can't be read, only format 1"),
        (b"\x1f\x8b\x08\x00", f"line 1: {NO_RECORDING}"),
        (b"\x00" * 5000, f"line 1: {NO_RECORDING}"),
        (b'{"at":[1,2],"event":"Tick"}\n', f"line 1: {NO_RECORDING}"),
    ],
)
def test_what_is_no_recording_is_named_and_why(file: Path, content: bytes, message: str) -> None:
    file.write_bytes(content)
    assert read_until_it_fails(file) == ([], f"{file}: {message}")


def test_a_file_that_is_not_there_or_is_a_directory(file: Path) -> None:
    assert read_until_it_fails(file) == ([], f"{file}: No such file or directory")
    file.mkdir()
    assert read_until_it_fails(file) == ([], f"{file}: Is a directory")


def test_a_line_without_end_is_refused_before_it_fills_the_memory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE", 4096)
    written(file, STORY[:1])
    with file.open("ab") as lines:
        lines.write(b'{"at":[1,2],"event":"' + b"x" * 100_000)
    events, error = read_until_it_fails(file)
    assert events == list(STORY[:1])
    assert error == f"{file}: line 3: the line is not whole JSON; the 1 event before it is complete"


def test_reading_is_lazy(file: Path) -> None:
    first = next(iter(read(written(file))))
    assert first == STORY[0]


# --- when the disk is full --------------------------------------------------------------------------------------------


def write_until_it_fails(recorder: Recorder) -> str:
    """Write until the thread that writes the file has failed; return what the recorder raised then."""
    for _ in range(5000):
        try:
            recorder.write(*STORY[0])
        except RecorderError as error:
            return str(error)
        time.sleep(0.001)
    pytest.fail("nothing failed")


def test_a_full_disk_ends_the_recording_once_and_nothing_else() -> None:
    full = Path("/dev/full")
    if not full.is_char_device():
        pytest.skip("NOT TESTED on a full disk: this host has no /dev/full")
    recorder = Recorder(full, "0.1.0")
    assert write_until_it_fails(recorder) == "/dev/full: the recording ends here: No space left on device"
    for event, now in STORY:
        recorder.write(event, now)
    recorder.close()


def test_a_recording_that_the_disk_took_half_of_is_readable_up_to_there(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(file, "0.1.0")
    for event, now in STORY[:2]:
        recorder.write(event, now)
    while recorder.outlet.waiting:
        time.sleep(0.001)
    written_by_the_system = os.write

    def write_half(descriptor: int, data: memoryview) -> int:
        if descriptor != recorder._descriptor:
            return written_by_the_system(descriptor, data)
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return written_by_the_system(descriptor, data[: len(data) - 10])

    monkeypatch.setattr(os, "write", write_half)
    assert write_until_it_fails(recorder).endswith("No space left on device")
    recorder.write(*STORY[3])
    assert read_until_it_fails(file)[0] == list(STORY[:2])


def test_after_a_failure_the_file_is_closed() -> None:
    if not Path("/dev/full").is_char_device():
        pytest.skip("NOT TESTED on a full disk: this host has no /dev/full")
    before = len(tuple(Path("/proc/self/fd").iterdir()))
    recorders = [Recorder(Path("/dev/full"), "0.1.0") for _ in range(5)]
    for recorder in recorders:
        write_until_it_fails(recorder)
    assert len(tuple(Path("/proc/self/fd").iterdir())) == before


def test_a_file_that_cannot_be_made_is_reported_at_once(tmp_path: Path) -> None:
    for path, why in ((tmp_path, "Is a directory"), (tmp_path / "no/such", "No such file or directory")):
        with pytest.raises(RecorderError) as caught:
            Recorder(path, "0.1.0")
        assert str(caught.value) == f"{path}: the recording can't be written: {why}"


def test_closing_twice_and_writing_after_it_do_nothing(file: Path) -> None:
    recorder = Recorder(file, "0.1.0")
    recorder.write(*STORY[0])
    recorder.close()
    recorder.close()
    recorder.write(*STORY[1])
    assert tuple(read(file)) == STORY[:1]


def test_text_that_utf_8_does_not_have_does_not_end_the_recording(file: Path) -> None:
    half = os.fsdecode(b"sd\xff")
    written(file, ((BlockEvent("change", half), NOW), *STORY))
    events = [event for event, _now in read(file)]
    assert events == [BlockEvent("change", "sd\\xff"), *(event for event, _now in STORY)]


def test_instants_are_in_the_order_in_which_they_were_written(file: Path) -> None:
    monotonic = [now.monotonic for _event, now in read(written(file))]
    assert all(before <= after for before, after in pairwise(monotonic))

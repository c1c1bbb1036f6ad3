"""Writing a recording and reading it, also what was left of it after a full disk, a crash or an editor."""

from __future__ import annotations

import gzip
import json
import math
import os
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.events import BlockEvent, Event, EventsLost, SourceUp, Tick
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.recording.codec import CodecError, encode_event
from mpathd_watch.core.recording.lines import (
    FORMAT,
    NO_RECORDING,
    Header,
    Parse,
    Writer,
    header_line,
    parse_header,
    parse_whole,
    parser,
)
from mpathd_watch.sinks.recorder import Recorder, RecorderError
from mpathd_watch.sources.recording import RecordingError, read
from mpathd_watch.sources.recording import parts as module
from tests.unit.core.recording.test_codec import QUICK, any_event, finite

NOW = Instant(10_000.5, 1_795_000_000.25)
STORY: tuple[tuple[Event, Instant], ...] = (
    (SourceUp(SourceName.UEVENT), NOW),
    (BlockEvent("change", "café"), Instant(10_001.0, 1_795_000_000.75)),
    (EventsLost(), Instant(10_001.0, 1_794_999_999.0)),
    (Tick(), Instant(10_002.0, 1_795_000_001.75)),
)


MOST = 1 << 20
"""Bytes that no recording of these tests reaches."""
FIRST = parser(Header(FORMAT))
"""Parses the first event of a recording. It remembers that, but a whole line has all fields of any event."""


def written(path: Path, story: Iterable[tuple[Event, Instant]] = STORY) -> Path:
    recorder = Recorder(path, "0.1.0", MOST)
    for event, now in story:
        recorder.add(event, now)
    recorder.close()
    return path


def lines_of(story: Iterable[tuple[Event, Instant]]) -> list[str]:
    """The lines of a recording, its header among them."""
    writer = Writer()
    return [header_line("0.1.0"), *(writer.line(event, now) for event, now in story)]


def plain(path: Path, story: Iterable[tuple[Event, Instant]] = STORY) -> Path:
    """A recording that someone has decompressed."""
    path.write_bytes("".join(lines_of(story)).encode())
    return path


def old(path: Path, story: Iterable[tuple[Event, Instant]] = STORY) -> Path:
    """A recording of format 1, as it was before there was another one."""
    lines = [{"recording": "mpathd-watch", "format": 1, "version": "0.1.0"}]
    lines += [{"at": [now.monotonic, now.wall], **encode_event(event)} for event, now in story]
    path.write_text("".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines), encoding="utf-8")
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


stories = st.lists(st.tuples(any_event, st.builds(Instant, finite, finite)), max_size=5)
microseconds = st.integers(0, 10**12)


@QUICK
@given(stories)
def test_events_and_their_instants_come_back_bit_for_bit(story: list[tuple[Any, Instant]]) -> None:
    head, *lines = lines_of(story)
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in (head, *lines))
    parse = parser(parse_header(head))
    back = [parse(line) for line in lines]
    assert back == story
    assert repr(back) == repr(story) or lines_of(back)[1:] == lines
    assert lines_of(back)[1:] == lines


@QUICK
@given(st.integers(0, 2 * 10**15), st.lists(microseconds, min_size=1, max_size=20))
def test_a_wall_clock_that_nobody_sets_is_written_once(ahead: int, moments: list[int]) -> None:
    story = [(Tick(), Instant(moment / 1e6, (moment + ahead) / 1e6)) for moment in sorted(moments)]
    _head, first, *lines = lines_of(story)
    parse = parser(Header(FORMAT))
    assert [repr(parse(line)) for line in (first, *lines)] == [repr(pair) for pair in story]
    assert json.loads(first)["at"] == [story[0][1].monotonic, story[0][1].wall]
    assert [json.loads(line)["at"] for line in lines] == [now.monotonic for _event, now in story[1:]]


def test_a_wall_clock_that_was_set_is_written_with_the_next_event() -> None:
    instants = (Instant(1.0, 100.0), Instant(2.0, 101.0), Instant(3.0, 202.0), Instant(4.0, 203.0))
    lines = lines_of((Tick(), now) for now in instants)[1:]
    assert [json.loads(line)["at"] for line in lines] == [[1.0, 100.0], 2.0, [3.0, 202.0], 4.0]


def test_only_what_differs_from_the_last_event_of_its_kind_is_written() -> None:
    story = (BlockEvent("change", "sda"), SourceUp(SourceName.UEVENT), BlockEvent("change", "sdb"), EventsLost())
    lines = lines_of((event, NOW) for event in (*story, BlockEvent("change", "sdb")))[1:]
    assert json.loads(lines[2]) == {"at": NOW.monotonic, "event": "BlockEvent", "sysfs_name": "sdb"}
    assert json.loads(lines[4]) == {"at": NOW.monotonic, "event": "BlockEvent"}


@pytest.mark.parametrize("parse", [parse_whole, FIRST])
@pytest.mark.parametrize(
    "at",
    [
        *("null", "7", "[]", "[1]", "[1,2,3]", '["1","2"]', "[true,1]", "[1,null]", "{}", "[[1],[2]]"),
        *("[NaN,1]", "[1,NaN]", "[Infinity,1]", "[1,-Infinity]", "[1e999,1]", f"[1{'0' * 400},1]", f"[1,{'9' * 5000}]"),
    ],
)
def test_an_event_has_two_finite_clock_readings(at: str, parse: Parse) -> None:
    with pytest.raises(CodecError):
        parse(f'{{"at":{at},"event":"Tick"}}')


@pytest.mark.parametrize("at", ["null", "[]", '"7"', "true", "NaN", "1e999", "[1,2,3]"])
def test_a_later_event_has_at_least_one(at: str) -> None:
    parse = parser(Header(FORMAT))
    parse('{"at":[1,2],"event":"Tick"}')
    with pytest.raises(CodecError):
        parse(f'{{"at":{at},"event":"Tick"}}')


@pytest.mark.parametrize("parse", [parse_whole, FIRST])
def test_an_event_without_an_instant_is_none(parse: Parse) -> None:
    with pytest.raises(CodecError, match="'at'"):
        parse('{"event":"Tick"}')


def test_an_instant_that_no_clock_shows_is_written_in_full() -> None:
    story = [(Tick(), Instant(monotonic, 1.0)) for monotonic in (1e300, 1.0, 1.7e308, -1e300)]
    parse = parser(Header(FORMAT))
    assert [parse(line) for line in lines_of(story)[1:]] == story


def test_a_change_of_what_no_line_before_has_is_refused() -> None:
    parse = parser(Header(FORMAT))
    parse('{"at":[1,2],"event":"BlockEvent","action":"add","sysfs_name":"sda"}')
    with pytest.raises(CodecError, match="no line before it has"):
        parse('{"at":2,"event":"BlockEvent","colour":"red"}')
    with pytest.raises(CodecError, match="no event is called"):
        parse('{"at":2,"event":["BlockEvent"]}')


@pytest.mark.parametrize("not_a_number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_written(not_a_number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Writer().line(Tick(), Instant(not_a_number, 0.0))


@QUICK
@given(st.text(st.characters(), max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_no_line_raises_anything_but_a_codec_error(line: str) -> None:
    for parse in (parse_header, parse_whole, FIRST):
        with pytest.raises(CodecError) as caught:
            parse(line)
        assert str(caught.value).isprintable()


@QUICK
@given(any_event, st.booleans(), st.data())
def test_a_line_with_a_piece_cut_out_or_changed_is_an_event_or_a_codec_error(
    event: Any, again: bool, data: st.DataObject
) -> None:
    *before, line = lines_of([(event, NOW)] * (1 + again))[1:]
    parse = parser(Header(FORMAT))
    for each in before:
        parse(each)
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(line))] * 2)))
    changed = line[:first] + data.draw(st.text(st.characters(), max_size=5)) + line[last:]
    try:
        back, instant = parse(changed)
    except CodecError as error:
        assert str(error).isprintable()  # noqa: PT017  # either outcome will do
    else:
        assert math.isfinite(instant.monotonic + instant.wall) or abs(instant.monotonic) > 1e300
        Writer().line(back, instant).encode("utf-8")


@pytest.mark.parametrize(
    "line", ["[" * 100_000, '{"a":' * 100_000, "[" * 900 + "]" * 900, '{"event":' + "[" * 900 + "]" * 900 + "}"]
)
def test_a_line_nested_without_end_is_refused(line: str) -> None:
    for parse in (parse_header, parse_whole, FIRST):
        with pytest.raises(CodecError):
            parse(line)


def test_this_versions_header_and_older_formats_are_accepted_and_nothing_else() -> None:
    assert parse_header(header_line("0.1.0")) == Header(FORMAT)
    assert parse_header(header_line("0.1.0", 3, 7)) == Header(FORMAT, 3, 7)
    assert json.loads(header_line('1"\n')) == {"recording": "mpathd-watch", "format": FORMAT, "version": '1"\n'}
    assert parse_header('{"recording":"mpathd-watch","format":1,"version":"0.1.0"}') == Header(1)
    for number in (0, FORMAT + 1, "1", None, [1], True, "2\n\x1b[31m"):
        line = json.dumps({"recording": "mpathd-watch", "format": number})
        with pytest.raises(CodecError, match=f"only formats 1 to {FORMAT}") as caught:
            parse_header(line)
        assert str(caught.value).isprintable()
    for which in ({"part": "2"}, {"repeated": None}, {"part": True}):
        with pytest.raises(CodecError, match="whole numbers"):
            parse_header(json.dumps({"recording": "mpathd-watch", "format": FORMAT, **which}))


def test_a_change_nested_without_end_is_refused() -> None:
    parse = parser(Header(FORMAT))
    for _ in range(2):
        with pytest.raises(CodecError):
            parse('{"at":[1,2],"event":"Tick","x":' + '{"x":' * 900 + "1" + "}" * 901)


def test_a_part_continues_the_one_before_it_and_no_other() -> None:
    later = Header(FORMAT, 3, 7)
    assert later.follow(None) == 0
    assert later.follow(Header(FORMAT, 2)) == 7
    for number in (1, 3, 4):
        with pytest.raises(CodecError, match="does not continue"):
            later.follow(Header(FORMAT, number))


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [written, plain, old])
def test_what_was_recorded_is_read_back(file: Path, made: Callable[[Path], Path]) -> None:
    assert tuple(read(made(file))) == STORY


@QUICK
@given(stories)
def test_any_story_is_read_back(tmp_path_factory: pytest.TempPathFactory, story: list[tuple[Any, Instant]]) -> None:
    directory = tmp_path_factory.getbasetemp()
    for made in (written, plain, old):
        assert list(read(made(directory / "any-story", story))) == story


def test_every_event_is_in_the_file_as_soon_as_it_is_wanted(file: Path) -> None:
    recorder = Recorder(file, "0.1.0", MOST)
    for number, (event, now) in enumerate(STORY, 1):
        recorder.add(event, now)
        recorder.write()
        until_nothing_waits(recorder)
        assert tuple(read(file)) == STORY[:number]
    recorder.close()


def until_nothing_waits(recorder: Recorder) -> None:
    until = time.monotonic() + 10
    while recorder.outlet.waiting and time.monotonic() < until:
        time.sleep(0.001)


def test_a_recording_without_events_is_whole(file: Path) -> None:
    assert read_until_it_fails(written(file, ())) == ([], "")


@pytest.mark.parametrize("made", [plain, old])
def test_a_recording_cut_anywhere_yields_all_events_before_the_cut_and_one_clear_error(
    file: Path, made: Callable[[Path], Path]
) -> None:
    whole = made(file).read_bytes()
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


def test_a_compressed_recording_cut_anywhere_yields_what_was_written_before_the_cut(file: Path) -> None:
    recorder = Recorder(file, "0.1.0", MOST)
    sizes = []
    for event, now in STORY:
        recorder.add(event, now)
        recorder.write()
        until_nothing_waits(recorder)
        sizes.append(file.stat().st_size)
    recorder.close()
    whole = file.read_bytes()
    for cut in range(len(whole) + 1):
        file.write_bytes(whole[:cut])
        events, error = read_until_it_fails(file)
        assert events == list(STORY[: len(events)])
        assert len(events) >= sum(size <= cut for size in sizes)
        assert error.isprintable()
        if cut in sizes or cut == len(whole):
            assert error == ""


@QUICK
@given(st.data())
def test_damage_costs_no_event_before_it(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    file = tmp_path_factory.getbasetemp() / "damaged"
    story = [(BlockEvent("change", f"sd{number}"), Instant(float(number * 20), 0.0)) for number in range(40)]
    whole = bytearray(written(file, story).read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    file.write_bytes(whole[:place])
    intact = len(read_until_it_fails(file)[0])
    file.write_bytes(whole)
    events, error = read_until_it_fails(file)
    assert events[:intact] == story[:intact]
    assert error.isprintable()


def test_damage_is_named_with_the_line(file: Path) -> None:
    story = [(Tick(), Instant(float(number * 20), 0.0)) for number in range(40)]
    whole = written(file, story).read_bytes()
    file.write_bytes(whole[:-8] + bytes(8))
    events, error = read_until_it_fails(file)
    assert (events, error) == (story, f"{file}: line 42: the file is damaged here; the {before(40)}")


def test_a_recording_that_was_compressed_in_pieces_is_whole(file: Path) -> None:
    lines = lines_of(STORY)
    file.write_bytes(b"".join(gzip.compress(line.encode()) for line in lines))
    assert tuple(read(file)) == STORY


@pytest.mark.parametrize("place", range(len(STORY)))
def test_a_byte_that_is_not_utf_8_costs_no_event_before_it(file: Path, place: int) -> None:
    lines = plain(file).read_bytes().splitlines(keepends=True)
    lines[place + 1] = lines[place + 1].replace(b'"event"', b'"ev\xffent"')
    file.write_bytes(b"".join(lines))
    events, error = read_until_it_fails(file)
    assert events == list(STORY[:place])
    assert error == f"{file}: line {place + 2}: not UTF-8; the {before(place)}"


def test_reading_ends_at_the_first_bad_line_and_names_it(file: Path) -> None:
    lines = plain(file).read_text().splitlines(keepends=True)
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
        (
            b'{"recording":"mpathd-watch","format":3}\n',
            "line 1: recordings of format 3 can't be read, only formats 1 to 2",
        ),
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
    plain(file, STORY[:1])
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
            recorder.add(*STORY[0])
        except RecorderError as error:
            return str(error)
        time.sleep(0.001)
    pytest.fail("nothing failed")


def test_a_full_disk_ends_the_recording_once_and_nothing_else() -> None:
    full = Path("/dev/full")
    if not full.is_char_device():
        pytest.skip("NOT TESTED on a full disk: this host has no /dev/full")
    recorder = Recorder(full, "0.1.0", MOST)
    assert write_until_it_fails(recorder) == "/dev/full: the recording ends here: No space left on device"
    for event, now in STORY:
        recorder.add(event, now)
    recorder.close()


def test_a_recording_that_the_disk_took_half_of_is_readable_up_to_there(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(file, "0.1.0", MOST)
    for event, now in STORY[:2]:
        recorder.add(event, now)
    recorder.write()
    until_nothing_waits(recorder)
    written_by_the_system = os.write

    def write_half(descriptor: int, data: memoryview) -> int:
        if not os.path.samestat(os.fstat(descriptor), file.stat()):
            return written_by_the_system(descriptor, data)
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return written_by_the_system(descriptor, data[: len(data) - 10])

    monkeypatch.setattr(os, "write", write_half)
    recorder.add(*STORY[2])
    recorder.write()
    assert write_until_it_fails(recorder).endswith("No space left on device")
    recorder.add(*STORY[3])
    assert read_until_it_fails(file)[0] == list(STORY[:2])


def test_after_a_failure_the_file_is_closed() -> None:
    if not Path("/dev/full").is_char_device():
        pytest.skip("NOT TESTED on a full disk: this host has no /dev/full")
    before = len(tuple(Path("/proc/self/fd").iterdir()))
    recorders = [Recorder(Path("/dev/full"), "0.1.0", MOST) for _ in range(5)]
    for recorder in recorders:
        write_until_it_fails(recorder)
    assert len(tuple(Path("/proc/self/fd").iterdir())) == before


def test_a_file_that_cannot_be_made_is_reported_at_once(tmp_path: Path) -> None:
    for path, why in ((tmp_path, "Is a directory"), (tmp_path / "no/such", "No such file or directory")):
        with pytest.raises(RecorderError) as caught:
            Recorder(path, "0.1.0", MOST)
        assert str(caught.value) == f"{path}: the recording can't be written: {why}"


def test_closing_twice_and_writing_after_it_do_nothing(file: Path) -> None:
    recorder = Recorder(file, "0.1.0", MOST)
    recorder.add(*STORY[0])
    recorder.close()
    recorder.close()
    recorder.add(*STORY[1])
    assert tuple(read(file)) == STORY[:1]


def test_text_that_utf_8_does_not_have_does_not_end_the_recording(file: Path) -> None:
    half = os.fsdecode(b"sd\xff")
    written(file, ((BlockEvent("change", half), NOW), *STORY))
    events = [event for event, _now in read(file)]
    assert events == [BlockEvent("change", "sd\\xff"), *(event for event, _now in STORY)]


def test_instants_are_in_the_order_in_which_they_were_written(file: Path) -> None:
    monotonic = [now.monotonic for _event, now in read(written(file))]
    assert all(before <= after for before, after in pairwise(monotonic))

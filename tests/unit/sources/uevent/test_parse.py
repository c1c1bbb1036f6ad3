"""Uevents of block devices as events of the core, however little sense they make."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.events import BlockEvent, DmPathEvent, Event, SourceErrors, UnitAttention
from mpathd_watch.core.model.text import MAX_TEXT
from mpathd_watch.core.model.vocabulary import AttentionKind, DmAction, SourceName
from mpathd_watch.sources.uevent.parse import ACTION, OTHER_KEYS, PATH_KEYS, in_order, parse, parse_attention

WWID = "36001405a4f0c2d1e8b94f6c9a1b2c3d4"
FAILED = {
    "DM_ACTION": "PATH_FAILED",
    "DM_UUID": f"mpath-{WWID}",
    "DM_NAME": "mpio",
    "DM_PATH": "8:16",
    "DM_SEQNUM": "7",
}
EVENT = DmPathEvent(DmAction.PATH_FAILED, WWID, "mpio", "dm-0", "8:16", 7)
BAD = [BlockEvent("change", "dm-0", reloaded=True), SourceErrors(SourceName.UEVENT, "bad_path_event", 1)]


def test_a_path_event() -> None:
    assert parse("change", "dm-0", FAILED) == [EVENT]
    reinstated = {**FAILED, "DM_ACTION": "PATH_REINSTATED", "DM_SEQNUM": "8"}
    assert parse("change", "dm-0", reinstated) == [replace(EVENT, action=DmAction.PATH_REINSTATED, seqnum=8)]


@pytest.mark.parametrize(
    ("action", "name", "properties", "event"),
    [
        ("add", "sdb", {}, BlockEvent("add", "sdb")),
        ("remove", "sdb", {}, BlockEvent("remove", "sdb")),
        ("change", "dm-0", {"DM_COOKIE": "4242"}, BlockEvent("change", "dm-0", reloaded=True)),
        ("change", "sda", {"RESIZE": "1"}, BlockEvent("change", "sda", resized=True)),
        ("change", "dm-0", {"DM_NAME": "mpio", "DM_UUID": f"mpath-{WWID}"}, BlockEvent("change", "dm-0")),
        ("", "", {}, BlockEvent("", "")),
        ("cha\nnge", "sd\x1b[31m", {}, BlockEvent("cha\\x0ange", "sd\\x1b[31m")),
    ],
)
def test_any_other_event_of_a_block_device(
    action: str, name: str, properties: dict[str, str], event: BlockEvent
) -> None:
    assert parse(action, name, properties) == [event]


@pytest.mark.parametrize(
    "change",
    [
        {"DM_ACTION": "PATH_EXPLODED"},
        {"DM_ACTION": ""},
        {"DM_ACTION": "path_failed"},
        {"DM_UUID": ""},
        {"DM_UUID": f"part1-mpath-{WWID}"},
        {"DM_UUID": "LVM-abc"},
        {"DM_PATH": ""},
        {"DM_PATH": "8"},
        {"DM_PATH": "8:16:0"},
        {"DM_PATH": "sdb"},
        {"DM_PATH": "-8:16"},
        {"DM_PATH": "8:16\n"},
        {"DM_PATH": "\u0668:16"},
        {"DM_PATH": "12345678:1"},
    ],
)
def test_a_path_event_without_sense_still_wakes_and_is_counted(change: dict[str, str]) -> None:
    assert parse("change", "dm-0", {**FAILED, **change}) == BAD


@pytest.mark.parametrize("key", ["DM_UUID", "DM_PATH"])
def test_a_path_event_that_lacks_a_field_still_wakes_and_is_counted(key: str) -> None:
    assert parse("change", "dm-0", {name: value for name, value in FAILED.items() if name != key}) == BAD


@pytest.mark.parametrize("seqnum", ["", "-1", "seven", "0x7", "7 ", "7\n", "12345678901", "\u0667"])
def test_a_path_event_without_a_usable_number_is_still_a_path_event(seqnum: str) -> None:
    expected = [replace(EVENT, seqnum=None), SourceErrors(SourceName.UEVENT, "bad_seqnum", 1)]
    assert parse("change", "dm-0", {**FAILED, "DM_SEQNUM": seqnum}) == expected


def test_the_largest_number_the_kernel_can_send() -> None:
    assert parse("change", "dm-0", {**FAILED, "DM_SEQNUM": "4294967295"}) == [replace(EVENT, seqnum=2**32 - 1)]


def test_names_are_made_harmless() -> None:
    (event,) = parse("change", "dm-0", {**FAILED, "DM_NAME": 'm"p\\x20\nPRIORITY=0', "DM_UUID": "mpath-3\x00b"})
    assert event == replace(EVENT, map_name='m"p\\x20\\x0aPRIORITY=0', wwid="3\\x00b")


anything = st.text(st.characters(), max_size=40)
properties = st.dictionaries(
    st.sampled_from((ACTION, *PATH_KEYS, *OTHER_KEYS)), st.one_of(anything, st.sampled_from(sorted(FAILED.values())))
)


@settings(deadline=None)
@given(anything, anything, properties)
def test_no_uevent_whatever_it_holds_is_lost_or_raises(action: str, name: str, held: dict[str, str]) -> None:
    first, *errors = parse(action, name, held)
    assert isinstance(first, DmPathEvent | BlockEvent)
    assert all(isinstance(error, SourceErrors) for error in errors)
    assert len(errors) <= 1
    texts = [first.sysfs_name] + ([first.wwid, first.map_name, first.dev_t] if isinstance(first, DmPathEvent) else [])
    assert all(text.isprintable() and len(text) <= MAX_TEXT for text in texts)


@pytest.mark.parametrize("kind", [kind for kind in AttentionKind if kind is not AttentionKind.UNKNOWN])
@pytest.mark.parametrize("hctl", ["2:0:0:1", f"{2**32 - 1}:0:0:{2**64 - 1}"])
def test_a_unit_attention(kind: AttentionKind, hctl: str) -> None:
    assert parse_attention(hctl, kind.value) == UnitAttention(kind, hctl)


@pytest.mark.parametrize("word", ["", "unknown", "LIGHT_CHANGED", "capacity_data_has_changed", "\x1b[31m", "A" * 2000])
def test_a_unit_attention_of_a_kind_that_is_not_known(word: str) -> None:
    assert parse_attention("2:0:0:1", word) == UnitAttention(AttentionKind.UNKNOWN, "2:0:0:1")


@pytest.mark.parametrize(
    "name",
    [
        *("", "2:0:0", "2:0:0:1:0", "2:0:0:1\n", " 2:0:0:1", "-1:0:0:1", "2:0:0:x", "\u0662:0:0:1"),
        *("host2", "target2:0:0", "12345678901:0:0:1", "2:0:0:123456789012345678901"),
    ],
)
def test_a_unit_attention_of_nothing_that_is_a_scsi_device(name: str) -> None:
    assert parse_attention(name, "CAPACITY_DATA_HAS_CHANGED") is None


@given(anything | st.from_regex(r"[0-9]{1,12}(:[0-9]{1,12}){2,4}"), anything | st.sampled_from(AttentionKind))
def test_no_unit_attention_whatever_it_holds_raises(name: str, word: str) -> None:
    found = parse_attention(name, word)
    assert found is None or (found.hctl == name and name.isascii() and name.isprintable() and found.count == 1)


def test_events_sent_newest_first_are_put_in_order_within_each_map() -> None:
    other = replace(EVENT, wwid="other")
    between = BlockEvent("change", "sdb")
    reported: list[Event] = [
        replace(EVENT, seqnum=3),
        other,
        between,
        replace(EVENT, seqnum=2),
        replace(EVENT, seqnum=1),
    ]
    assert in_order(reported) == [
        replace(EVENT, seqnum=1),
        other,
        between,
        replace(EVENT, seqnum=2),
        replace(EVENT, seqnum=3),
    ]


path_events = st.builds(
    DmPathEvent,
    st.sampled_from(DmAction),
    st.sampled_from(["a", "b", "c"]),
    st.just(""),
    st.just("dm-0"),
    st.just("8:0"),
    st.none() | st.integers(0, 5),
)


@settings(deadline=None)
@given(st.lists(path_events | st.builds(BlockEvent, st.just("change"), st.sampled_from(["sda", "sdb"])), max_size=12))
def test_putting_in_order_only_sorts_each_maps_numbered_events_among_their_places(events: list[Event]) -> None:
    given_events = list(events)
    ordered = in_order(events)
    assert events == given_events
    by_map: dict[str, list[tuple[int, DmPathEvent]]] = {}
    for before, after in zip(events, ordered, strict=True):
        if not isinstance(before, DmPathEvent) or before.seqnum is None:
            assert after is before
            continue
        assert isinstance(after, DmPathEvent)
        assert after.seqnum is not None
        assert after.wwid == before.wwid
        by_map.setdefault(after.wwid, []).append((after.seqnum, after))
    for numbered in by_map.values():
        numbers = [number for number, _ in numbered]
        assert numbers == sorted(numbers)
    assert sorted(map(id, ordered)) == sorted(map(id, events))

"""Events as JSON and back, and what happens to JSON that no event made."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.events import (
    BlockEvent,
    ConfigurationRead,
    DevicesRead,
    DmPathEvent,
    Event,
    PathsListed,
    SettingsChanged,
    SourceDown,
    SourceErrors,
    Tick,
)
from mpathd_watch.core.model.budget import Bounds
from mpathd_watch.core.model.facts import PathListing
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Cause, CheckerState, DmAction, DmState, SourceName
from mpathd_watch.core.recording.codec import CodecError, decode, decode_event, encode, encode_event

EVENTS: tuple[type, ...] = get_args(Event)

QUICK = settings(deadline=None, max_examples=50)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.sampled_from("aZ0 \"\\{}:,'é漢\U0001f642"), max_size=5),
    int: st.integers(1 - 10**20, 10**20 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    type(None): st.none(),
}
finite = SCALARS[float]


def events_of(hint: Any) -> st.SearchStrategy[Any]:
    """Anything that a field with this type hint may hold, and so any event of one kind."""
    arguments = get_args(hint)
    if hint in SCALARS:
        return SCALARS[hint]
    if get_origin(hint) is Mapping:
        return st.dictionaries(SCALARS[str], events_of(arguments[1]), max_size=2)
    if get_origin(hint) is tuple and Ellipsis not in arguments:
        return st.tuples(*map(events_of, arguments))
    if get_origin(hint) is tuple:
        return st.lists(events_of(arguments[0]), max_size=2 if arguments[0] in SCALARS else 1).map(tuple)
    if get_origin(hint) is frozenset:
        return st.frozensets(events_of(arguments[0]), max_size=2)
    if arguments:
        return st.one_of(*map(events_of, arguments))
    if issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    return records_of(hint)


@cache
def records_of(kind: Any) -> st.SearchStrategy[Any]:
    """Deferred, because a section of multipath.conf has sections."""
    hints = get_type_hints(kind)
    return st.deferred(lambda: st.builds(kind, **{name: events_of(inner) for name, inner in hints.items()}))


any_event = st.sampled_from(EVENTS).flatmap(events_of)

LISTING = PathListing("3600", "mpio", "sda", "8:0", DmState.ACTIVE, CheckerState.READY, "tur")
SIMPLE = encode_event(DmPathEvent(DmAction.PATH_FAILED, "3600", "mpio", "dm-0", "8:16", 7))


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_kind_of_event_comes_back_as_it_was(kind: type) -> None:
    @QUICK
    @given(events_of(kind))
    def comes_back(event: Any) -> None:
        text = json.dumps(encode_event(event), allow_nan=False)
        back = decode_event(json.loads(text))
        assert back == event
        assert type(back) is kind
        assert json.dumps(encode_event(back)) == text  # 1 and 1.0 and True are equal, and not the same

    comes_back()


def test_an_event_is_a_flat_object_that_people_can_read() -> None:
    assert SIMPLE == {
        "event": "DmPathEvent",
        "action": "PATH_FAILED",
        "wwid": "3600",
        "map_name": "mpio",
        "sysfs_name": "dm-0",
        "dev_t": "8:16",
        "seqnum": 7,
    }
    assert encode_event(SettingsChanged(5.0, frozenset({"b", "a"})))["single_path_ok"] == ["a", "b"]
    assert encode_event(PathsListed((LISTING,), 1.0))["paths"][0]["checker_state"] == "ready"


def test_a_field_that_is_missing_takes_its_default() -> None:
    assert decode_event({"event": "BlockEvent", "action": "add", "sysfs_name": "sda"}) == BlockEvent("add", "sda")
    assert decode_event({"event": "DevicesRead", "devices": []}) == DevicesRead(())


def test_a_field_that_an_older_version_wrote_is_ignored() -> None:
    outage = Outage("a1", Instant(1.0, 2.0), Cause.LOGOUT, counted=True)
    assert decode(Outage, {**encode(outage), "shared": True}) == outage
    with pytest.raises(CodecError, match="Instant has no shared"):
        decode(Instant, {**encode(outage.began), "shared": True})


def test_a_whole_number_is_good_enough_for_seconds() -> None:
    event = decode_event({"event": "PathsListed", "paths": [], "requested": 7})
    assert isinstance(event, PathsListed)
    assert (event.requested, type(event.requested)) == (7.0, float)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"event": "Nothing"}, "no event is called 'Nothing'"),
        ({"event": "PathListing"}, "no event is called"),
        ({"event": "decode_event"}, "no event is called"),
        ({"event": None}, "no event is called"),
        ({"event": ["Tick"]}, "no event is called"),
        ({"action": "PATH_EXPLODED"}, "DmPathEvent.action can't be 'PATH_EXPLODED'"),
        ({"action": ["PATH_FAILED"]}, "DmPathEvent.action can't be"),
        ({"action": None}, "DmPathEvent.action can't be"),
        ({"wwid": 7}, "DmPathEvent.wwid is of type str, not int"),
        ({"wwid": None}, "DmPathEvent.wwid is of type str, not NoneType"),
        ({"wwid": {"a": 1}}, "DmPathEvent.wwid is of type str, not dict"),
        ({"seqnum": "7"}, "DmPathEvent.seqnum is of type int, not str"),
        ({"seqnum": True}, "DmPathEvent.seqnum is of type int, not bool"),
        ({"seqnum": 7.0}, "DmPathEvent.seqnum is of type int, not float"),
        ({"seqnum": 10**20}, "DmPathEvent.seqnum is too large"),
        ({"seqnum": -(10**400)}, "DmPathEvent.seqnum is too large"),
        ({"colour": "red"}, "DmPathEvent has no colour"),
        ({"self": 1}, "DmPathEvent has no self"),
        ({"__class__": 1}, "DmPathEvent has no __class__"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(CodecError, match=message):
        decode_event({**SIMPLE, **change})


def test_a_field_without_a_default_must_be_there() -> None:
    with pytest.raises(CodecError, match="DmPathEvent lacks a field"):
        decode_event({name: value for name, value in SIMPLE.items() if name != "wwid"})


@pytest.mark.parametrize("record", [None, 1, "Tick", [], ["event", "Tick"], True, 1.5])
def test_an_event_is_an_object(record: object) -> None:
    with pytest.raises(CodecError, match="an event is a JSON object"):
        decode_event(record)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"event": "PathsListed", "paths": {}, "requested": 1.0}, "PathsListed.paths is a list"),
        ({"event": "PathsListed", "paths": [7], "requested": 1.0}, "PathListing is a JSON object"),
        ({"event": "PathsListed", "paths": [{}], "requested": 1.0}, "PathListing lacks a field"),
        ({"event": "PathsListed", "paths": [{"x": 1}], "requested": 1.0}, "PathListing has no x"),
        ({"event": "SettingsChanged", "settle_seconds": 5.0, "single_path_ok": "mpio"}, "single_path_ok is a list"),
        ({"event": "SettingsChanged", "settle_seconds": 5.0, "single_path_ok": [["x"]]}, "of type str, not list"),
        ({"event": "SettingsChanged", "settle_seconds": "5", "single_path_ok": []}, "of type float, not str"),
        ({"event": "SettingsChanged", "settle_seconds": True, "single_path_ok": []}, "of type float, not bool"),
        ({"event": "SettingsChanged", "settle_seconds": None, "single_path_ok": []}, "of type float, not NoneType"),
    ],
)
def test_what_does_not_fit_inside_is_named(record: dict[str, Any], message: str) -> None:
    with pytest.raises(CodecError, match=message):
        decode_event(record)


def test_a_field_that_is_infinite_is_left_out_and_is_infinite_again() -> None:
    bounds = Bounds(failover=20.0)
    assert encode(bounds)["failover"] == 20.0
    assert "detection" not in encode(bounds)
    assert decode(Bounds, encode(bounds)) == bounds


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf, 10**400])
def test_seconds_are_finite(seconds: float) -> None:
    with pytest.raises(CodecError, match="requested is not a finite number"):
        decode_event({"event": "PathsListed", "paths": [], "requested": seconds})


@pytest.mark.parametrize("text", ["m\nPRIORITY=0", "\x1b[31m", "\ud800", "\x00", "\u202e"])
def test_text_that_no_source_would_have_let_through_is_made_harmless(text: str) -> None:
    event = decode_event({**SIMPLE, "map_name": text})
    assert isinstance(event, DmPathEvent)
    assert event.map_name.isprintable()
    assert event.map_name.encode("utf-8")
    assert event.map_name != text


def test_a_message_is_one_line_whatever_the_key_is() -> None:
    with pytest.raises(CodecError) as caught:
        decode_event({**SIMPLE, "a\nb\x1b[31m": 1, "c" * 1000: 2})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@QUICK
@given(json_values)
def test_no_json_raises_anything_else(record: Any) -> None:
    with pytest.raises(CodecError):
        decode_event(record)


def places(record: Any) -> list[tuple[Any, Any]]:
    """Every container within ``record`` with every key or index of it."""
    found: list[tuple[Any, Any]] = []
    if isinstance(record, dict | list):
        for key in record if isinstance(record, dict) else range(len(record)):
            found += [(record, key), *places(record[key])]
    return found


@QUICK
@given(any_event, st.data())
def test_one_value_replaced_by_any_other_makes_an_event_or_a_codec_error(event: Any, data: st.DataObject) -> None:
    record = json.loads(json.dumps(encode_event(event)))
    container, key = data.draw(st.sampled_from(places(record)))
    container[key] = data.draw(json_values)
    try:
        back = decode_event(record)
    except CodecError as error:
        assert str(error).isprintable()  # noqa: PT017  # either outcome will do
    else:
        assert isinstance(back, EVENTS)
        json.dumps(encode_event(back), allow_nan=False).encode("utf-8")


def test_events_without_fields_and_with_enough() -> None:
    assert decode_event({"event": "Tick"}) == Tick()
    down = SourceDown(SourceName.SYSFS, "timeout", "see dmesg")
    assert decode_event(encode_event(down)) == down
    errors = SourceErrors(SourceName.UEVENT, "not_text", 10**19)
    assert decode_event(encode_event(errors)) == errors


def configured(**changes: Any) -> dict[str, Any]:
    return {"event": "ConfigurationRead", "configuration": {**encode_event(EMPTY)["configuration"], **changes}}


EMPTY = ConfigurationRead(Configuration())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": [0, 9]}, "Configuration.version is a list of 3"),
        ({"version": [0, 9, "4"]}, "Configuration.version is of type int, not str"),
        ({"wwids": "3600"}, "Configuration.wwids is a list"),
        ({"iscsid": {"file": "", "entries": []}}, "Record.entries is a JSON object"),
        (
            {"iscsid": {"file": "", "entries": {"a": {"value": 1.5, "line": 1}}}},
            "Entry.value is of type int, not float",
        ),
        ({"iscsid_running": 1}, "Configuration.iscsid_running is of type bool, not int"),
    ],
)
def test_what_does_not_fit_in_a_configuration_is_named(changes: dict[str, Any], message: str) -> None:
    assert decode_event(configured()) == EMPTY
    with pytest.raises(CodecError, match=message):
        decode_event(configured(**changes))


def test_sections_within_sections_without_end_are_refused() -> None:
    section: dict[str, Any] = {"name": "a", "file": "", "line": 1}
    for _ in range(2000):
        section = {"name": "a", "file": "", "line": 1, "children": [section]}
    with pytest.raises(CodecError, match="nested too deeply"):
        decode_event(configured(multipath={"sections": [section]}))

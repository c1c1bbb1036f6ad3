"""What differs between two events, and its way back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.events import BlockEvent, DevicesRead, DmStatusRead, SessionsRead
from mpathd_watch.core.model.facts import DmStatus, SessionFacts, TcpFacts
from mpathd_watch.core.model.vocabulary import DmState, SessionStatus
from mpathd_watch.core.recording.changes import SAME, changed, changes
from mpathd_watch.core.recording.codec import CodecError, encode
from tests.unit.core.recording.test_codec import EVENTS, QUICK, events_of

SESSION = SessionFacts(
    *(1, SessionStatus.LOGGED_IN, "iqn.x", 1, "default", "iqn.y", "192.168.1.1", 3260, 5, 10, 5),
    alive=12.5,
    tcp=TcpFacts(0.001, 0, 0, 12.25),
)
OTHER = replace(SESSION, sid=2, address="192.168.2.1")


def text(value: Any) -> str:
    return json.dumps(value)


def comes_back(before: Any, after: Any) -> None:
    change = changes(before, after)
    if text(encode(before)) == text(encode(after)):
        assert change is SAME
        return
    assert change is not SAME
    again = json.loads(text(change))
    kept = json.loads(text(encode(before)))
    assert text(changed(kept, again)) == text(encode(after))
    assert text(kept) == text(encode(before))


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_any_two_events_of_a_kind(kind: type) -> None:
    @QUICK
    @given(events_of(kind), events_of(kind), st.data())
    def each(before: Any, after: Any, data: st.DataObject) -> None:
        comes_back(before, after)
        comes_back(before, before)
        name = data.draw(st.sampled_from([None, *getattr(kind, "__dataclass_fields__", ())]))
        if name is not None:
            comes_back(before, replace(before, **{name: getattr(after, name)}))

    each()


@dataclass(frozen=True)
class _Held:
    """Something of any shape."""

    value: Any = field(default=None)


scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from((0.0, -0.0, 1.0, 2.0)) | st.text(max_size=2)
shapes = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from(("", "a", "b")), inner, max_size=3)
        | st.builds(_Held, inner)
    ),
    max_leaves=8,
)


@QUICK
@given(shapes, shapes)
def test_any_two_values(before: Any, after: Any) -> None:
    comes_back(_Held(before), _Held(after))


def test_a_reading_is_written_as_the_leaves_that_differ() -> None:
    before = SessionsRead((SESSION, OTHER), 12.0)
    moved = replace(OTHER, alive=17.5, tcp=replace(TcpFacts(0.001, 0, 0, 12.25), heard=17.25))
    assert changes(before, SessionsRead((SESSION, moved), 17.0)) == {
        "sessions": {"1": {"alive": 17.5, "tcp": {"heard": 17.25}}},
        "requested": 17.0,
    }
    assert changes(before, SessionsRead((replace(SESSION, tcp=None), OTHER), 12.0)) == {
        "sessions": {"0": {"tcp": None}}
    }


def test_what_equality_does_not_compare_is_written() -> None:
    """Two sessions are equal although their proofs of life differ."""
    assert replace(SESSION, alive=99.0) == SESSION
    assert changes(SESSION, replace(SESSION, alive=99.0)) == {"alive": 99.0}


def test_lists_of_other_lengths_and_names_are_written_whole() -> None:
    one, two = SessionsRead((SESSION,)), SessionsRead((SESSION, OTHER))
    assert changes(two, one) == {"sessions": [encode(SESSION)]}
    assert changes(DevicesRead((), ("sda", "sdb")), DevicesRead((), ("sda", "sdc"))) == {"vanished": ["sda", "sdc"]}
    first = DmStatusRead((DmStatus("mpio", True, {"8:0": DmState.ACTIVE}),), 1.0)
    failed = DmStatusRead((DmStatus("mpio", True, {"8:0": DmState.FAILED}),), 1.0)
    grown = DmStatusRead((DmStatus("mpio", True, {"8:0": DmState.ACTIVE, "8:16": DmState.ACTIVE}),), 1.0)
    assert changes(first, failed) == {"maps": {"0": {"paths": {"8:0": "failed"}}}}
    assert changes(first, grown) == {"maps": {"0": {"paths": {"": {"8:0": "active", "8:16": "active"}}}}}


def test_the_same_object_is_not_looked_into() -> None:
    class Untouched:
        def __eq__(self, other: object) -> bool:
            raise AssertionError

        def __hash__(self) -> int:
            raise AssertionError

    value = Untouched()
    assert changes(_Held(value), _Held(value)) is SAME


@pytest.mark.parametrize(
    ("before", "change"),
    [({"a": 1}, {"b": 2}), ([1, 2], {"2": 3}), ([1, 2], {"x": 3}), (7, {"a": 1}), (None, {}), ("ab", {"0": "c"})],
)
def test_a_change_of_what_is_not_there_is_refused(before: Any, change: Any) -> None:
    with pytest.raises(CodecError, match="no line before it has"):
        changed(before, change)


def test_a_change_leaves_what_it_was_applied_to() -> None:
    before = {"a": [{"b": 1}], "c": {"d": {}}}
    assert changed(before, {"a": {"0": {"b": 2}}, "c": {"d": {"": {"e": 3}}}}) == {
        "a": [{"b": 2}],
        "c": {"d": {"e": 3}},
    }
    assert before == {"a": [{"b": 1}], "c": {"d": {}}}
    assert encode(BlockEvent("add", "sda"))["action"] == "add"

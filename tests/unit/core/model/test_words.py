"""Moments, words, labels and the texts of the alerts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.catalog.causes import CAUSES
from mpathd_watch.core.catalog.fields import FIELDS
from mpathd_watch.core.model.identity import assign, numbered, portal, session_name
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import Cause, DeviceState

# --- moments and words ------------------------------------------------------------------------------------------------


def test_a_duration_follows_the_monotonic_clock_and_is_never_negative() -> None:
    assert Instant(10.0, 99.0).since(Instant(8.0, 500.0)) == 2.0
    assert Instant(8.0, 0.0).since(Instant(10.0, 0.0)) == 0.0


@pytest.mark.parametrize("word", ["running", "unheard-of", ""])
def test_a_word_that_is_not_known_is_unknown(word: str) -> None:
    assert DeviceState.parse(word) is (DeviceState.RUNNING if word == "running" else DeviceState.UNKNOWN)


# --- labels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "port", "label"),
    [
        ("192.168.1.1", 3260, "192.168.1.1:3260"),
        ("2001:0db8:0000:0000:0000:0000:0000:0001", 3260, "[2001:db8::1]:3260"),
        ("[FE80::1]", 860, "[fe80::1]:860"),
        ("fe80::1%eth0", 3260, "[fe80::1%eth0]:3260"),
        ("san.example", 3260, "san.example:3260"),
        ("", None, "unknown:unknown"),
    ],
)
def test_a_portal_is_written_in_its_shortest_form(address: str, port: int | None, label: str) -> None:
    assert portal(address, port) == label


def test_a_holder_keeps_its_number_and_a_newcomer_takes_the_lowest_that_is_free() -> None:
    assert assign({"a#2": "second"}, [("new", "a"), ("second", "a")]) == {"a#2": "second", "a": "new"}


def test_a_label_that_is_anothers_base_is_not_given_twice() -> None:
    assert assign({}, [("x", "a"), ("y", "a"), ("z", "a#2")]) == {"a": "x", "a#2": "y", "a#2#2": "z"}


@pytest.mark.parametrize("held", ["a#", "a#x", "a#²", "a#00002", "b#2", "a2"])
def test_a_label_that_no_number_makes_is_not_kept(held: str) -> None:
    assert assign({held: "x"}, [("x", "a")]) == {"a": "x"}


def test_a_session_is_numbered_before_its_target() -> None:
    base = "192.168.1.1:3260/iqn.x"
    assert session_name(base, 2) == "192.168.1.1:3260#2/iqn.x"
    held = {"192.168.1.1:3260#2/iqn.x": "second"}
    assert assign(held, [("second", base)], session_name) == held


@given(
    st.dictionaries(st.sampled_from(["a", "a#2", "a#3", "a#2#2", "b", "b#2", ""]), st.integers(0, 5)),
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["a", "a#2", "b", ""])), unique_by=lambda pair: pair[0]),
)
def test_every_newcomer_gets_one_label_and_holders_of_their_base_keep_theirs(
    held: dict[str, int], newcomers: list[tuple[int, str]]
) -> None:
    held = {label: holder for holder, label in {holder: label for label, holder in held.items()}.items()}
    labels = assign(held, newcomers)
    assert sorted(labels.values()) == sorted(holder for holder, _ in newcomers)
    for holder, base in newcomers:
        kept = [label for label, owner in held.items() if owner == holder]
        if kept and any(kept[0] == numbered(base, number) for number in range(1, 4)):
            assert labels[kept[0]] == holder


# --- alert texts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", AlertKind)
def test_every_alert_has_a_message_id_and_a_text_that_names_only_fields_there_are(kind: AlertKind) -> None:
    text = kind.value
    assert re.fullmatch("[0-9a-f]{32}", text.message_id)
    assert text.priority in Priority
    for part in (text.subject, text.meaning, text.remedy):
        assert part
        assert set(re.findall("@MPATHD_WATCH_([A-Z_]+)@", part)) <= FIELDS.keys()
    assert kind.event == kind.name.lower()


def test_message_ids_are_unique() -> None:
    assert len({kind.value.message_id for kind in AlertKind}) == len(AlertKind)


def test_every_cause_has_words() -> None:
    assert set(CAUSES) == set(Cause)

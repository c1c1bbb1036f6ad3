"""What lost nexuses share: named where every nexus that has to do with it is down, and never guessed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.verdicts.shared_cause import HOST, Member, Shared, shared

TIES = ("through {}", "of subnet {}", "to {}", "to {}")


def members(*lines: str) -> list[Member]:
    """Nexuses from ``LABEL NIC SUBNET PORTAL TARGET``, ``-`` for what is not known; a label with ``!`` is down."""
    found = []
    for line in lines:
        label, *words = line.split()
        values = tuple("" if word == "-" else word for word in words)
        found.append(Member(label.rstrip("!"), values, down=label.endswith("!")))
    return found


def words(lost: str, *lines: str) -> str:
    """What is said of the loss, nothing if there is nothing to say."""
    found = shared(lost, members(*lines), TIES)
    return found.words("session") if found else ""


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("a! eth2 n2 p2 t1", "b! eth2 n2 p2 t2", "c eth1 n1 p1 t1"), "all 2 sessions through eth2"),
        (("a! - n2 p2 t1", "b! - n2 p2 t2", "c eth1 n1 p1 t1"), "all 2 sessions of subnet n2"),
        (("a! eth1 n1 p2 t1", "b! eth2 n2 p2 t1", "c eth1 n1 p1 t1", "d eth2 n2 p1 t1"), "all 2 sessions to p2"),
        (("a! eth1 n1 p1 t1", "b! eth2 n2 p2 t1", "c eth1 n1 p1 t2", "d eth2 n2 p2 t2"), "all 2 sessions to t1"),
        (("a! eth1 n1 p1 t1", "b! eth2 n2 p2 t2"), "all 2 sessions of this host"),
        (("a! - - - -", "b! - - - -"), "all 2 sessions of this host"),
        (("a! eth1 n1 p1 t1", "b! eth1 n2 p2 t2"), "all 2 sessions through eth1"),
        (("a! - - - t1", "b! - - - t1"), "all 2 sessions to t1"),
    ],
    ids=["nic", "subnet", "portal", "target", "all", "all of whom nothing is known", "the only nic", "the only target"],
)
def test_what_they_share_is_named(lines: tuple[str, ...], told: str) -> None:
    assert words("a", *lines) == told


@pytest.mark.parametrize(
    "lines",
    [
        ("a! eth2 n2 p2 t1",),
        ("a! eth2 n2 p2 t1", "b eth2 n2 p2 t1"),
        ("a! eth2 n2 p2 t1", "b! eth1 n1 p1 t2", "c eth3 n3 p3 t3"),
        ("a! eth2 n2 p2 t1", "b! eth2 n2 p2 t1", "c eth2 n2 p2 t1"),
        ("a eth2 n2 p2 t1", "b! eth2 n2 p2 t1"),
        ("b! eth2 n2 p2 t1", "c! eth2 n2 p2 t1"),
        ("a! - - - -", "b! - - - -", "c eth1 n1 p1 t1"),
        (),
    ],
    ids=["alone", "the other is up", "nothing", "one is up", "it is up itself", "unknown", "empty", "none"],
)
def test_nothing_is_guessed(lines: tuple[str, ...]) -> None:
    assert words("a", *lines) == ""


def test_the_answer_that_explains_all_that_are_down_is_preferred() -> None:
    lines = ("a! eth1 n1 p1 t1", "b! eth1 n1 p2 t1", "c! eth2 n2 p2 t1", "d! eth2 n2 p1 t1", "e eth3 n3 p3 t2")
    assert words("a", *lines) == "all 4 sessions to t1"


def test_else_the_one_that_holds_for_most() -> None:
    lines = ("a! eth1 n1 p1 t1", "b! eth1 n1 p2 t2", "c! eth2 n1 p2 t3", "d! eth3 n3 p3 t4", "e eth3 n3 p3 t5")
    assert words("a", *lines) == "all 3 sessions of subnet n1"


def test_the_nearest_to_this_host_goes_first() -> None:
    found = shared("a", members("a! eth2 n2 p2 t1", "b! eth2 n2 p2 t1", "c eth1 n1 p1 t2"), TIES)
    assert found == Shared("through eth2", 2)


def test_the_other_group_is_not_this_ones_business() -> None:
    assert words("a", "a! eth1 n1 p1 t1", "b! eth2 n2 p2 t2", "c! eth2 n2 p2 t2", "d eth1 n1 p1 t1") == ""


def test_names_are_data() -> None:
    found = shared("a", members("a! {0}{kind} n p t", "b! {0}{kind} n p t"), TIES)
    assert found
    assert found.words("session") == "all 2 sessions through {0}{kind}"


NAMES = st.sampled_from(["", "x", "y", "z"])
MEMBERS = st.lists(st.tuples(NAMES, NAMES, NAMES, NAMES, st.booleans()), max_size=9).map(
    lambda rows: [Member(str(number), row[:4], down=row[4]) for number, row in enumerate(rows)]
)


@given(MEMBERS, st.randoms(use_true_random=False))
def test_it_holds_for_sessions_that_are_down_alone_and_for_the_lost_one(
    every: list[Member], chance: random.Random
) -> None:
    shuffled = list(every)
    chance.shuffle(shuffled)
    for member in every:
        found = shared(member.label, every, TIES)
        assert found == shared(member.label, shuffled, TIES), "the order tells nothing"
        if found is None:
            continue
        groups = [
            [other for other in every if other.values[at] == member.values[at]]
            for at, phrase in enumerate(TIES)
            if member.values[at] and phrase.format(member.values[at]) == found.phrase
        ]
        groups = groups if found.phrase != HOST else [every]
        assert all(member in group for group in groups)
        # A portal and a target may have the same name.
        assert any(all(other.down for other in group) and len(group) == found.number >= 2 for group in groups)


@given(MEMBERS)
def test_nothing_is_shared_with_the_living(every: list[Member]) -> None:
    for member in every:
        if not member.down:
            assert shared(member.label, every, TIES) is None
    assert shared("nobody", every, TIES) is None

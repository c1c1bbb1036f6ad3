"""What lost sessions share: named where every session that has to do with it is down, and never guessed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.verdicts.shared_cause import Kind, Shared, Tie, shared

TARGET, OTHER_TARGET = "iqn.2009-02.com.example:storage.disk1", "iqn.2009-02.com.example:storage.disk2"


def ties(*lines: str) -> list[Tie]:
    """Ties from ``LABEL NIC SUBNET PORTAL TARGET``, ``-`` for what is not known; a label with ``!`` is down."""
    found = []
    for line in lines:
        label, *words = line.split()
        netdev, network, portal, target = ("" if word == "-" else word for word in words)
        found.append(Tie(label.rstrip("!"), netdev, network, portal, target, down=label.endswith("!")))
    return found


def words(lost: str, *lines: str) -> str:
    """What is said of the loss, nothing if there is nothing to say."""
    found = shared(lost, ties(*lines))
    return found.words if found else ""


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
    found = shared("a", ties("a! eth2 n2 p2 t1", "b! eth2 n2 p2 t1", "c eth1 n1 p1 t2"))
    assert found == Shared(Kind.NIC, "eth2", 2)


def test_the_other_group_is_not_this_ones_business() -> None:
    assert words("a", "a! eth1 n1 p1 t1", "b! eth2 n2 p2 t2", "c! eth2 n2 p2 t2", "d eth1 n1 p1 t1") == ""


def test_names_are_data() -> None:
    found = shared("a", ties("a! {0}{kind} n p t", "b! {0}{kind} n p t"))
    assert found
    assert found.words == "all 2 sessions through {0}{kind}"


NAMES = st.sampled_from(["", "x", "y", "z"])
TIES = st.lists(st.tuples(NAMES, NAMES, NAMES, NAMES, st.booleans()), max_size=9).map(
    lambda rows: [Tie(str(number), *row[:4], down=row[4]) for number, row in enumerate(rows)]
)


@given(TIES, st.randoms(use_true_random=False))
def test_it_holds_for_sessions_that_are_down_alone_and_for_the_lost_one(
    every: list[Tie], chance: random.Random
) -> None:
    shuffled = list(every)
    chance.shuffle(shuffled)
    for tie in every:
        found = shared(tie.label, every)
        assert found == shared(tie.label, shuffled), "the order tells nothing"
        if found is None:
            continue
        of = {Kind.NIC: "netdev", Kind.SUBNET: "network", Kind.PORTAL: "portal", Kind.TARGET: "target"}
        group = [other for other in every if found.kind is Kind.ALL or getattr(other, of[found.kind]) == found.name]
        assert tie in group
        assert all(other.down for other in group)
        assert len(group) == found.sessions >= 2
        assert bool(found.name) is (found.kind is not Kind.ALL)


@given(TIES)
def test_nothing_is_shared_with_the_living(every: list[Tie]) -> None:
    for tie in every:
        if not tie.down:
            assert shared(tie.label, every) is None
    assert shared("nobody", every) is None

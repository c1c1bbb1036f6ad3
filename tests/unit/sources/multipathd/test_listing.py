"""When a listing is due, and whether it is reported although it holds what it held before."""

from __future__ import annotations

import math

import pytest

from mpathd_watch.core.events import PathsListed
from mpathd_watch.core.model.facts import PathListing
from mpathd_watch.sources.multipathd.listing import LONGEST_SETTLE, SETTLE, Listing, Reply
from mpathd_watch.sources.multipathd.replies import Parsed


@pytest.fixture
def listing() -> Listing[PathListing]:
    return Listing[PathListing](
        "show", lambda _text: Parsed((), {}), PathsListed, every=5.0, wake_spacing=1.0, deadline=4.0
    )


def test_it_is_due_at_first_and_in_routine_rounds(listing: Listing[PathListing]) -> None:
    assert listing.due() == -math.inf
    listing.begin(100.0)
    assert listing.due() == 105.0


def test_a_wake_makes_it_due_but_wakes_no_more_often_than_they_may(listing: Listing[PathListing]) -> None:
    listing.begin(100.0)
    listing.wake(101.0 - SETTLE)
    assert listing.due() == 101.0
    listing.begin(101.0)
    assert listing.due() == 106.0
    listing.wake(101.5)
    assert listing.due() == 102.0


def test_of_many_wakes_the_request_follows_the_last_one_but_does_not_wait_for_ever(
    listing: Listing[PathListing],
) -> None:
    listing.begin(100.0)
    for tenth in range(5):
        listing.wake(101.0 + 0.1 * tenth)
    assert listing.due() == pytest.approx(101.4 + SETTLE)
    for tenth in range(5, 50):
        listing.wake(101.0 + 0.1 * tenth)
    assert listing.due() == 101.0 + LONGEST_SETTLE
    listing.begin(102.0)
    listing.wake(103.0)
    assert listing.due() == 103.0 + SETTLE


def test_a_wake_does_not_put_off_a_routine_round(listing: Listing[PathListing]) -> None:
    listing.begin(100.0)
    listing.wake(104.99)
    assert listing.due() == 105.0


def test_what_it_held_is_compared_unless_somebody_waits_for_an_answer(listing: Listing[PathListing]) -> None:
    held = Reply(b"", {})
    assert listing.begin(100.0) is None
    listing.last = held
    assert listing.begin(105.0) is held
    assert listing.last is None  # until the reply has come
    listing.last = held
    listing.wake(105.5)
    assert listing.begin(106.0) is None
    assert listing.wakes is None


def test_what_is_forgotten_is_due_and_reported(listing: Listing[PathListing]) -> None:
    listing.begin(100.0)
    listing.last = Reply(b"", {})
    listing.forget()
    assert listing.due() == -math.inf
    assert listing.begin(101.0) is None


def test_a_reply_is_parsed_only_if_it_is_another_one_or_read_by_another_grammar() -> None:
    parsed: list[str] = []

    def parse(text: str) -> Parsed[str]:
        parsed.append(text)
        return Parsed((text,), {"bad_line": 1})

    listing = Listing[str]("show", parse, PathsListed, 5.0, 1.0, 4.0)  # type: ignore[arg-type]
    first, items = listing.read("a", 1, None)
    assert (items, first.problems) == (("a",), {"bad_line": 1})
    assert listing.read("a", 1, first) == (first, None)
    assert listing.read("a", 2, first)[1] == ("a",)
    assert listing.read("b", 1, first)[1] == ("b",)
    assert listing.read("a", 1, None) == (first, ("a",))
    assert parsed == ["a", "a", "b", "a"]

"""When a listing is due, and whether it is reported although it holds what it held before."""

from __future__ import annotations

import math

import pytest

from mpathd_watch.core.events import PathsListed
from mpathd_watch.core.model.facts import PathListing
from mpathd_watch.sources.multipathd.listing import Listing, Reply
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
    listing.woken = True
    assert listing.due() < 100.0
    listing.begin(101.0)
    assert listing.due() == 106.0
    listing.woken = True
    assert listing.due() == 102.0


def test_what_it_held_is_compared_unless_somebody_waits_for_an_answer(listing: Listing[PathListing]) -> None:
    held = Reply(b"", {})
    assert listing.begin(100.0) is None
    listing.last = held
    assert listing.begin(105.0) is held
    assert listing.last is None  # until the reply has come
    listing.last, listing.woken = held, True
    assert listing.begin(106.0) is None
    assert not listing.woken


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

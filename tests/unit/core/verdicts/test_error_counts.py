"""A disk's error counts: which of them an outage has nothing to do with."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.outage import Count
from mpathd_watch.core.verdicts.error_counts import SETTLED, ErrorCounts


def counted(*readings: tuple[float, int]) -> ErrorCounts:
    """The errors as read at these seconds."""
    errors = ErrorCounts()
    for at, count in readings:
        errors = errors.read(at, count, 0)
    return errors


def test_nothing_was_counted_before_the_first_reading() -> None:
    assert ErrorCounts().up_to(100) is None


def test_a_first_reading_that_is_too_fresh_is_none() -> None:
    assert counted((10, 4)).up_to(10 + SETTLED - 0.1) is None
    assert counted((10, 4)).up_to(10 + SETTLED) == Count(10, 4, 0)


def test_a_reading_that_says_nothing_new_is_the_same_object() -> None:
    errors = counted((0, 4), (100, 5))
    assert errors.read(200, 5, 0) is errors
    assert errors.read(200, 5, 1) is not errors


def test_what_was_counted_a_second_before_the_outage_is_its_own() -> None:
    errors = counted((0, 4), (99, 5))
    assert errors.up_to(100) == Count(0, 4, 0)
    assert errors.up_to(99 + SETTLED) == Count(99, 5, 0)


def test_a_burst_of_errors_does_not_push_out_what_was_before_it() -> None:
    errors = counted((0, 4), (99, 5), (99.5, 6), (100, 7), (100.5, 8))
    assert errors.up_to(101) == Count(0, 4, 0)


def test_a_burst_right_after_the_first_reading() -> None:
    errors = counted((0, 4), (0.5, 5), (1, 6))
    assert errors.up_to(SETTLED - 0.5) is None
    assert errors.up_to(SETTLED) == Count(0, 4, 0)


def test_what_has_settled_takes_the_place_of_what_was_before() -> None:
    errors = counted((0, 4), (50, 5), (99, 6))
    assert errors.up_to(100) == Count(50, 5, 0)


def test_a_counter_that_steps_back_is_another_count() -> None:
    assert counted((0, 4), (50, 0)).up_to(100) == Count(50, 0, 0)


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 1)), max_size=30), st.floats(0, 4))
def test_what_an_outage_has_nothing_to_do_with_is_old_enough_and_was_read(
    readings: list[tuple[float, int]], after: float
) -> None:
    errors, at, count, seen = ErrorCounts(), 0.0, 0, []
    for pause, more in readings:
        at, count = at + pause, count + more
        errors = errors.read(at, count, 0)
        seen.append((at, count))
    found = errors.up_to(at + after)
    if found is None:
        assert not seen or all(at + after - first < SETTLED for first, _ in seen[:1])
    else:
        assert at + after - found.at >= SETTLED
        assert (found.at, found.errors) in seen
        assert found.errors <= count

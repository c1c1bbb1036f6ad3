"""When a path flaps, when it is steady again, and what is remembered for it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.verdicts.flapping import Flaps, failed, looked, next_look
from tests.story import moment

FAILURES, WINDOW = 3, 600.0


def after(*seconds: float, failures: int = FAILURES, window: float = WINDOW) -> Flaps:
    """The flaps of a path that failed at these seconds of the story."""
    flaps = Flaps()
    for second in seconds:
        flaps = failed(flaps, moment(second), failures, window)
    return flaps


# --- in ---------------------------------------------------------------------------------------------------------------


def test_the_third_failure_within_the_window_is_flapping() -> None:
    assert not after(0, 100).flapping
    flaps = after(0, 100, 250)
    assert flaps.flapping
    assert flaps.since == moment(250)
    assert len(flaps.instants) == 3


def test_a_failure_at_the_very_end_of_the_window_still_counts() -> None:
    assert after(0, 100, 600).flapping
    assert not after(0, 100, 600.5).flapping


def test_failures_that_are_far_apart_are_no_flapping() -> None:
    assert not after(*range(0, 10_000, 400)).flapping


def test_further_failures_do_not_begin_it_again() -> None:
    assert after(0, 100, 250, 300, 5000).since == moment(250)


def test_one_failure_may_be_enough() -> None:
    assert after(0, failures=1).flapping


def test_it_can_be_turned_off() -> None:
    assert after(0, 1, 2, 3, failures=0) == Flaps()
    assert failed(after(0, 1, 2), moment(3), 0, WINDOW) == Flaps()


# --- out --------------------------------------------------------------------------------------------------------------


def test_a_path_is_steady_after_a_whole_window_of_being_up() -> None:
    flaps = looked(after(0, 100, 250), moment(300), WINDOW)
    assert next_look(flaps, WINDOW) == moment(900).monotonic
    assert looked(flaps, moment(899.9), WINDOW) is flaps
    assert looked(flaps, moment(900), WINDOW) == Flaps()


def test_the_window_starts_when_the_path_is_back_and_not_when_it_failed() -> None:
    flaps = after(0, 100, 250)
    assert next_look(flaps, WINDOW) is None, "it is out, and may stay so for hours"
    assert looked(flaps, moment(4000), WINDOW).flapping


def test_another_failure_starts_the_window_again() -> None:
    flaps = looked(after(0, 100, 250), moment(300), WINDOW)
    flaps = failed(flaps, moment(890), FAILURES, WINDOW)
    assert flaps.flapping
    assert next_look(flaps, WINDOW) is None
    flaps = looked(flaps, moment(895), WINDOW)
    assert next_look(flaps, WINDOW) == moment(1495).monotonic


def test_one_failure_after_it_is_no_flapping() -> None:
    flaps = looked(looked(after(0, 100, 250), moment(300), WINDOW), moment(900), WINDOW)
    assert not failed(flaps, moment(901), FAILURES, WINDOW).flapping


def test_a_path_that_does_not_flap_is_not_looked_at() -> None:
    flaps = after(0, 100)
    assert looked(flaps, moment(200), WINDOW) is flaps
    assert next_look(flaps, WINDOW) is None


def test_the_wall_clock_may_be_set_meanwhile() -> None:
    flaps = after(0, 100, 250)
    flaps = looked(flaps, Instant(moment(300).monotonic, 0.0), WINDOW)
    assert looked(flaps, Instant(moment(899).monotonic, 9e9), WINDOW).flapping


# --- whatever comes ---------------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0.0, 900.0)), max_size=60),
    st.integers(0, 6),
    st.sampled_from([1.0, 60.0, 600.0]),
)
def test_it_flaps_from_the_nth_failure_in_a_window_until_a_window_of_being_up(
    story: list[tuple[bool, float]], failures: int, window: float
) -> None:
    flaps, now, back = Flaps(), 0.0, None
    fell: list[float] = []
    flapping = False
    for is_failure, pause in story:
        now += pause
        if is_failure:
            fell.append(now)
            back = None
            flaps = failed(flaps, Instant(now, 0.0), failures, window)
            flapping = failures > 0 and (flapping or sum(now - then <= window for then in fell) >= failures)
        else:
            back = now if back is None else back
            due = next_look(flaps, window)
            flaps = looked(flaps, Instant(now, 0.0), window)
            if flapping and now >= back + window:
                assert due is not None
                assert now >= due
                flapping, fell = False, []
        assert flaps.flapping is flapping
        assert len(flaps.instants) <= failures, "no more is remembered than is needed"
        assert (next_look(flaps, window) is None) is not (flapping and back is not None)


@given(st.lists(st.floats(allow_nan=False), max_size=20), st.integers(-1, 5), st.floats(0.0, 1e9))
def test_no_clock_breaks_it(instants: list[float], failures: int, window: float) -> None:
    flaps = Flaps()
    for second in instants:
        flaps = looked(failed(flaps, Instant(second, 0.0), failures, window), Instant(second, 0.0), window)
        assert len(flaps.instants) <= max(0, failures)

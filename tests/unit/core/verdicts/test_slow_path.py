"""Which path of a map is slow by its round trip, and how an entry reports a slow path and a flapping one."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.alerting.messages.steadiness import path_flapping, path_slow, path_steady
from mpathd_watch.core.catalog.alerts import AlertKind
from mpathd_watch.core.model.views import Place
from mpathd_watch.core.model.vocabulary import Health
from mpathd_watch.core.state import MapState, PathState, PathVerdict, frozen
from mpathd_watch.core.verdicts.comparison import Comparison, Measure
from mpathd_watch.core.verdicts.flapping import Flaps, failed, looked
from mpathd_watch.core.verdicts.io_latency import Latency
from mpathd_watch.core.verdicts.slow_path import (
    EXCESS,
    FORGET,
    INTERVAL,
    STREAK,
    WELL,
    WORSE,
    Reading,
    Slowness,
    Trend,
    alike,
    compare_round_trips,
)
from tests.factories import with_changes
from tests.story import moment


class Map:
    """The paths of a map, each through a session of its own unless given otherwise, comparison by comparison."""

    def __init__(self, *labels: str, sessions: Sequence[str] = ()) -> None:
        self.sessions = dict(zip(labels, sessions or labels, strict=True))
        self.usable = dict.fromkeys(labels, True)
        self.found: Mapping[str, Trend] = {}

    def look(self, **rtt: float | None) -> Map:
        """Compare the paths, with these round trips."""
        readings = [
            Reading(label, self.usable[label], rtt.get(label), session) for label, session in self.sessions.items()
        ]
        self.found = compare_round_trips(self.found, readings)
        return self

    def slow(self) -> set[str]:
        """The paths that stand out."""
        return {label for label, trend in self.found.items() if trend.slow}


def slow_map() -> Map:
    """A map whose path ``b`` has just been found slow."""
    san = Map("a", "b")
    for _ in range(STREAK):
        san.look(a=0.0003, b=0.2)
    assert san.slow() == {"b"}
    return san


def test_a_path_is_slow_after_a_minute_of_it_and_for_a_minute_of_being_well() -> None:
    san = Map("a", "b", "c")
    for comparison in range(STREAK):
        assert san.slow() == set(), comparison
        san.look(a=0.0003, b=0.060, c=0.0003)
    assert san.slow() == {"b"}
    assert san.found["b"].compared == Comparison(Measure.ROUND_TRIP, 0.060, 0.0003, 60.0)
    for _ in range(STREAK):
        assert san.slow() == {"b"}
        san.look(a=0.0003, b=0.001, c=0.0003)
    assert san.slow() == set()
    assert san.found["b"].compared == Comparison(Measure.ROUND_TRIP, 0.001, 0.0003, 60.0)
    assert san.look(a=0.0003, b=0.001, c=0.0003).found["b"].compared is None
    assert STREAK * INTERVAL == 60


@pytest.mark.parametrize("seconds", [0.01, 0.04, 0.06, 0.09])
def test_the_median_is_that_of_the_others_wherever_a_path_stands_among_them(seconds: float) -> None:
    san = Map("a", "b", "c", "d")
    for _ in range(STREAK):
        san.look(a=0.03, b=0.48, c=0.05, d=0.08)
    assert san.found["b"].compared == Comparison(Measure.ROUND_TRIP, 0.48, 0.05, 60.0)
    san.look(a=0.03, b=seconds, c=0.05, d=0.08)
    assert san.found["b"].compared == Comparison(Measure.ROUND_TRIP, seconds, 0.05, 60.0)


@pytest.mark.parametrize(
    ("rtt", "siblings", "slow", "ends"),
    [
        (0.1501, 0.05, True, False),
        (0.1499, 0.05, False, False),
        (0.0454, 0.0003, True, False),
        (0.041, 0.0003, False, False),
        (0.022, 0.0003, False, True),
        (0.11, 0.06, False, True),
    ],
)
def test_the_bounds(rtt: float, siblings: float, *, slow: bool, ends: bool) -> None:
    san = Map("a", "b")
    for _ in range(STREAK):
        san.look(a=siblings, b=rtt)
    assert (san.slow() == {"b"}) is slow
    san = slow_map()
    for _ in range(STREAK):
        san.look(a=siblings, b=rtt)
    assert (san.slow() == set()) is ends
    assert WELL < WORSE
    assert EXCESS > 0.040


def test_one_good_comparison_breaks_the_streak() -> None:
    san = Map("a", "b")
    for comparison in range(4 * STREAK):
        assert san.look(a=0.0003, b=0.0003 if comparison % STREAK == 0 else 0.2).slow() == set()


def test_a_lull_breaks_no_streak_and_ends_no_verdict() -> None:
    san = Map("a", "b")
    for _ in range(STREAK):
        san.look(a=0.0003, b=0.2)
        if not san.slow():
            san.look()
    assert san.slow() == {"b"}
    for _ in range(FORGET - 1):
        san.look()
    assert san.slow() == {"b"}
    san.look(a=0.0003, b=0.2)
    for _ in range(FORGET - 1):
        san.look()
    assert san.slow() == {"b"}
    assert san.look().slow() == set()
    assert FORGET * INTERVAL == 300


def test_a_streak_is_forgotten_with_time_too() -> None:
    san = Map("a", "b")
    for _ in range(STREAK - 1):
        san.look(a=0.0003, b=0.2)
    for _ in range(FORGET):
        san.look()
    assert san.look(a=0.0003, b=0.2).slow() == set()


def test_a_path_that_is_not_usable_any_more_is_not_slow_any_more() -> None:
    san = slow_map()
    san.usable["b"] = False
    assert san.look(a=0.0003, b=0.2).found["b"] == Trend()


def test_a_sibling_that_is_not_usable_is_no_measure() -> None:
    san = Map("a", "b", "c")
    san.usable["a"] = False
    for _ in range(2 * STREAK):
        assert san.look(a=0.0003, b=0.2, c=0.19).slow() == set()


def test_paths_of_one_session_are_no_measure_of_each_others_round_trip() -> None:
    san = Map("a", "b", sessions=["one", "one"])
    for _ in range(2 * STREAK):
        assert san.look(a=0.0002, b=0.2).slow() == set()


def test_a_session_is_slow_with_all_its_paths_and_has_one_vote() -> None:
    san = Map("a", "b", "c", "d", sessions=["one", "one", "one", "two"])
    for _ in range(STREAK):
        san.look(a=0.2, b=0.2, c=0.2, d=0.0002)
    assert san.slow() == {"a", "b", "c"}


@pytest.mark.parametrize("rtt", [None, float("nan"), float("inf")])
def test_a_round_trip_that_nobody_knows_is_no_measure(rtt: float | None) -> None:
    san = Map("a", "b", sessions=["one", "two"])
    for _ in range(2 * STREAK):
        assert san.look(a=0.2, b=rtt).slow() == set()


def test_without_a_session_there_is_no_round_trip() -> None:
    san = Map("a", "b", sessions=["", "two"])
    for _ in range(2 * STREAK):
        assert san.look(a=0.2, b=0.0002).slow() == set()


def test_the_latency_is_reported_first_and_the_other_while_it_lasts() -> None:
    latency, rtt = (Comparison(measure, 0.2, 0.01, 30.0) for measure in Measure)
    slow, trend = Latency(slow=True, compared=latency), Trend(slow=True, compared=rtt)
    assert Slowness(slow, trend).compared == latency
    assert Slowness(Latency(compared=latency), trend).compared == rtt
    assert Slowness(Latency(compared=latency), Trend()).compared == latency
    assert Slowness(Latency(), Trend(compared=rtt)).compared == rtt
    assert Slowness().compared is None


# --- whatever comes ---------------------------------------------------------------------------------------------------

READINGS = st.lists(
    st.builds(
        Reading,
        st.sampled_from("abcdef"),
        st.booleans(),
        st.none() | st.floats(0.0, 1.0),
        st.sampled_from(["", "one", "two", "three"]),
    ),
    max_size=6,
    unique_by=lambda reading: reading.label,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(READINGS, max_size=12), st.randoms(use_true_random=False))
def test_nothing_raises_and_the_order_shows_nothing(looks: list[list[Reading]], chance: random.Random) -> None:
    found: dict[str, Trend] = {}
    for readings in looks:
        after = compare_round_trips(found, readings)
        assert after == compare_round_trips(found, chance.sample(readings, len(readings)) if readings else [])
        assert set(after) == {reading.label for reading in readings}
        for reading in readings:
            trend = after[reading.label]
            assert reading.usable or trend == Trend()
            assert trend.compared or not trend.slow, "a slow path has been seen to be slow"
        found = after


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.floats(0.02, 0.058), min_size=5, max_size=5), min_size=10, max_size=25))
def test_equal_paths_are_never_slow_whatever_the_noise(noise: list[list[float]]) -> None:
    san = Map(*"abcde")
    for window in noise:
        assert san.look(**dict(zip("abcde", window, strict=True))).slow() == set()


# --- the entries ------------------------------------------------------------------------------------------------------


def known(**changes: Any) -> tuple[MapState, PathState]:
    """A map of two paths, and the second."""
    up = PathVerdict(moment(0), Health.UP)
    first = PathState("192.168.1.1:3260", up, Place("sda"))
    path = PathState("192.168.2.1:3260", up, Place("sdb", nexus="s", portal="192.168.2.1:3260"))
    path = with_changes(path, **changes)
    paths = frozen({first.label: first, path.label: path})
    return MapState("36000mpio", "mpio", "mpio", "dm-0", moment(0), paths=paths), path


def flaps(*seconds: float) -> Flaps:
    """The flaps of a path that failed at these seconds."""
    found = Flaps()
    for second in seconds:
        found = failed(found, moment(second), 3, 600.0)
    return found


@settings(max_examples=300)
@given(
    st.lists(st.none() | st.floats(0.0, 0.1) | st.sampled_from([0.0, EXCESS, 2 * EXCESS, float("nan"), float("inf")]))
)
def test_what_is_alike_needs_no_comparison(round_trips: list[float | None]) -> None:
    readings = [Reading(str(number), True, rtt, f"s{number}") for number, rtt in enumerate(round_trips)]
    found = compare_round_trips({}, readings)
    if alike(round_trips):
        assert all(trend == Trend() for trend in found.values())
    known = [rtt for rtt in round_trips if rtt in (0.0, EXCESS)]
    if len(known) == len(round_trips) and len(set(known)) > 1:
        assert not alike(round_trips)


def test_a_flapping_path_is_reported_with_count_and_window() -> None:
    alert = path_flapping(*known(flaps=flaps(0, 100, 250), health=Health.STALLED), moment(250), 600.0)
    assert alert.kind is AlertKind.PATH_FLAPPING
    assert alert.priority is AlertKind.PATH_FLAPPING.value.priority
    assert alert.message == (
        "mpio: path 192.168.2.1:3260 (sdb) is flapping: it failed 3 times within 4 min 10 s; its single failures have "
        "priority info until it has been up for 10 min. 1 of 2 paths usable."
    )
    assert alert.fields["FAILURES"] == "3"
    assert alert.fields["WITHIN_SEC"] == "250.000"
    assert alert.fields["HEALTH"] == "stalled"


def test_a_flapping_path_of_which_nothing_is_remembered_is_reported_all_the_same() -> None:
    assert "failed 0 times within 0.0 s; " in path_flapping(*known(), moment(0), 3600.0).message
    assert "been up for 1 h. " in path_flapping(*known(), moment(0), 3600.0).message


@pytest.mark.parametrize(
    ("compared", "told"),
    [
        (
            Comparison(Measure.LATENCY, 0.048, 0.0031, 7.04, 350),
            "its I/O takes 48.0 ms on average, that of its siblings 3.1 ms, over 7.0 s and 350 I/Os",
        ),
        (
            Comparison(Measure.ROUND_TRIP, 1.25, 0.0002, 60.0),
            "its TCP round trip takes 1.2 s, that of its siblings 0.2 ms, over 1 min",
        ),
    ],
)
def test_a_slow_path_is_reported_with_its_measure(compared: Comparison, told: str) -> None:
    alert = path_slow(*known(), Slowness(Latency(slow=True, compared=compared)))
    assert alert.kind is AlertKind.PATH_SLOW
    assert alert.priority is AlertKind.PATH_SLOW.value.priority
    assert alert.message == (f"mpio: path 192.168.2.1:3260 (sdb) is slow: {told}. 2 of 2 paths usable.")
    assert alert.fields["MEASURE"] == compared.measure.value
    assert float(alert.fields["VALUE_SEC"]) == compared.value
    assert float(alert.fields["SIBLINGS_SEC"]) == compared.siblings
    assert float(alert.fields["COMPARED_SEC"]) == compared.seconds
    assert alert.fields.get("COMPARED_IOS") == (str(compared.ios) if compared.ios else None)
    assert alert.fields["PORTAL"] == "192.168.2.1:3260"


def test_the_end_of_flapping_is_reported() -> None:
    was = looked(flaps(0, 100, 250), moment(300), 600.0)
    alert = path_steady(*known(), moment(900), what=was)
    assert alert.kind is AlertKind.PATH_STEADY
    assert alert.priority is AlertKind.PATH_STEADY.value.priority
    assert alert.message == (
        "mpio: path 192.168.2.1:3260 (sdb) no longer flaps after 10 min 50 s: it has been up for 10 min without "
        "a failure. 2 of 2 paths usable."
    )
    assert alert.fields["ENDED"] == "path_flapping"


def test_the_end_of_what_never_was_is_reported_too() -> None:
    alert = path_steady(*known(), moment(900), what=Flaps())
    assert "no longer flaps: it has been up for 0.0 s" in alert.message


def test_the_end_of_slowness_is_reported() -> None:
    compared = Comparison(Measure.LATENCY, 0.004, 0.003, 55.0, 1100)
    alert = path_steady(*known(), moment(900), what=Slowness(Latency(compared=compared)))
    assert alert.message == (
        "mpio: path 192.168.2.1:3260 (sdb) is no longer slow: its I/O takes 4.0 ms on average, that of its siblings "
        "3.0 ms, over 55.0 s and 1100 I/Os. 2 of 2 paths usable."
    )
    assert alert.fields["ENDED"] == "path_slow"
    assert alert.fields["VALUE_SEC"] == "0.004000"


def test_a_verdict_that_was_dropped_is_not_reported_as_a_recovery() -> None:
    alert = path_steady(*known(), moment(900), what=Slowness())
    assert "is no longer reported as slow: for 5 min there was nothing to compare it with. " in alert.message
    assert "VALUE_SEC" not in alert.fields

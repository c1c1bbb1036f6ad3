"""Which path of a map is slow, in what, and how an entry says so."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.alerting.messages.steadiness import path_flapping, path_slow, path_steady
from mpathd_watch.core.catalog.alerts import AlertKind
from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.core.model.views import Place
from mpathd_watch.core.model.vocabulary import Health
from mpathd_watch.core.state import MapState, PathState, PathVerdict, frozen
from mpathd_watch.core.verdicts.flapping import Flaps, failed, looked
from mpathd_watch.core.verdicts.slow_path import (
    ENOUGH,
    FORGET,
    INTERVAL,
    STREAK,
    WELL,
    WORSE,
    Comparison,
    Measure,
    Reading,
    Slowness,
    evaluate,
    in_window,
)
from tests.factories import with_changes
from tests.story import moment

NOTHING = IoFacts(0, 0, 0, 0)


class Map:
    """The paths of a map, each through a session of its own unless given otherwise, window by window."""

    def __init__(self, *labels: str, sessions: Sequence[str] = ()) -> None:
        self.totals = dict.fromkeys(labels, NOTHING)
        self.sessions = dict(zip(labels, sessions or labels, strict=True))
        self.usable = dict.fromkeys(labels, True)
        self.found: dict[str, Slowness] = {}
        self.before: dict[str, Slowness] = {}
        self.look()

    def look(self, rtt: Mapping[str, float | None] = frozen({}), /, **ms: tuple[int, int]) -> Mapping[str, Slowness]:
        """A window in which the paths named in ``ms`` did so many I/Os of so many milliseconds each."""
        for label, (ios, each) in ms.items():
            was = self.totals[label]
            reads = ios // 2
            self.totals[label] = IoFacts(
                was.reads + reads,
                was.read_ms + reads * each,
                was.writes + ios - reads,
                was.write_ms + (ios - reads) * each,
            )
        self.before = self.found
        self.found = evaluate(self.before, [self.reading(label, rtt.get(label)) for label in self.totals])
        return self.found

    def reading(self, label: str, rtt: float | None) -> Reading:
        """What is known of the path now."""
        return Reading(label, self.usable[label], self.totals[label], rtt, self.sessions[label])

    def latency(self, label: str) -> float | None:
        """The seconds that one I/O of the path took in the last window."""
        return in_window(self.before[label].io, self.totals[label])[1]

    def slow(self) -> set[str]:
        """The paths that stand out."""
        return {label for label, slowness in self.found.items() if slowness.slow}


def slow_map() -> Map:
    """A map whose path ``b`` has just been found slow."""
    san = Map("a", "b")
    for _ in range(STREAK):
        san.look(a=(100, 3), b=(100, 48))
    assert san.slow() == {"b"}
    return san


# --- latency ----------------------------------------------------------------------------------------------------------


def test_a_path_is_slow_after_a_minute_of_it_and_not_before() -> None:
    san = Map("a", "b", "c")
    for window in range(STREAK):
        assert san.slow() == set(), window
        san.look(a=(100, 3), b=(100, 48), c=(100, 5))
    assert san.slow() == {"b"}
    assert san.found["b"].compared == Comparison(Measure.LATENCY, 0.048, 0.004)
    assert san.latency("b") == 0.048
    assert STREAK * INTERVAL == 60


@pytest.mark.parametrize("each", [1, 4, 6, 9])
def test_the_median_is_that_of_the_others_wherever_a_path_stands_among_them(each: int) -> None:
    san = Map("a", "b", "c", "d")
    for _ in range(STREAK):
        san.look(a=(100, 3), b=(100, 48), c=(100, 5), d=(100, 8))
    assert san.found["b"].compared == Comparison(Measure.LATENCY, 0.048, 0.005)
    for _ in range(STREAK):
        san.look(a=(100, 3), b=(100, each), c=(100, 5), d=(100, 8))
    assert san.found["b"].compared == Comparison(Measure.LATENCY, each / 1000, 0.005)


def test_a_path_is_slow_no_longer_after_a_minute_of_being_well() -> None:
    san = slow_map()
    for window in range(STREAK):
        assert san.slow() == {"b"}, window
        san.look(a=(100, 3), b=(100, 4))
    assert san.slow() == set()
    assert san.found["b"].compared == Comparison(Measure.LATENCY, 0.004, 0.003)
    san.look(a=(100, 3), b=(100, 4))
    assert san.found["b"].compared is None


def test_one_good_window_breaks_the_streak() -> None:
    san = Map("a", "b")
    for window in range(4 * STREAK):
        san.look(a=(100, 3), b=(100, 3 if window % STREAK == 0 else 48))
        assert san.slow() == set()


def test_a_path_on_the_edge_stays_what_it_is() -> None:
    san = Map("a", "b")
    for _ in range(2 * STREAK):
        san.look(a=(100, 10), b=(100, 25))
    assert san.slow() == set()
    san = slow_map()
    for _ in range(2 * STREAK):
        san.look(a=(100, 10), b=(100, 25))
    assert san.slow() == {"b"}
    assert san.found["b"].compared == Comparison(Measure.LATENCY, 0.025, 0.010)


def test_what_is_fast_for_people_is_not_slow_however_much_faster_the_others_are() -> None:
    san = Map("a", "b")
    for _ in range(2 * STREAK):
        san.look(a=(100, 0), b=(100, 4))
    assert san.slow() == set()


@pytest.mark.parametrize(
    ("comparison", "worse", "well"),
    [
        (Comparison(Measure.LATENCY, 0.015, 0.005), True, False),
        (Comparison(Measure.LATENCY, 0.0149, 0.005), False, False),
        (Comparison(Measure.LATENCY, 0.006, 0.001), True, False),
        (Comparison(Measure.LATENCY, 0.0055, 0.001), False, False),
        (Comparison(Measure.LATENCY, 0.0034, 0.001), False, True),
        (Comparison(Measure.LATENCY, 0.019, 0.010), False, True),
        (Comparison(Measure.ROUND_TRIP, 0.041, 0.0003), False, False),
        (Comparison(Measure.ROUND_TRIP, 0.0454, 0.0003), True, False),
        (Comparison(Measure.ROUND_TRIP, 0.022, 0.0003), False, True),
    ],
)
def test_the_bounds(comparison: Comparison, *, worse: bool, well: bool) -> None:
    assert (comparison.worse, comparison.well) == (worse, well)


def test_the_way_out_is_not_the_way_in() -> None:
    assert WELL < WORSE


# --- windows that show nothing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((100, 3), (ENOUGH - 1, 48)),
        ((ENOUGH - 1, 3), (100, 48)),
        ((0, 0), (100, 48)),
        ((0, 0), (0, 0)),
    ],
    ids=["too little on the path", "too little on its sibling", "standby", "idle"],
)
def test_too_little_io_shows_nothing(a: tuple[int, int], b: tuple[int, int]) -> None:
    san = Map("a", "b")
    for _ in range(2 * STREAK):
        san.look(a=a, b=b)
    assert san.slow() == set()


def test_enough_io_shows() -> None:
    san = Map("a", "b")
    for _ in range(STREAK):
        san.look(a=(ENOUGH, 3), b=(ENOUGH, 48))
    assert san.slow() == {"b"}


def test_a_lull_breaks_no_streak_and_ends_no_verdict() -> None:
    san = Map("a", "b")
    for _ in range(STREAK):
        san.look(a=(100, 3), b=(100, 48))
        if san.slow():
            break
        san.look()
    assert san.slow() == {"b"}
    for _ in range(FORGET - 1):
        san.look()
    assert san.slow() == {"b"}
    assert san.latency("b") is None
    san.look(a=(100, 3), b=(100, 48))
    for _ in range(FORGET - 1):
        san.look()
    assert san.slow() == {"b"}


def test_a_verdict_that_nobody_can_check_is_dropped_in_the_end() -> None:
    san = slow_map()
    for _ in range(FORGET):
        assert san.slow() == {"b"}
        san.look()
    assert san.slow() == set()
    assert san.found["b"].compared is None
    assert san.found["b"].by_latency.streak == 0


def test_a_streak_is_forgotten_with_time_too() -> None:
    san = Map("a", "b")
    for _ in range(STREAK - 1):
        san.look(a=(100, 3), b=(100, 48))
    for _ in range(FORGET):
        san.look()
    san.look(a=(100, 3), b=(100, 48))
    assert san.slow() == set()


def test_a_path_that_is_not_usable_any_more_is_not_slow_any_more() -> None:
    san = slow_map()
    san.usable["b"] = False
    san.look(a=(100, 3), b=(100, 48))
    assert san.found["b"] == Slowness()
    san.usable["b"] = True
    san.look(a=(100, 3), b=(100, 48))
    assert san.latency("b") is None, "what it did while it was out is in no window"
    assert san.found["b"].io == san.totals["b"]


def test_a_sibling_that_is_not_usable_is_no_measure() -> None:
    san = Map("a", "b", "c")
    san.usable["a"] = False
    for _ in range(2 * STREAK):
        san.look(a=(100, 3), b=(100, 48), c=(100, 40))
    assert san.slow() == set()


def test_the_last_usable_path_keeps_its_verdict_for_five_minutes() -> None:
    san = slow_map()
    san.usable["a"] = False
    for _ in range(FORGET - 1):
        san.look(b=(100, 48))
    assert san.slow() == {"b"}
    san.look(b=(100, 48))
    assert san.slow() == set()
    assert FORGET * INTERVAL == 300


def test_counters_that_step_back_show_nothing_of_that_window() -> None:
    san = slow_map()
    san.totals["b"] = IoFacts(10_000, 10, 10_000, 1 << 32)
    san.look()
    assert san.latency("b") is None
    san.totals["b"] = NOTHING
    san.look(b=(100, 48))
    assert san.latency("b") is None
    san.look(b=(100, 48))
    assert san.latency("b") == 0.048


def test_a_disk_that_cannot_be_read_for_once_leaves_its_totals() -> None:
    before = {"a": Slowness(io=NOTHING)}
    unread = evaluate(before, [Reading("a", usable=True, io=None, rtt=None, nexus="a")])
    assert unread["a"] == Slowness(io=NOTHING)
    read = evaluate(unread, [Reading("a", usable=True, io=IoFacts(1, 2, 1, 4), rtt=None, nexus="a")])
    assert read["a"].io == IoFacts(1, 2, 1, 4)
    assert in_window(unread["a"].io, read["a"].io) == (2, 0.003)


@pytest.mark.parametrize("took", [1 << 34, 10**400])
def test_no_kernel_counts_so_fast(took: int) -> None:
    assert in_window(NOTHING, IoFacts(100, took, 0, 0)) == (0, None)


# --- the round trip ---------------------------------------------------------------------------------------------------


def test_the_round_trip_shows_where_there_is_no_io() -> None:
    san = Map("a", "b", "c")
    for window in range(STREAK):
        assert san.slow() == set(), window
        san.look({"a": 0.0003, "b": 0.060, "c": 0.0003})
    assert san.slow() == {"b"}
    assert san.found["b"].compared == Comparison(Measure.ROUND_TRIP, 0.060, 0.0003)
    for _ in range(STREAK):
        assert san.slow() == {"b"}
        san.look({"a": 0.0003, "b": 0.001, "c": 0.0003})
    assert san.slow() == set()


def test_a_target_that_acknowledges_with_its_answer_is_not_slow() -> None:
    san = Map("a", "b")
    for _ in range(2 * STREAK):
        san.look({"a": 0.0002, "b": 0.0401}, b=(500, 40))
    assert san.slow() == set()


def test_paths_of_one_session_are_no_measure_of_each_others_round_trip() -> None:
    san = Map("a", "b", sessions=["one", "one"])
    for _ in range(2 * STREAK):
        san.look({"a": 0.0002, "b": 0.2})
    assert san.slow() == set()


def test_a_session_is_slow_with_all_its_paths_and_has_one_vote() -> None:
    san = Map("a", "b", "c", "d", sessions=["one", "one", "one", "two"])
    for _ in range(STREAK):
        san.look({"a": 0.2, "b": 0.2, "c": 0.2, "d": 0.0002})
    assert san.slow() == {"a", "b", "c"}


@pytest.mark.parametrize("rtt", [None, float("nan"), float("inf")])
def test_a_round_trip_that_nobody_knows_is_no_measure(rtt: float | None) -> None:
    san = Map("a", "b", sessions=["one", "two"])
    for _ in range(2 * STREAK):
        san.look({"a": 0.2, "b": rtt})
    assert san.slow() == set()


def test_without_a_session_there_is_no_round_trip() -> None:
    san = Map("a", "b", sessions=["", "two"])
    for _ in range(2 * STREAK):
        san.look({"a": 0.2, "b": 0.0002})
    assert san.slow() == set()


def test_the_latency_is_reported_first_and_the_other_while_it_lasts() -> None:
    san = Map("a", "b")
    for _ in range(STREAK):
        san.look({"a": 0.0002, "b": 0.2}, a=(100, 3), b=(100, 200))
    compared = san.found["b"].compared
    assert compared
    assert compared.measure is Measure.LATENCY
    for _ in range(STREAK):
        san.look({"a": 0.0002, "b": 0.2}, a=(100, 3), b=(100, 3))
    assert san.slow() == {"b"}
    compared = san.found["b"].compared
    assert compared
    assert compared.measure is Measure.ROUND_TRIP


# --- whatever comes ---------------------------------------------------------------------------------------------------

TOTAL = st.integers(0, 1 << 34)
IOS = st.none() | st.builds(IoFacts, TOTAL, TOTAL, TOTAL, TOTAL)
RTTS = st.none() | st.floats(0.0, 1.0)
READINGS = st.lists(
    st.builds(
        Reading, st.sampled_from("abcdef"), st.booleans(), IOS, RTTS, st.sampled_from(["", "one", "two", "three"])
    ),
    max_size=6,
    unique_by=lambda reading: reading.label,
)


@settings(max_examples=60)
@given(st.lists(READINGS, max_size=12), st.randoms(use_true_random=False))
def test_nothing_raises_and_the_order_shows_nothing(looks: list[list[Reading]], chance: random.Random) -> None:
    found: dict[str, Slowness] = {}
    for readings in looks:
        shuffled = list(readings)
        chance.shuffle(shuffled)
        after = evaluate(found, readings)
        assert after == evaluate(found, shuffled)
        assert set(after) == {reading.label for reading in readings}
        for reading in readings:
            slowness = after[reading.label]
            assert reading.usable or slowness == Slowness()
            assert slowness.compared or not slowness.slow, "a slow path has been seen to be slow"
        found = after


@settings(max_examples=60)
@given(
    st.integers(2, 5),
    st.integers(1, 50),
    st.lists(st.lists(st.floats(1.0, 2.9), min_size=5, max_size=5), min_size=10, max_size=25),
)
def test_equal_paths_are_never_slow_whatever_the_noise(paths: int, each: int, noise: list[list[float]]) -> None:
    labels = "abcde"[:paths]
    san = Map(*labels)
    for window in noise:
        factors = dict(zip(labels, window, strict=False))
        san.look(
            {label: each / 1000 * factor for label, factor in factors.items()},
            **{label: (1000, int(100 * each * factor)) for label, factor in factors.items()},
        )
        assert san.slow() == set()


@settings(max_examples=40)
@given(
    st.integers(2, 5),
    st.integers(1, 50),
    st.sampled_from(list(Measure)),
    st.lists(st.floats(0.8, 1.25), min_size=5, max_size=5),
)
def test_ten_times_as_slow_is_found_within_a_minute_and_left_within_one(
    paths: int, each: int, measure: Measure, noise: list[float]
) -> None:
    labels = "abcde"[:paths]
    san = Map(*labels)
    usual = {label: 10 * each * factor for label, factor in zip(labels, noise, strict=False)}

    def look(factor: float) -> None:
        now = {label: took * (factor if label == "a" else 1) for label, took in usual.items()}
        if measure is Measure.LATENCY:
            san.look(**{label: (1000, int(took)) for label, took in now.items()})
        else:
            san.look({label: took / 1000 for label, took in now.items()})

    for _ in range(STREAK):
        look(10)
    assert san.slow() == {"a"}
    compared = san.found["a"].compared
    assert compared
    assert compared.measure is measure
    for _ in range(STREAK):
        look(1)
    assert san.slow() == set()


@settings(max_examples=40)
@given(st.lists(st.tuples(IOS, RTTS), max_size=20))
def test_the_only_path_of_a_map_is_never_slow(looks: list[tuple[IoFacts | None, float | None]]) -> None:
    found: dict[str, Slowness] = {}
    for io, rtt in looks:
        found = evaluate(found, [Reading("a", usable=True, io=io, rtt=rtt, nexus="one")])
        assert not found["a"].slow


def test_many_paths_have_the_median_of_the_others() -> None:
    labels = [f"p{number}" for number in range(7)]
    san = Map(*labels)
    for _ in range(STREAK):
        san.look(**{label: (100, took) for label, took in zip(labels, (10, 20, 30, 40, 50, 60, 120), strict=True)})
    assert san.slow() == {"p6"}
    assert san.found["p6"].compared == Comparison(Measure.LATENCY, 0.120, 0.035)


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
            Comparison(Measure.LATENCY, 0.048, 0.0031),
            "its I/O takes 48.0 ms on average, that of its siblings 3.1 ms",
        ),
        (
            Comparison(Measure.ROUND_TRIP, 1.25, 0.0002),
            "its TCP round trip takes 1.2 s, that of its siblings 0.2 ms",
        ),
    ],
)
def test_a_slow_path_is_reported_with_its_measure(compared: Comparison, told: str) -> None:
    standing = replace(Slowness().by_latency, slow=True, compared=compared)
    alert = path_slow(*known(), Slowness(by_latency=standing))
    assert alert.kind is AlertKind.PATH_SLOW
    assert alert.priority is AlertKind.PATH_SLOW.value.priority
    assert alert.message == (
        f"mpio: path 192.168.2.1:3260 (sdb) is slow: {told}, for about 1 min. 2 of 2 paths usable."
    )
    assert alert.fields["MEASURE"] == compared.measure.value
    assert float(alert.fields["VALUE_SEC"]) == compared.value
    assert float(alert.fields["SIBLINGS_SEC"]) == compared.siblings
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
    san = slow_map()
    for _ in range(STREAK):
        san.look(a=(100, 3), b=(100, 4))
    alert = path_steady(*known(), moment(900), what=san.found["b"])
    assert alert.message == (
        "mpio: path 192.168.2.1:3260 (sdb) is no longer slow: its I/O takes 4.0 ms on average, that of its siblings "
        "3.0 ms. 2 of 2 paths usable."
    )
    assert alert.fields["ENDED"] == "path_slow"
    assert alert.fields["VALUE_SEC"] == "0.004000"


def test_a_verdict_that_was_dropped_is_not_reported_as_a_recovery() -> None:
    alert = path_steady(*known(), moment(900), what=Slowness())
    assert "is no longer reported as slow: for 5 min there was nothing to compare it with. " in alert.message
    assert "VALUE_SEC" not in alert.fields

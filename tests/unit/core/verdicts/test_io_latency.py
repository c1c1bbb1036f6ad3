"""When the I/O of a path counts as slow: single windows, the evidence of several, and when a window ends."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.core.verdicts import io_latency
from mpathd_watch.core.verdicts.comparison import Comparison, Measure
from mpathd_watch.core.verdicts.io_latency import (
    ENOUGH,
    EXCESS,
    FEW,
    FORGET,
    LONGEST,
    ODD,
    SECONDS,
    SLOW,
    STARK,
    STARK_EXCESS,
    STEADY_SECONDS,
    WINDOW,
    WORSE,
    Finding,
    Grade,
    Latency,
    Reading,
    in_window,
    judge,
)

NOTHING = IoFacts(0, 0, 0, 0)
COUNT = int(io_latency.COUNT)
ROUND = 5.0


class Map:
    """The paths of a map, whose disks are read every five seconds, or at other intervals."""

    def __init__(self, *labels: str) -> None:
        self.totals: dict[str, IoFacts | None] = dict.fromkeys(labels, NOTHING)
        self.kin: dict[str, object] = {}
        self.retransmits: dict[str, int] = {}
        self.size: dict[str, int] = {}
        self.found: Mapping[str, Latency] = {}
        self.latencies: Mapping[str, float] | None = None
        self.now = 1000.0
        self.read(0)

    def read(self, seconds: float = ROUND, /, **ms: tuple[int, float]) -> Map:
        """The disks are read, after these paths did so many reads of so many milliseconds each."""
        for label, (ios, each) in ms.items():
            was = self.totals[label] or NOTHING
            self.totals[label] = replace(
                was,
                reads=was.reads + ios,
                read_ms=was.read_ms + round(ios * each),
                read_sectors=was.read_sectors + ios * self.size.get(label, 0),
            )
        return self.judged(seconds)

    def judged(self, seconds: float = ROUND) -> Map:
        """The disks are read."""
        self.now += seconds
        readings = {
            label: Reading(io, self.kin.get(label), self.retransmits.get(label, 0)) for label, io in self.totals.items()
        }
        self.found, self.latencies = judge(self.found, readings, self.now)
        return self

    def slow(self) -> set[str]:
        """The paths that are slow."""
        return {label for label, latency in self.found.items() if latency.slow}


def slow_map() -> Map:
    """A map whose path ``b`` has just been found slow."""
    san = Map("a", "b")
    for _ in range(4):
        san.read(a=(100, 3), b=(100, 103))
    assert san.slow() == {"b"}
    return san


# --- how much evidence it takes ---------------------------------------------------------------------------------------


def test_three_times_as_long_is_slow_after_five_windows() -> None:
    san = Map("a", "b")
    for window in range(COUNT):
        assert san.slow() == set(), window
        san.read(a=(500, 10), b=(500, 30))
    assert san.slow() == {"b"}
    assert san.found["b"].compared == Comparison(Measure.LATENCY, 0.030, 0.010, 25.0, 2500)
    assert san.found["b"].evidence is None


def test_ten_times_as_long_is_slow_after_one_window_and_three_short_ones() -> None:
    san = Map("a", "b").read(a=(500, 10), b=(500, 100))
    assert san.slow() == set()
    for _ in range(2):
        assert san.read(1.0, a=(100, 10), b=(100, 100)).slow() == set()
    assert san.read(1.0, a=(100, 10), b=(100, 100)).slow() == {"b"}
    assert san.found["b"].compared == Comparison(Measure.LATENCY, 0.100, 0.010, 8.0, 800)


def test_short_windows_alone_are_not_enough_for_less_than_six_seconds() -> None:
    san = Map("a", "b")
    for second in range(5):
        san.read(1.0, a=(100, 10), b=(100, 100))
        assert san.slow() == set(), second
    assert san.read(1.0, a=(100, 10), b=(100, 100)).slow() == {"b"}


def test_readings_that_follow_at_once_end_no_window() -> None:
    san = Map("a", "b")
    for _ in range(7):
        san.read(0.1, a=(100, 10), b=(100, 100))
        assert san.found["b"].evidence is None


def test_one_window_is_never_enough_however_long_it_is() -> None:
    assert Map("a", "b").read(60.0, a=(10_000, 1), b=(10_000, 2000)).slow() == set()


def test_a_path_is_not_slow_by_windows_that_are_worse_but_less_so_than_all_must_be() -> None:
    san = Map("a", "b")
    for _ in range(3 * COUNT):
        assert san.read(a=(500, 10), b=(500, 24)).slow() == set()
    assert san.found["b"].evidence
    for _ in range(2 * COUNT):
        san.read(a=(500, 10), b=(500, 30))
    assert san.slow() == {"b"}


def test_a_window_that_finds_it_well_drops_the_evidence() -> None:
    san = Map("a", "b")
    for window in range(4 * COUNT):
        san.read(a=(500, 10), b=(500, 10 if window % COUNT == 0 else 30))
        assert san.slow() == set()


def test_an_unclear_window_changes_nothing() -> None:
    san = Map("a", "b")
    for _ in range(COUNT - 1):
        san.read(a=(500, 10), b=(500, 30))
    before = san.found["b"].evidence
    san.read(10.0, a=(20, 10), b=(20, 30))
    assert san.found["b"].evidence == before
    assert san.read(a=(500, 10), b=(500, 30)).slow() == {"b"}


def test_windows_that_are_far_apart_are_not_in_a_row() -> None:
    san = Map("a", "b")
    for _ in range(3 * COUNT):
        assert san.read(a=(500, 10), b=(500, 30)).slow() == set()
        san.read(LONGEST, a=(500, 10))
    for _ in range(COUNT - 1):
        san.read(a=(500, 10), b=(500, 30))
    assert san.slow() == {"b"}, "the last one before counts"


def test_a_slow_path_is_well_again_after_a_minute() -> None:
    san = slow_map()
    began = san.now
    while san.slow():
        assert san.now - began < STEADY_SECONDS + ROUND
        san.read(a=(100, 3), b=(100, 4))
    assert san.now - began == 55.0
    compared = san.found["b"].compared
    assert compared
    assert compared.value == pytest.approx(0.004)
    assert compared.siblings == pytest.approx(0.003)
    assert (compared.seconds, compared.ios) == (55.0, 1100)
    san.read(a=(100, 3), b=(100, 4))
    assert san.found["b"].compared is None


def test_long_windows_do_not_end_it_with_less_than_five() -> None:
    san = slow_map()
    for window in range(COUNT):
        assert san.slow() == {"b"}, window
        san.read(30.0, a=(100, 3), b=(100, 4))
    assert san.slow() == set()


def test_one_bad_window_begins_that_minute_again() -> None:
    san = slow_map()
    for window in range(40):
        san.read(a=(500, 3), b=(500, 30 if window % 10 == 0 else 4))
        assert san.slow() == {"b"}
    assert san.found["b"].compared == Comparison(Measure.LATENCY, 0.004, 0.003, 5.0, 500)


# --- a single window --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("finding", "grade"),
    [
        (Finding(1000, STARK * 10.0, 10.0), Grade.STARK),
        (Finding(1000, STARK * 10.0 - 0.01, 10.0), Grade.WORSE),
        (Finding(1000, 1.0 + 1000 * STARK_EXCESS + ODD, 1.0), Grade.STARK),
        (Finding(1000, 1.0 + 1000 * STARK_EXCESS + ODD - 0.01, 1.0), Grade.WORSE),
        (Finding(1000, WORSE * 10.0, 10.0), Grade.WORSE),
        (Finding(1000, WORSE * 10.0 - 0.01, 10.0), Grade.WELL),
        (Finding(1000, 1.0 + 1000 * EXCESS + ODD, 1.0), Grade.WORSE),
        (Finding(1000, 1.0 + 1000 * EXCESS + ODD - 0.01, 1.0), Grade.UNCLEAR),
        (Finding(1000, 1.0 + 1000 * EXCESS / 2, 1.0), Grade.UNCLEAR),
        (Finding(1000, 1.0 + 1000 * EXCESS / 2 - 0.01, 1.0), Grade.WELL),
        (Finding(FEW, FEW * 0.5, 0.0), Grade.STARK),
        (Finding(FEW, FEW * STARK_EXCESS + ODD - 0.001, 0.0), Grade.UNCLEAR),
        (Finding(ENOUGH - 1, 0.0, 0.1), Grade.UNCLEAR),
        (Finding(ENOUGH, 0.0, 0.1), Grade.WELL),
        (Finding(ENOUGH, ODD + ENOUGH * EXCESS - 0.01, 0.0), Grade.UNCLEAR),
        (Finding(100, 20.0, 1.0, excused=5.0), Grade.STARK),
        (Finding(100, 5.0, 1.0, excused=5.0), Grade.WELL),
        (Finding(100, 6.5, 1.0, excused=1.5), Grade.WORSE),
    ],
)
def test_the_bounds_of_a_window(finding: Finding, grade: Grade) -> None:
    assert finding.grade is grade


def test_what_excuses_a_path_does_not_make_it_well() -> None:
    assert Finding(100, 5.0, 1.0, excused=5.0).grade is Grade.WELL
    assert not Finding(100, 5.0, 1.0, excused=5.0).recovered
    assert Finding(100, 1.5, 1.0, excused=5.0).recovered


def test_all_of_the_evidence_must_show_more_than_a_window() -> None:
    assert WORSE < SLOW < 3
    assert COUNT * WINDOW >= SECONDS


def test_reads_are_compared_with_reads_and_writes_with_writes() -> None:
    san = Map("a", "b")
    for step in range(1, 2 * COUNT):
        san.totals = {
            "a": IoFacts(900 * step, 900 * step, 100 * step, 100 * 50 * step),
            "b": IoFacts(100 * step, 100 * step, 900 * step, 900 * 50 * step),
        }
        san.judged()
        assert san.found["b"].evidence is None
    assert san.latencies == {"a": 5.9 / 1000, "b": 45.1 / 1000}


def test_a_kind_of_io_that_no_sibling_has_is_left_out() -> None:
    san = Map("a", "b")
    for step in range(1, COUNT + 1):
        san.totals = {
            "a": IoFacts(500 * step, 5000 * step, 0, 0),
            "b": IoFacts(500 * step, 15000 * step, 9000 * step, 0),
        }
        san.judged()
    assert san.slow() == {"b"}
    assert san.found["b"].compared == Comparison(Measure.LATENCY, 0.030, 0.010, 25.0, 2500)


def test_an_io_of_ten_times_the_size_may_take_ten_times_as_long() -> None:
    san = Map("a", "b")
    san.size = {"a": 16, "b": 160}
    for _ in range(2 * COUNT):
        san.read(a=(500, 10), b=(500, 100))
        assert san.found["b"].evidence is None
    for _ in range(2 * COUNT):
        san.read(a=(500, 10), b=(500, 300))
    assert san.slow() == {"b"}
    assert san.found["b"].compared
    assert san.found["b"].compared.siblings == pytest.approx(0.100)


def test_smaller_ios_are_not_expected_to_be_faster() -> None:
    san = Map("a", "b")
    san.size = {"a": 160, "b": 16}
    for _ in range(2 * COUNT):
        san.read(a=(500, 50), b=(500, 50))
    assert san.slow() == set()


def test_retransmissions_excuse_a_path_but_not_for_long_delays() -> None:
    san = Map("a", "b")
    for _ in range(2 * COUNT):
        san.retransmits["b"] = san.retransmits.get("b", 0) + 20
        assert san.read(a=(500, 1), b=(500, 18)).slow() == set()
    for _ in range(2 * COUNT):
        san.retransmits["b"] += 20_000
        san.read(a=(500, 1), b=(500, 101))
    assert san.slow() == {"b"}


def test_a_new_session_without_retransmissions_excuses_nothing() -> None:
    san = Map("a", "b")
    san.retransmits["b"] = 100
    san.judged(10.0)
    san.retransmits["b"] = 0
    san.read(a=(500, 10), b=(500, 30))
    assert san.found["b"].evidence


# --- siblings ---------------------------------------------------------------------------------------------------------


def test_the_siblings_are_measured_by_their_median() -> None:
    san = Map(*"abcdefg")
    for _ in range(COUNT):
        each = zip("abcdefg", (10, 20, 30, 40, 50, 60, 120), strict=True)
        san.read(**{label: (500, took) for label, took in each})
    assert san.slow() == {"g"}
    assert san.found["g"].compared == Comparison(Measure.LATENCY, 0.120, 0.035, 25.0, 2500)


def test_paths_of_another_group_or_access_state_are_no_siblings() -> None:
    san = Map("a", "b", "c", "d")
    san.kin = {"a": 1, "b": 1, "c": 2, "d": 2}
    for _ in range(2 * COUNT):
        assert san.read(a=(500, 1), b=(500, 1), c=(500, 90), d=(500, 95)).slow() == set()
    for _ in range(COUNT):
        san.read(a=(500, 1), b=(500, 1), c=(500, 90), d=(500, 300))
    assert san.slow() == {"d"}


def test_a_path_without_a_sibling_is_not_waited_for() -> None:
    san = Map("a", "b", "c")
    san.kin = {"a": 1, "b": 1, "c": 2}
    san.read(a=(500, 10), b=(500, 30), c=(3, 10))
    assert san.found["b"].evidence
    assert san.found["c"].seen == 0.0


def test_a_path_that_has_too_few_ios_is_waited_for_while_its_siblings_have_enough() -> None:
    san = Map("a", "b", "c")
    assert san.read(a=(500, 10), b=(500, 10), c=(FEW - 1, 500)).latencies is None
    san.read(a=(500, 10), b=(500, 10), c=(FEW, 500))
    assert san.latencies == {"a": 0.010, "b": 0.010}
    assert san.found["c"].evidence


# --- windows ----------------------------------------------------------------------------------------------------------


def test_a_window_with_too_few_ios_is_continued_but_not_for_ever() -> None:
    san = Map("a", "b").read(a=(FEW - 1, 1), b=(FEW - 1, 500))
    assert san.latencies is None
    san.read(LONGEST - ROUND, a=(0, 0), b=(0, 0))
    assert san.latencies == {}
    san.read(a=(FEW - 1, 1), b=(FEW - 1, 500))
    assert san.found["b"].evidence is None


def test_few_ios_show_what_is_stark() -> None:
    san = Map("a", "b").read(a=(FEW, 1), b=(FEW, 500))
    assert san.found["b"].evidence


def test_too_little_io_on_the_siblings_shows_nothing() -> None:
    san = Map("a", "b")
    for _ in range(4 * COUNT):
        assert san.read(a=(FEW // 2 - 1, 1), b=(500, 500)).slow() == set()
        assert san.found["b"].evidence is None


def test_a_path_that_comes_begins_the_windows_of_all_again() -> None:
    san = Map("a", "b").read(1.0, a=(500, 10), b=(500, 30))
    san.totals["c"] = NOTHING
    san.read(ROUND, a=(0, 0), b=(0, 0))
    assert san.latencies is None
    assert {latency.window.began for latency in san.found.values() if latency.window} == {san.now}
    assert san.found["b"].evidence is None


def test_a_disk_that_cannot_be_read_for_once_begins_them_again_when_it_can() -> None:
    san = slow_map()
    was, san.totals["b"] = san.totals["b"], None
    assert san.judged().found["b"].window, "the window goes on"
    san.judged()
    assert san.found["b"].window is None
    assert san.slow() == {"b"}
    san.totals["b"] = was
    san.read(a=(100, 3), b=(100, 3))
    assert san.latencies is None
    assert san.slow() == {"b"}


def test_without_any_reading_there_is_nothing_to_judge() -> None:
    san = Map("a", "b")
    san.totals = {"a": None, "b": None}
    assert san.judged().found == {"a": Latency(), "b": Latency()}
    assert judge({}, {}, 5.0) == ({}, None)


@pytest.mark.parametrize("wrong", [IoFacts(10_000, 0, 0, 0), IoFacts(10_000, 1 << 34, 0, 0), IoFacts(0, 10**400, 0, 0)])
def test_counters_that_step_back_or_run_ahead_show_nothing_of_that_window(wrong: IoFacts) -> None:
    san = Map("a", "b").read(a=(500, 10), b=(500, 30))
    before = san.found["b"].evidence
    san.totals["b"] = wrong
    san.read(a=(500, 10))
    san.totals["b"] = NOTHING
    san.read(LONGEST, a=(500, 10))
    assert san.found["b"].evidence == before


def test_what_is_counted_between_two_readings() -> None:
    assert in_window(None, NOTHING) == in_window(NOTHING, None) == 0
    assert in_window(NOTHING, IoFacts(3, 1, 4, 1)) == 7
    assert in_window(IoFacts(3, 1, 4, 1), NOTHING) == 0
    assert in_window(NOTHING, IoFacts(3, 1 << 34, 0, 0)) == 0


# --- what is too old --------------------------------------------------------------------------------------------------


def test_a_verdict_that_nothing_can_be_compared_with_is_dropped_in_the_end() -> None:
    san = slow_map()
    began = san.now
    while san.now < began + FORGET - ROUND:
        assert san.read().slow() == {"b"}
    assert san.read().slow() == set()
    assert san.found["b"].compared is None
    assert san.found["b"].window


def test_evidence_is_forgotten_with_time_too() -> None:
    latency = Map("a", "b").read(a=(500, 10), b=(500, 30)).found["b"]
    assert latency.forgotten(latency.seen + FORGET - 1) == latency
    assert latency.forgotten(latency.seen + FORGET) == Latency(window=latency.window)
    assert Latency().forgotten(1e9) == Latency()


# --- whatever comes ---------------------------------------------------------------------------------------------------

TOTAL = st.integers(0, 1 << 34)
IOS = st.none() | st.builds(IoFacts, TOTAL, TOTAL, TOTAL, TOTAL, TOTAL, TOTAL)
READINGS = st.dictionaries(
    st.sampled_from("abcdef"), st.builds(Reading, IOS, st.sampled_from([None, 1, 2]), st.integers(0, 99)), max_size=6
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 400), READINGS), max_size=12), st.randoms(use_true_random=False))
def test_nothing_raises_and_the_order_shows_nothing(
    looks: list[tuple[float, dict[str, Reading]]], chance: random.Random
) -> None:
    found: dict[str, Latency] = {}
    now = 0.0
    for seconds, readings in looks:
        now += seconds
        shuffled = dict(chance.sample(list(readings.items()), len(readings)) if readings else [])
        after, latencies = judge(found, readings, now)
        assert (after, latencies) == judge(found, shuffled, now)
        assert set(after) == set(readings)
        for latency in after.values():
            assert latency.compared or not latency.slow, "a slow path has been seen to be slow"
        found = after


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 5),
    st.integers(1, 50),
    st.lists(st.lists(st.floats(1.0, 2.4), min_size=5, max_size=5), min_size=10, max_size=25),
)
def test_equal_paths_are_never_slow_whatever_the_noise(paths: int, each: int, noise: list[list[float]]) -> None:
    labels = "abcde"[:paths]
    san = Map(*labels)
    for window in noise:
        san.read(**{label: (1000, each * factor) for label, factor in zip(labels, window, strict=False)})
        assert san.slow() == set()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 5),
    st.integers(1, 50),
    st.lists(st.lists(st.floats(0.0, 1.0), min_size=5, max_size=5), min_size=10, max_size=25),
)
def test_odd_ios_of_one_second_a_window_make_no_path_slow(paths: int, ios: int, odd: list[list[float]]) -> None:
    labels = "abcde"[:paths]
    san = Map(*labels)
    for window in odd:
        seconds = zip(labels, window, strict=False)
        san.read(**{label: (ios, 1 + 1000 * took / ios) for label, took in seconds})
        assert san.slow() == set()


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.integers(5, 50), st.lists(st.floats(0.9, 1.1), min_size=5, max_size=5))
def test_three_times_is_found_within_half_a_minute_and_left_within_one(
    paths: int, each: int, noise: list[float]
) -> None:
    labels = "abcde"[:paths]
    san = Map(*labels)
    usual = {label: each * factor for label, factor in zip(labels, noise, strict=False)}
    for _ in range(COUNT):
        san.read(**{label: (1000, took * (3.2 if label == "a" else 1)) for label, took in usual.items()})
    assert san.slow() == {"a"}
    for _ in range(12):
        san.read(**{label: (1000, took) for label, took in usual.items()})
    assert san.slow() == set()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 60), IOS), max_size=20))
def test_the_only_path_of_a_map_is_never_slow(looks: list[tuple[float, IoFacts | None]]) -> None:
    found: dict[str, Latency] = {}
    now = 0.0
    for seconds, io in looks:
        now += seconds
        found, _ = judge(found, {"a": Reading(io)}, now)
        assert found["a"].evidence is None
        assert not found["a"].slow

"""Which paths carry a map's I/O: what is remembered from one audit to the next, and when it shows a fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.core.model.vocabulary import AccessState
from mpathd_watch.core.verdicts.access_use import CARRIES, SETTLED, STREAK, WINDOW, AccessUse, Reading, followed

OPTIMIZED, SLOWER, STANDBY = AccessState.OPTIMIZED, AccessState.NON_OPTIMIZED, AccessState.STANDBY
BUSY, IDLE = 100.0, 0.0
"""I/Os a second."""


class San:
    """Two optimized paths and two that are not, ``a`` to ``d``, up since second 0; nothing has been done yet."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.paths = {
            label: Reading(label, (f"sd{label}", "8:0", "1:0:0:1"), state, False, 0.0, IoFacts(0, 0, 0, 0))
            for label, state in zip("abcd", (OPTIMIZED, OPTIMIZED, SLOWER, SLOWER), strict=True)
        }
        self.use: AccessUse | None = None
        self.audit()

    def audit(self) -> AccessUse | None:
        self.use = followed(self.use, tuple(self.paths.values()), self.now)
        return self.use

    def change(self, label: str, **changes: object) -> None:
        self.paths[label] = replace(self.paths[label], **changes)  # type: ignore[arg-type]  # the field's own types

    def window(self, seconds: float = WINDOW, **rates: float) -> AccessUse:
        """Go on for so long with as many I/Os a second on each path, then an audit is made."""
        self.now += seconds
        for label, rate in rates.items():
            was = self.paths[label].io or IoFacts(0, 0, 0, 0)
            done = round(rate * seconds)
            self.change(label, io=IoFacts(was.reads + done, was.read_ms + done, was.writes, was.write_ms))
        found = self.audit()
        assert found is not None
        return found


def test_io_that_stays_on_slower_paths_for_two_windows_is_overdue() -> None:
    san = San()
    assert not san.window(c=BUSY, d=BUSY).overdue(0)
    use = san.window(c=BUSY, d=BUSY)
    assert use.overdue(0)
    assert (use.share, use.labels, use.lasted) == (1.0, ("c", "d"), STREAK * WINDOW)
    assert not use.overdue(1)


def test_a_failback_of_some_minutes_is_waited_for() -> None:
    san = San()
    verdicts = [san.window(c=BUSY).overdue(300) for _ in range(8)]
    assert verdicts == [False] * 6 + [True] * 2


def test_an_idle_hour_changes_nothing() -> None:
    san = San()
    san.window(c=BUSY)
    san.window(c=BUSY)
    assert san.window(3600.0, c=IDLE).overdue(0)
    assert not San().window(3600.0, c=IDLE).overdue(0)


def test_io_that_is_back_ends_it() -> None:
    san = San()
    san.window(c=BUSY)
    san.window(c=BUSY)
    assert not san.window(a=BUSY).overdue(0)
    assert not san.window(c=BUSY).overdue(0)


@pytest.mark.parametrize(("slower", "fault"), [(0.9, False), (1.0, True), (9.0, True)])
def test_half_of_the_io_counts(slower: float, fault: bool) -> None:
    san = San()
    for _ in range(STREAK):
        use = san.window(a=BUSY, c=slower * BUSY)
    assert use.overdue(0) is fault


def test_the_reads_of_a_checker_are_no_io() -> None:
    """The directio checker reads once a second from each path, and other users of an idle map do little more."""
    san = San()
    for _ in range(3):
        use = san.window(a=1.0, b=1.0, c=1.0, d=1.0)
    assert (use.streak, use.overdue(0)) == (0, False)
    for _ in range(3):
        use = san.window(c=CARRIES - 0.1, d=CARRIES - 0.1)
    assert not use.overdue(0), "each path by itself does no more than a checker might"
    for _ in range(STREAK):
        use = san.window(c=CARRIES, d=CARRIES - 0.1)
    assert (use.overdue(0), use.labels) == (True, ("c",))
    san = San()
    for _ in range(STREAK):
        use = san.window(c=CARRIES)
    assert (use.overdue(0), use.labels) == (True, ("c",)), "and it does all of the map's I/O"


def test_a_failover_and_the_return_from_it_are_no_fault() -> None:
    san = San()
    san.window(a=BUSY)
    for label in "ab":
        san.change(label, usable_since=None)
    assert not san.window(c=BUSY).overdue(0)
    assert not san.window(c=BUSY).overdue(0)
    for label in "ab":
        san.change(label, usable_since=san.now + 50)
    assert san.window(c=BUSY).streak == 0
    assert san.window(c=BUSY / 10, a=BUSY).streak == 0
    # The same return, and I/O does not follow.
    san = San()
    san.change("a", usable_since=san.now + 50)
    san.change("b", usable_since=None)
    assert [san.window(c=BUSY).overdue(0) for _ in range(4)] == [False, False, True, True]


def test_a_change_of_the_access_states_begins_again() -> None:
    san = San()
    san.window(c=BUSY)
    for label in "abcd":
        san.change(label, state=SLOWER if label in "ab" else OPTIMIZED)
    use = san.window(c=BUSY)
    assert (use.streak, use.held, use.settled) == (0, 0.0, False)
    assert [san.window(a=BUSY).overdue(0) for _ in range(3)] == [False, True, True]
    assert [san.window(a=BUSY).settled for _ in range(2)] == [True, True]


def test_the_states_must_have_stood_for_a_while() -> None:
    san = San()
    assert [san.window(SETTLED / 4).settled for _ in range(5)] == [False, False, False, True, True]


def test_another_disk_is_another_path() -> None:
    san = San()
    san.window(c=BUSY)
    san.change("c", disk=("sdz", "8:0", "1:0:0:1"))
    assert san.window(c=BUSY).held == 0


@pytest.mark.parametrize("state", [*AccessState, None])
def test_nothing_is_remembered_of_paths_that_are_all_alike(state: AccessState | None) -> None:
    san = San()
    for label in "abcd":
        san.change(label, state=state)
    assert san.audit() is None
    assert followed(None, (), 0.0) is None


@pytest.mark.parametrize(
    ("label", "changes"),
    [
        # multipathd uses a preferred path although it is not optimized, so that the array moves the LUN there.
        ("c", {"preferred": True}),
        ("c", {"state": STANDBY}),
        ("c", {"state": AccessState.LBA_DEPENDENT}),
        ("c", {"state": AccessState.UNKNOWN}),
        ("c", {"io": None}),
    ],
)
def test_only_paths_that_are_known_to_be_slower_count(label: str, changes: dict[str, object]) -> None:
    san = San()
    san.change(label, **changes)
    san.audit()
    for _ in range(3):
        san.now += WINDOW
        rates = {"a": 1.0} if "io" in changes else {label: BUSY}
        assert not san.window(**rates).overdue(0)


def test_counters_that_step_back_are_no_io() -> None:
    san = San()
    san.window(c=BUSY)
    san.change("c", io=IoFacts(0, 0, 0, 0))
    assert san.window().streak == 1
    assert san.window(c=BUSY).overdue(0)


def readings() -> st.SearchStrategy[Sequence[Reading]]:
    counts = st.integers(0, 10_000)
    reading = st.builds(
        Reading,
        st.sampled_from("abc"),
        st.just(("sda", "8:0", "1:0:0:1")),
        st.none() | st.sampled_from(AccessState),
        st.booleans(),
        st.none() | st.floats(0, 500),
        st.none() | st.builds(IoFacts, counts, counts, counts, counts),
    )
    return st.lists(reading, max_size=3, unique_by=lambda each: each.label)


@given(st.lists(st.tuples(st.floats(0, 300), readings()), max_size=8), st.floats(0, 1000))
def test_whatever_is_read_a_verdict_has_its_evidence(
    audits: list[tuple[float, Sequence[Reading]]], wait: float
) -> None:
    use, now = None, 0.0
    for passed, paths in audits:
        now += passed
        use = followed(use, paths, now)
        if use is None:
            continue
        by_label = {path.label: path for path in paths}
        assert use.since <= use.began <= now
        assert use.held == now - use.since
        assert set(use.totals) == set(by_label)
        if use.overdue(wait):
            assert use.held >= STREAK * WINDOW
            assert {by_label[label].state for label in use.labels} == {SLOWER}
            assert 0.5 <= use.share <= 1.0
            assert any(path.state is OPTIMIZED for path in paths)
            assert use.lasted >= wait + SETTLED

"""Slow paths, as the daemon finds them: readings of disks and of connections, compared every ten seconds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpathd_watch.core.alerting.messages import path_steady
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.events import SourceDown
from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.core.model.vocabulary import DeviceState, Health, SessionStatus, SourceName
from mpathd_watch.core.state import Due, State, Wait
from mpathd_watch.core.step import next_deadline
from mpathd_watch.core.verdicts.slow_path import FORGET, INTERVAL, STREAK, Slowness
from tests.story import START, San, Story, moment

FIRST, SECOND = "192.168.1.1:3260", "192.168.2.1:3260"
PORTALS = ["192.168.1.1", "192.168.2.1"]


class Busy:
    """A map of two disks that do I/O of so many milliseconds each."""

    def __init__(self, *maps: str) -> None:
        self.story = Story(San.of(maps or ["mpio"], PORTALS).wired()).begun()
        self.totals = {name: IoFacts(0, 0, 0, 0) for name in self.story.san.devices}
        self.seconds = -45.0

    def windows(self, count: float, *, ios: int = 100, **took: int) -> Busy:
        """Go on for so many comparisons, in halves, with as many I/Os in each disk's; ``took``: milliseconds of one."""
        for _ in range(int(2 * count)):
            self.seconds += INTERVAL / 2
            self.story.at(self.seconds)
            for name, milliseconds in took.items():
                was = self.totals[name]
                done = ios // 2
                self.totals[name] = IoFacts(
                    was.reads + done, was.read_ms + done * milliseconds, was.writes, was.write_ms
                )
                self.story.looked(name, in_flight=None, io=self.totals[name])
        return self

    def events(self) -> list[str]:
        """What was said."""
        return [event for _, event, _ in self.story.alerts()]


def test_a_path_that_is_slow_for_a_minute_is_reported_once_and_once_when_it_is_not() -> None:
    busy = Busy().windows(2, sda=1, sdb=1)
    assert busy.events() == []
    busy.windows(STREAK - 1, sda=1, sdb=40)
    assert busy.events() == []
    busy.windows(3, sda=1, sdb=40)
    assert busy.events() == ["path_slow"]
    path = busy.story.path(SECOND)
    assert path.slowness.slow
    assert (path.health, path.outage) == (Health.UP, None)
    slow = busy.story.told_of("path_slow", SECOND)
    assert slow.priority is Priority.WARNING
    assert slow.message == (
        "mpio: path 192.168.2.1:3260 (sdb) is slow: its I/O takes 40.0 ms on average, that of its siblings 1.0 ms, "
        "for about 1 min. 2 of 2 paths usable."
    )
    assert slow.fields["MEASURE"] == "latency"
    assert (float(slow.fields["VALUE_SEC"]), float(slow.fields["SIBLINGS_SEC"])) == (0.04, 0.001)
    busy.windows(STREAK + 3, sda=1, sdb=1)
    assert busy.events() == ["path_slow", "path_steady"]
    steady = busy.story.told_of("path_steady")
    assert steady.message.startswith("mpio: path 192.168.2.1:3260 (sdb) is no longer slow: its I/O takes 1.0 ms")
    assert (steady.fields["ENDED"], steady.priority) == ("path_slow", Priority.NOTICE)
    assert busy.story.path(FIRST).slowness.slow is False


def test_a_path_that_is_slow_because_its_disk_is_slow_is_not() -> None:
    assert Busy().windows(20, sda=400, sdb=400).events() == []


def test_a_verdict_that_nothing_can_be_compared_with_is_dropped() -> None:
    busy = Busy().windows(9, sda=1, sdb=40)
    assert busy.events() == ["path_slow"]
    busy.windows(FORGET + 2)
    assert busy.events() == ["path_slow", "path_steady"]
    assert busy.story.told_of("path_steady").message == (
        "mpio: path 192.168.2.1:3260 (sdb) is no longer reported as slow: for 5 min there was nothing to compare it "
        "with. 2 of 2 paths usable."
    )


def test_a_slow_path_that_fails_has_alerts_of_its_own() -> None:
    busy = Busy().windows(9, sda=1, sdb=40)
    busy.story.session(2, SessionStatus.FREE)
    busy.windows(2, sda=1)
    assert not busy.story.path(SECOND).slowness.slow
    assert "path_steady" not in busy.events()
    assert busy.events()[:2] == ["path_slow", "path_failed"]


def test_a_slow_path_that_was_not_known_for_a_while_is_not_reported_again() -> None:
    busy = Busy().windows(9, sda=1, sdb=40)
    busy.story.feed(SourceDown(SourceName.SYSFS, "timeout", "no answer"))
    busy.windows(2)
    busy.story.look()
    busy.windows(2 * STREAK, sda=1, sdb=40)
    assert busy.events().count("path_slow") == busy.events().count("path_steady") + 1


def test_the_round_trip_of_a_session_shows_its_slow_path() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun()
    story.heard(1, -50, rtt=0.0005).heard(2, -50, rtt=0.2).poll()
    story.at(40)
    slow = story.told_of("path_slow")
    assert "is slow: its TCP round trip takes 200.0 ms, that of its siblings 0.5 ms" in slow.message
    assert (slow.fields["PATH"], slow.fields["MEASURE"]) == (SECOND, "round_trip")


def test_paths_without_a_session_are_compared_by_their_io_alone() -> None:
    san = San.of(["mpio"], [])
    for _ in range(2):
        san.add_disk(san.wwid("mpio"), None)
    story = Story(san).begun().at(200)
    assert story.alerts() == []
    assert {path.slowness.io for path in story.map().paths.values()} == {None}


def test_there_is_nothing_to_compare_without_maps() -> None:
    story = Story(San.of([], PORTALS)).begun().at(100)
    assert Due(Wait.SLOW_PATHS) not in story.state.deadlines
    story.san.add_map("mpio")
    story.look()
    assert story.state.deadlines[Due(Wait.SLOW_PATHS)] == START.monotonic + 110
    story.san.maps.clear()
    story.at(105).look().at(110)
    assert Due(Wait.SLOW_PATHS) not in story.state.deadlines
    assert next_deadline(State()) is None


def test_a_late_comparison_is_one() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun()
    story.seconds = 500
    story.looked("sda", in_flight=None, io=IoFacts(5, 5, 5, 5))
    assert story.state.deadlines[Due(Wait.SLOW_PATHS)] == START.monotonic + 510


@pytest.mark.parametrize("health", [DeviceState.RUNNING, DeviceState.OFFLINE])
def test_io_alone_leaves_the_verdict_as_it_is(health: DeviceState) -> None:
    busy = Busy().windows(1, sda=1, sdb=1)
    busy.story.device("sdb", health)
    before = busy.story.path(SECOND)
    busy.windows(0.5, sda=1, sdb=1)
    path = busy.story.path(SECOND)
    assert path.disk.io != before.disk.io
    assert (path.health, path.outage, path.verdict.since) == (before.health, before.outage, before.verdict.since)


def test_a_disk_that_is_another_one_now_shows_nothing_of_that_window() -> None:
    busy = Busy().windows(3, sda=1, sdb=1)
    busy.totals["sdb"] = IoFacts(0, 0, 0, 0)
    busy.windows(1, sda=1, sdb=1)
    assert busy.events() == []


def test_a_path_that_is_steady_without_a_comparison_is_reported_plainly() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun()
    told = path_steady(story.map(), story.path(SECOND), moment(0), what=Slowness())
    assert "is no longer reported as slow" in told.message
    assert replace(story.path(SECOND)).slowness == Slowness()


def test_a_new_connection_counts_its_retransmissions_again() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().heard(2, -50, rtt=0.001)
    for second, raw in ((0, 5), (1, 9), (2, 3), (3, 3), (4, 4)):
        fares = story.san.sessions[2].tcp
        assert fares
        story.san.sessions[2] = replace(story.san.sessions[2], tcp=replace(fares, retransmits=raw))
        story.at(second).poll()
    assert story.session_state("192.168.2.1").retransmits.total == 4 + 3 + 1

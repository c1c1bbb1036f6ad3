"""Slow paths, as the daemon finds them: readings of disks and of connections, and what is read because of them."""

from __future__ import annotations

from dataclasses import replace

from mpathd_watch.core.alerting.messages import path_steady
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Refresh, Scope
from mpathd_watch.core.events import DevicesRead, SourceDown
from mpathd_watch.core.judging.slow_paths import OLD, WATCH_EVERY, WATCH_FOR, WATCHED
from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.core.model.vocabulary import AccessState, DeviceState, Health, SessionStatus, SourceName
from mpathd_watch.core.state import Due, State, Wait
from mpathd_watch.core.step import next_deadline
from mpathd_watch.core.verdicts import io_latency
from mpathd_watch.core.verdicts.io_latency import FORGET, STEADY_SECONDS
from mpathd_watch.core.verdicts.slow_path import Slowness
from tests.story import START, San, Story, moment

FIRST, SECOND = "192.168.1.1:3260", "192.168.2.1:3260"
PORTALS = ["192.168.1.1", "192.168.2.1"]


COUNT = int(io_latency.COUNT)
ROUND = 5.0
"""Seconds between readings of the disks."""


class Busy:
    """Maps of two disks each, which do reads of so many milliseconds each."""

    def __init__(self, *maps: str, san: San | None = None) -> None:
        self.story = Story(san or San.of(maps or ["mpio"], PORTALS).wired()).begun()
        self.totals = {name: IoFacts(0, 0, 0, 0) for name in self.story.san.devices}
        self.seconds = -50.0

    def rounds(self, count: int, *, ios: int = 500, seconds: float = ROUND, **took: int) -> Busy:
        """So many readings of all disks, with as many I/Os between them; ``took``: milliseconds of one on each disk."""
        for _ in range(count):
            self.seconds += seconds
            self.story.at(self.seconds)
            self.read(ios=ios, **took)
        return self

    def read(self, *, ios: int = 500, in_flight: int | None = None, **took: int) -> Busy:
        """All disks are read now: those named in ``took`` in a close look, else all of them in a round."""
        devices = self.story.san.devices
        for name, milliseconds in took.items():
            was = self.totals[name]
            self.totals[name] = replace(was, reads=was.reads + ios, read_ms=was.read_ms + ios * milliseconds)
            devices[name] = replace(devices[name], in_flight=in_flight, io=self.totals[name])
        self.story.feed(DevicesRead(tuple(devices[name] for name in took), requested=START.monotonic + self.seconds))
        return self

    def asked(self) -> list[tuple[str, ...]]:
        """The disks that the core wants to have read, in order."""
        return [want.devices for want in self.story.wanted if want.scope is Scope.DEVICES]

    def events(self) -> list[str]:
        """What was reported."""
        return [event for _, event, _ in self.story.alerts()]


def slow() -> Busy:
    """The path of ``sdb`` has just been found slow."""
    busy = Busy().rounds(1, sda=1, sdb=1).rounds(4, sda=1, sdb=101)
    assert busy.events() == ["path_slow"]
    return busy


def test_a_path_that_is_slow_is_reported_once_and_once_when_it_is_not() -> None:
    busy = Busy().rounds(3, sda=10, sdb=10)
    busy.rounds(COUNT - 1, sda=10, sdb=40)
    assert busy.events() == []
    busy.rounds(3, sda=10, sdb=40)
    assert busy.events() == ["path_slow"]
    path = busy.story.path(SECOND)
    assert path.slowness.slow
    assert (path.health, path.outage) == (Health.UP, None)
    alert = busy.story.told_of("path_slow", SECOND)
    assert alert.priority is Priority.WARNING
    assert alert.message == (
        "mpio: path 192.168.2.1:3260 (sdb) is slow: its I/O takes 40.0 ms on average, that of its siblings 10.0 ms, "
        "over 25.0 s and 2500 I/Os. 2 of 2 paths usable."
    )
    assert alert.fields["MEASURE"] == "latency"
    assert (float(alert.fields["VALUE_SEC"]), float(alert.fields["SIBLINGS_SEC"])) == (0.04, 0.01)
    assert (float(alert.fields["COMPARED_SEC"]), alert.fields["COMPARED_IOS"]) == (25.0, "2500")
    busy.rounds(int(STEADY_SECONDS / ROUND) + 2, sda=1, sdb=1)
    assert busy.events() == ["path_slow", "path_steady"]
    steady = busy.story.told_of("path_steady")
    assert steady.message.startswith("mpio: path 192.168.2.1:3260 (sdb) is no longer slow: its I/O takes 1.0 ms")
    assert (steady.fields["ENDED"], steady.priority) == ("path_slow", Priority.NOTICE)
    assert busy.story.path(FIRST).slowness.slow is False


def test_a_path_that_is_slow_because_its_disk_is_slow_is_not() -> None:
    assert Busy().rounds(20, sda=400, sdb=400).events() == []


def test_a_verdict_that_nothing_can_be_compared_with_is_dropped() -> None:
    busy = slow()
    busy.story.at(busy.seconds + FORGET - 1)
    assert busy.events() == ["path_slow"]
    busy.story.at(busy.seconds + FORGET + 10)
    assert busy.events() == ["path_slow", "path_steady"]
    assert busy.story.told_of("path_steady").message == (
        "mpio: path 192.168.2.1:3260 (sdb) is no longer reported as slow: for 5 min there was nothing to compare it "
        "with. 2 of 2 paths usable."
    )


def test_a_slow_path_that_fails_has_alerts_of_its_own() -> None:
    busy = slow()
    busy.story.session(2, SessionStatus.FREE)
    busy.rounds(1, sda=1)
    assert busy.story.path(SECOND).slowness == Slowness()
    assert "path_steady" not in busy.events()
    assert busy.events()[:2] == ["path_slow", "path_failed"]


def test_a_slow_path_that_fails_while_its_disks_are_not_read_is_slow_no_longer_either() -> None:
    busy = slow()
    busy.story.session(2, SessionStatus.FREE)
    busy.story.at(busy.seconds + 20)
    assert not busy.story.path(SECOND).slowness.slow
    assert "path_steady" not in busy.events()


def test_a_slow_path_that_was_not_known_for_a_while_is_not_reported_again() -> None:
    busy = slow()
    busy.story.feed(SourceDown(SourceName.SYSFS, "timeout", "no answer"))
    busy.rounds(4)
    busy.story.look()
    busy.rounds(2 * COUNT, sda=1, sdb=101)
    assert busy.events().count("path_slow") == busy.events().count("path_steady") + 1


def test_paths_of_different_access_states_are_not_compared() -> None:
    san = San.of(["mpio"], PORTALS).wired().grouped(g2=AccessState.NON_OPTIMIZED)
    assert "path_slow" not in Busy(san=san).rounds(20, sda=10, sdb=100).events()


# --- what is read because of it ---------------------------------------------------------------------------------------


def test_a_map_with_a_path_that_stands_out_is_read_every_second_until_that_is_certain() -> None:
    busy = Busy().rounds(2, sda=10, sdb=100)
    assert busy.asked() == []
    for _ in range(3):
        busy.story.at(busy.seconds + WATCH_EVERY)
        assert busy.asked() == [("sda", "sdb")]
        busy.story.wanted.clear()
        busy.seconds += WATCH_EVERY
        busy.read(ios=100, in_flight=0, sda=10, sdb=100)
    assert busy.events() == ["path_slow"]
    busy.story.at(busy.seconds + 60)
    assert busy.asked() == []


def test_a_map_is_not_watched_for_long() -> None:
    busy = Busy().rounds(2, sda=10, sdb=23)
    began = busy.seconds - ROUND
    looks = 0
    while busy.story.at(busy.seconds + WATCH_EVERY) and busy.asked():
        busy.story.wanted.clear()
        busy.seconds += WATCH_EVERY
        looks += 1
        busy.read(ios=100, in_flight=0, sda=10, sdb=23)
    assert looks >= 5
    assert busy.seconds <= began + WATCH_FOR + 2 * WATCH_EVERY
    assert busy.events() == []


def test_no_more_than_a_few_maps_are_watched_at_a_time() -> None:
    busy = Busy(*(f"lun{number:02}" for number in range(WATCHED + 3)))
    names = list(busy.totals)
    busy.rounds(2, **{name: 10 if number % 2 == 0 else 100 for number, name in enumerate(names)})
    busy.story.at(busy.seconds + WATCH_EVERY)
    assert len(busy.asked()) == WATCHED
    assert len(set(busy.asked())) == WATCHED


def test_a_map_that_goes_is_not_watched_any_more() -> None:
    busy = Busy().rounds(2, sda=10, sdb=100)
    busy.story.san.maps.clear()
    busy.story.look().at(busy.seconds + 5)
    assert Refresh(Scope.DEVICES, ("sda", "sdb")) not in busy.story.wanted


def test_a_look_at_one_disk_alone_ends_no_window() -> None:
    busy = Busy().rounds(1, sda=10, sdb=10)
    window = busy.story.path(SECOND).slowness.by_latency.window
    busy.seconds += ROUND
    busy.story.at(busy.seconds)
    busy.read(in_flight=0, sdb=100)
    assert busy.story.path(SECOND).slowness.by_latency.window == window
    busy.read(in_flight=0, sda=10, sdb=100)
    after = busy.story.path(SECOND).slowness.by_latency
    assert after.window != window
    assert after.evidence


def test_a_reading_without_new_io_ends_no_window() -> None:
    busy = Busy().rounds(1, sda=10, sdb=10)
    window = busy.story.path(SECOND).slowness.by_latency.window
    busy.story.at(busy.seconds + 20).device("sdb", DeviceState.RUNNING)
    assert busy.story.path(SECOND).slowness.by_latency.window == window


# --- the latency of a map ---------------------------------------------------------------------------------------------


def test_the_latency_of_a_map_is_the_median_of_its_paths_and_is_not_kept_for_long() -> None:
    busy = Busy()
    assert busy.story.map().latency is None
    busy.rounds(2, sda=10, sdb=14)
    assert busy.story.map().latency == 0.012
    busy.story.at(busy.seconds + OLD - 10)
    assert busy.story.map().latency == 0.012
    busy.story.at(busy.seconds + OLD + 10)
    assert busy.story.map().latency is None


def test_the_latency_of_a_map_with_too_few_ios_is_not_known() -> None:
    busy = Busy().rounds(2, sda=10, sdb=14).rounds(2, ios=3, sda=10, sdb=14)
    assert busy.story.map().latency is None


# --- the round trip ---------------------------------------------------------------------------------------------------


def test_the_round_trip_of_a_session_shows_its_slow_path() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun()
    story.heard(1, -50, rtt=0.0005).heard(2, -50, rtt=0.2).poll()
    story.at(40)
    slow = story.told_of("path_slow")
    assert "is slow: its TCP round trip takes 200.0 ms, that of its siblings 0.5 ms" in slow.message
    assert (slow.fields["PATH"], slow.fields["MEASURE"]) == (SECOND, "round_trip")


def test_a_slow_path_is_slow_for_a_minute_after_all_round_trips_are_alike() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun()
    story.heard(1, -50, rtt=0.0005).heard(2, -50, rtt=0.2).poll().at(30)
    assert story.path(SECOND).slowness.slow
    story.heard(1, 30, rtt=0.0005).heard(2, 30, rtt=0.0006).poll()
    assert story.at(75).path(SECOND).slowness.slow
    assert not story.at(95).path(SECOND).slowness.slow
    assert [event for _, event, _ in story.alerts() if event.startswith("path_")] == ["path_slow", "path_steady"]


def test_paths_without_a_session_are_compared_by_their_io_alone() -> None:
    san = San.of(["mpio"], [])
    for _ in range(2):
        san.add_disk(san.wwid("mpio"), None)
    story = Story(san).begun().at(200)
    assert story.alerts() == []
    assert {path.slowness for path in story.map().paths.values()} == {Slowness()}


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


def test_io_alone_leaves_the_verdict_as_it_is() -> None:
    for state in (DeviceState.RUNNING, DeviceState.OFFLINE):
        busy = Busy().rounds(1, sda=1, sdb=1)
        busy.story.device("sdb", state)
        before = busy.story.path(SECOND)
        busy.rounds(1, sda=1, sdb=1)
        path = busy.story.path(SECOND)
        assert path.disk.io != before.disk.io
        assert (path.health, path.outage, path.verdict.since) == (before.health, before.outage, before.verdict.since)


def test_a_disk_that_is_another_one_now_shows_nothing_of_that_window() -> None:
    busy = Busy().rounds(3, sda=1, sdb=1)
    busy.totals["sdb"] = IoFacts(0, 0, 0, 0)
    assert busy.rounds(1, sda=1, sdb=1).events() == []


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

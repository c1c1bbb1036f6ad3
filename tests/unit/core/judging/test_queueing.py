"""What becomes of I/O while no path is usable: it waits as long as multipathd has it wait, and then it fails."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Effect, Scope
from mpathd_watch.core.events import Event, EventsLost, SourceUp
from mpathd_watch.core.formats.multipath_conf.precedence import Origin
from mpathd_watch.core.formats.multipath_conf.resolution import Effective
from mpathd_watch.core.model.incident import Standstill
from mpathd_watch.core.model.vocabulary import DeviceState, DmState, MapHealth, SessionStatus, SourceName
from mpathd_watch.core.state import Wait
from mpathd_watch.immutable import replace
from tests.story import San, Story

PORTALS = ["192.168.1.1", "192.168.2.1"]


def begun(queueing: str, *maps: str) -> Story:
    """Maps with two paths each, for which multipathd prints this of the queueing."""
    san = San.of(maps or ["mpio"], PORTALS).wired()
    san.queues, san.queueing = queueing != "off", queueing
    story = Story(san).begun().live().at(0).listing()
    for name in maps or ["mpio"]:
        story.expects(5, name)
    return story


def lost(queueing: str, *maps: str) -> Story:
    """All paths have failed at 10 s, in dm as well."""
    story = begun(queueing, *maps).at(10).session(1, SessionStatus.FREE).session(2, SessionStatus.FREE)
    for name in sorted(story.san.dm):
        story.dm(name, DmState.FAILED)
    return story


def counted(story: Story, seconds: float, queueing: str) -> Story:
    """Multipathd's list of the maps at this second."""
    story.san.queues, story.san.queueing = queueing != "off", queueing
    return story.at(seconds).listing()


def back(story: Story, seconds: float) -> Story:
    """Both sessions are back, and multipathd has reinstated the paths."""
    story.at(seconds)
    for sid in (1, 2):
        story.san.answering.add(sid)
        story.heard(sid, story.seconds).session(sid, SessionStatus.LOGGED_IN)
    for name in sorted(story.san.dm):
        story.dm(name, DmState.ACTIVE)
    return story.listing()


def requests(story: Story, until: float) -> list[float]:
    """When the maps are requested up to this second."""
    found, feed = [], story.feed

    def watched(event: Event) -> tuple[Effect, ...]:
        effects = feed(event)
        if story.wants(Scope.MAPS):
            found.append(story.seconds)
        return effects

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(story, "feed", watched)
        story.at(until)
    return found


# --- how long it waits ------------------------------------------------------------------------------------------------


def test_retries_are_announced_in_seconds_before_multipathd_has_begun_to_count() -> None:
    story = lost("4 chk")
    assert story.told_of("map_lost").message.endswith(": I/O hangs for 21 s more, then fails.")
    assert story.at(12).incidents()[0][2].endswith("mpio has no usable path: I/O hangs for 21 s more, then fails.")


def test_the_last_path_is_announced_with_the_seconds_that_the_retries_take() -> None:
    story = begun("12 chk").at(10).session(2, SessionStatus.FREE).at(12)
    assert story.told_of("map_at_risk").message.endswith("; if it fails, I/O hangs for 61 s, then fails.")


@pytest.mark.parametrize("queueing", ["4 chk", "13 sec"])
def test_the_count_down_is_requested_until_it_has_begun_and_when_it_has_ended(queueing: str) -> None:
    story = lost(queueing)
    assert requests(story, 12.5) == ([10.5, 11, 12] if queueing == "4 chk" else [])
    counted(story, 13, "19 sec")
    assert story.map().queueing.ends is not None
    assert requests(story, 31.5) == []
    asked = requests(story, 60)
    assert asked[0] == 32.5
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == 10
    counted(story, 61, "off")
    assert Wait.QUEUEING not in story.waits
    assert story.map().queueing.ends is None


@pytest.mark.parametrize("queueing", ["off", "on", "-"])
def test_nothing_is_requested_where_nothing_is_counted(queueing: str) -> None:
    assert requests(lost(queueing), 40) == []


def test_nothing_is_requested_while_dm_uses_a_path() -> None:
    story = begun("4 chk").at(10).session(1, SessionStatus.FREE).session(2, SessionStatus.FREE)
    story.dm("sda", DmState.FAILED)
    assert story.map().health is MapHealth.LOST
    assert requests(story, 30) == []


def test_the_request_ends_with_the_map() -> None:
    story = lost("4 chk")
    assert Wait.QUEUEING in story.waits
    back(story, 10.2)
    assert Wait.QUEUEING not in story.waits


# --- then it fails ----------------------------------------------------------------------------------------------------


def test_io_that_begins_to_fail_is_an_entry_of_the_map_and_makes_its_incident_worse() -> None:
    story = counted(counted(lost("4 chk"), 12, "20 sec"), 32.5, "off").at(40)
    fails = story.told_of("map_io_fails")
    assert fails.message == "mpio: I/O fails now; no path has been usable for 22.5 s."
    assert fails.priority is Priority.INFO
    began, worse = story.incidents()
    assert began[1] is worse[1] is Priority.CRIT
    assert worse[0] == 33.5
    assert worse[2].startswith("Worse: ")
    assert worse[2].endswith(" mpio has no usable path: I/O fails now.")
    assert fails.fields["INCIDENT"] == story.told_of("incident_worse").fields["INCIDENT"]


def test_maps_whose_io_begins_to_fail_are_counted_together() -> None:
    story = counted(counted(lost("4 chk", "alpha", "beta", "gamma"), 12, "20 sec"), 32.5, "off").at(60)
    assert len(story.incidents()) == 2
    assert story.incidents()[1][2].endswith(" 3 maps (alpha, beta and 1 more) have no usable path: I/O fails now.")


def test_io_that_fails_from_the_beginning_is_one_entry() -> None:
    story = lost("off").listing().at(60)
    assert [event for _, event, _ in story.alerts(0) if event == "map_io_fails"] == []
    assert len(story.incidents()) == 1


def test_nothing_is_invented_where_multipathd_was_asked_only_after_the_loss() -> None:
    story = lost("")
    story.multipathd_down()
    story = counted(story, 40, "off").at(60)
    assert [event for _, event, _ in story.alerts(0) if event == "map_io_fails"] == []
    assert back(story, 70).at(80).incidents()[-1][2].count("I/O") == 0


# --- and at the end ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("queueing", "then", "end"),
    [
        ("on", "on", "; I/O hung for 30.0 s; the map is healthy."),
        ("off", "off", "; I/O failed for 30.0 s; the map is healthy."),
        ("4 chk", "off", "; I/O hung for 22.0 s, then failed for 8.0 s; the map is healthy."),
    ],
)
def test_the_end_of_the_incident_shows_how_long_io_stood_still(queueing: str, then: str, end: str) -> None:
    story = back(counted(lost(queueing), 32, then), 40).at(50)
    assert story.incidents()[-1][2].endswith(end)


def test_of_several_maps_the_longest_standstill_is_shown() -> None:
    story = back(lost("on", "alpha", "beta"), 22).at(30)
    assert story.incidents()[-1][2].endswith("; I/O hung for up to 12.0 s; all these maps are healthy.")


def test_a_second_loss_that_is_shorter_changes_nothing() -> None:
    story = lost("on").at(20).dm("sda", DmState.ACTIVE)
    story.heard(1, 20).session(1, SessionStatus.LOGGED_IN)
    (incident,) = story.state.incidents.values()
    assert incident.standstill == Standstill(10.0, 10.0, 0.0)
    story.at(21).session(1, SessionStatus.FREE).dm("sda", DmState.FAILED).at(24)
    back(story, 25).at(40)
    assert "I/O hung for 10.0 s" in story.incidents()[-1][2]


def test_what_was_not_seen_is_not_claimed() -> None:
    story = begun("on")
    story.multipathd_down()
    story.at(10).session(1, SessionStatus.FREE).session(2, SessionStatus.FREE)
    assert "; no path was usable for 30.0 s" in back(story, 40).at(50).told_of("incident_ended").message


# --- a path that returns ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "retries"), [("20 sec", None), ("off", 4)])
def test_the_word_of_a_map_without_a_path_is_out_of_date_once_it_has_one(word: str, retries: int | None) -> None:
    story = counted(lost("4 chk"), 12, word)
    report = story.state.auditing.report
    known = report.maps[story.san.wwid("mpio")]
    settings = replace(known.settings, no_path_retry=Effective(retries, Origin("defaults")))
    maps = {story.san.wwid("mpio"): replace(known, settings=settings)}
    story.state = replace(story.state, auditing=replace(story.state.auditing, report=replace(report, maps=maps)))
    story.at(14).heard(1, 14).session(1, SessionStatus.LOGGED_IN).device("sda", DeviceState.RUNNING)
    story.dm("sda", DmState.ACTIVE)
    assert story.map().health is MapHealth.AT_RISK
    assert story.wants(Scope.MAPS)
    assert (story.map().queues, story.map().queueing.ends, story.map().queueing.text) == (None, None, "")


def test_the_word_of_a_map_that_never_queues_stays() -> None:
    story = lost("off").listing().at(14).heard(1, 14).session(1, SessionStatus.LOGGED_IN).dm("sda", DmState.ACTIVE)
    assert story.map().health is MapHealth.AT_RISK
    assert story.map().queues is False


def test_a_map_that_was_lost_when_the_daemon_started_is_not_reported_to_fail_from_then_on() -> None:
    san = San.of(["mpio"], PORTALS).wired()
    san.dm.update(dict.fromkeys(san.dm, DmState.FAILED))
    story = Story(san, multipathd=False).begun().at(0)
    story.feed(SourceUp(SourceName.MULTIPATHD))
    assert story.map().health is MapHealth.UNKNOWN
    story.at(1).listing()
    assert story.map().health is MapHealth.LOST
    assert story.map().queues is False
    assert story.map().queueing.failing is None


def test_a_standstill_does_not_end_where_nothing_is_known_any_more() -> None:
    story = begun("on").at(10)
    for name in sorted(story.san.dm):
        story.dm(name, DmState.FAILED)
    assert story.map().health is MapHealth.LOST
    story.at(20).multipathd_down().feed(EventsLost())
    assert story.map().health is MapHealth.UNKNOWN
    assert [incident.standstill for incident in story.state.incidents.values()] == [None]

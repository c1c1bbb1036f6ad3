"""Paths of many maps that fail at once: their events are judged in one step, and each has its own consequences."""

from __future__ import annotations

from mpathd_watch.core.events import DmPathEvent, DmPathEvents, Event, Tick
from mpathd_watch.core.model.vocabulary import DmState, Health, MapHealth
from mpathd_watch.core.step import gathered
from tests.story import San, Story

MAPS = ["data", "logs", "mpio"]
PORTALS = ["192.168.1.1", "192.168.2.1"]


def events(san: San, *names: str, state: DmState = DmState.FAILED) -> list[Event]:
    """What dm sends of these disks, one after the other."""
    found: list[Event] = []
    for name in names:
        san.dm[name] = state
        found.append(san.dm_event(name))
    return found


def through(san: San, portal: int) -> list[str]:
    """The disks of all maps behind one portal."""
    return [list(san.maps[wwid].slaves)[portal] for wwid in san.maps]


def test_events_of_different_maps_are_one_and_those_of_the_same_map_are_not() -> None:
    san = San.of(MAPS, PORTALS)
    first, second = through(san, 0), through(san, 1)
    one, two = events(san, *first), events(san, *second)
    found = list(gathered([*reversed(one), *two]))
    assert found == [DmPathEvents(tuple(each)) for each in (one, two)]  # type: ignore[arg-type]  # path events all
    assert [event.wwid for event in one if isinstance(event, DmPathEvent)] == sorted(san.maps)


def test_events_stay_in_their_order_and_one_alone_is_what_it_was() -> None:
    san = San.of(MAPS, PORTALS)
    one, two, three = events(san, *through(san, 0))
    assert list(gathered([one, Tick(), two, three, Tick()])) == [one, Tick(), DmPathEvents((two, three)), Tick()]  # type: ignore[arg-type]  # path events both
    assert list(gathered([])) == []


def test_each_path_that_fails_in_a_storm_is_counted_and_reported() -> None:
    story = Story(San.of(MAPS, PORTALS)).begun().live().at(0)
    (storm,) = gathered(events(story.san, *through(story.san, 0)))
    story.feed(storm)
    assert [each.event for each in story.told].count("path_failed") == len(MAPS)
    assert [each.event for each in story.told].count("map_at_risk") == len(MAPS)
    assert {map_.health for map_ in story.state.maps.values()} == {MapHealth.AT_RISK}
    assert story.state.counters.uevents == {"change": len(MAPS)}
    (incident,) = story.state.incidents.values()
    assert (incident.took, len(incident.maps)) == (len(MAPS), len(MAPS))
    (back,) = gathered(events(story.san, *through(story.san, 0), state=DmState.ACTIVE))
    story.feed(back)
    healths = {path.health for map_ in story.state.maps.values() for path in map_.paths.values()}
    assert healths == {Health.UP}
    assert [each.event for each in story.told].count("path_reinstated") == len(MAPS)

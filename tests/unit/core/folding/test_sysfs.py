"""What a full scan makes of paths that stay where they are."""

from __future__ import annotations

from dataclasses import replace

from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.core.model.vocabulary import DmState, Health
from tests.story import San, Story

FIRST = "192.168.1.1:3260"


def begun() -> Story:
    return Story(San.of(["mpio"], ["192.168.1.1", "192.168.2.1"])).begun()


def test_a_scan_that_shows_nothing_new_leaves_every_map_the_very_same_object() -> None:
    story = begun().at(10)
    before = story.look().map()
    assert story.at(20).look().map() is before


def test_a_scan_takes_over_counters_of_io_and_leaves_the_verdict_as_it_is() -> None:
    story = begun().at(10).look()
    before = story.path(FIRST)
    story.san.devices["sda"] = replace(story.san.devices["sda"], io=IoFacts(1, 2, 3, 4))
    after = story.at(20).look().path(FIRST)
    assert after.disk.io == IoFacts(1, 2, 3, 4)
    assert after.verdict is before.verdict


def test_a_path_whose_session_has_another_target_is_the_same_path() -> None:
    story = begun().at(10).look()
    story.san.sessions[1] = replace(story.san.sessions[1], target="iqn.2009-02.com.example:other")
    path = story.at(20).look().path(FIRST)
    assert path.place.target == "iqn.2009-02.com.example:other"
    assert (path.health, path.dm.state) == (Health.UP, DmState.ACTIVE)

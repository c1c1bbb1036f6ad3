"""What a full scan makes of paths that stay where they are, and how a scan of many is folded in parts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import BlockEvent, SourceDown
from mpathd_watch.core.folding import sysfs
from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.core.model.vocabulary import DeviceState, DmState, Health, SourceName
from mpathd_watch.core.state import Wait
from tests.story import San, Story

FIRST, SECOND = "192.168.1.1:3260", "192.168.2.1:3260"


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


# --- in parts ---------------------------------------------------------------------------------------------------------

MAPS = ["first", "second", "third"]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Story:
    """A host whose scans are folded map by map: of each the disk through the second session is offline now."""
    story = Story(San.of(MAPS, ["192.168.1.1", "192.168.2.1"])).begun().at(10)
    monkeypatch.setattr(sysfs, "PATHS_AT_ONCE", 2)
    for name in ("sdb", "sdd", "sdf"):
        story.san.devices[name] = replace(story.san.devices[name], state=DeviceState.OFFLINE)
    return story


def states(story: Story) -> list[DeviceState]:
    return [story.path(SECOND, name).disk.state for name in MAPS]


def waiting(story: Story) -> set[str]:
    """The maps whose part of the scan has not been folded."""
    return set() if story.state.scan is None else {story.state.maps[wwid].name for wwid in story.state.scan.maps}


OLD, NEW = DeviceState.RUNNING, DeviceState.OFFLINE


def test_each_step_folds_a_part_of_a_scan(large: Story) -> None:
    large.look()
    assert (states(large), waiting(large)) == ([NEW, OLD, OLD], {"second", "third"})
    assert Wait.SCAN in large.waits
    large.at(large.seconds)
    assert (states(large), waiting(large)) == ([NEW, NEW, NEW], set())
    assert Wait.SCAN not in large.waits


def test_a_scan_in_parts_leads_to_the_same_state_as_one_at_once(large: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Story(large.san).begun().at(10)
    whole.state = large.state
    large.look().at(10)
    monkeypatch.undo()
    whole.look().at(10)
    assert large.state == whole.state


def test_what_was_read_of_a_disk_meanwhile_is_newer_than_the_scan(large: Story) -> None:
    large.look().device("sdf", DeviceState.BLOCKED)
    assert (states(large), waiting(large)) == ([NEW, OLD, DeviceState.BLOCKED], {"second"})
    large.at(large.seconds)
    assert states(large) == [NEW, NEW, DeviceState.BLOCKED]


def test_what_was_read_meanwhile_of_a_disk_that_the_scan_has_found_is_newer_too(large: Story) -> None:
    added = large.san.add_disk(large.san.wwid("third"), 1)
    large.look()
    assert waiting(large) == {"second", "third"}
    large.device(added, DeviceState.BLOCKED).at(large.seconds)
    (path,) = (path for path in large.map("third").paths.values() if path.place.dev == added)
    assert path.disk.state is DeviceState.BLOCKED


def test_a_scan_is_out_of_date_when_a_session_has_another_number(large: Story) -> None:
    large.look()
    large.san.sessions[7] = replace(large.san.sessions.pop(2), sid=7)
    large.poll()
    assert (waiting(large), large.wants(Scope.SYSTEM)) == (set(), True)
    large.at(large.seconds)
    assert [large.path(SECOND, name).health for name in MAPS] == [Health.MISSING, Health.UNKNOWN, Health.UNKNOWN]


def test_a_scan_is_out_of_date_when_sysfs_can_not_be_read(large: Story) -> None:
    large.look().feed(SourceDown(SourceName.SYSFS, "timeout", "reading /sys takes too long"))
    large.at(large.seconds)
    assert states(large) == [DeviceState.UNKNOWN] * 3


def test_the_next_scan_takes_the_place_of_one_that_waits(large: Story) -> None:
    large.look()
    large.san.devices["sdf"] = replace(large.san.devices["sdf"], state=DeviceState.BLOCKED)
    large.look()
    assert waiting(large) == {"second", "third"}
    large.at(large.seconds)
    assert states(large) == [NEW, NEW, DeviceState.BLOCKED]


def test_a_map_whose_removal_is_reported_meanwhile_exists_if_the_scan_was_asked_for_later(large: Story) -> None:
    wwid = large.san.wwid("third")
    large.look().feed(BlockEvent("remove", large.san.maps[wwid].sysfs_name))
    assert Wait.REMOVED in large.waits
    large.at(large.seconds)
    assert Wait.REMOVED not in large.waits
    assert states(large) == [NEW, NEW, NEW]


@pytest.mark.parametrize("news", ["map", "no map", "name", "session", "no session"])
def test_a_scan_that_shows_another_host_is_folded_at_once(large: Story, news: str) -> None:
    san, wwid = large.san, large.san.wwid("first")
    if news == "map":
        san.add_map("fourth")
    elif news == "no map":
        del san.maps[wwid]
    elif news == "name":
        san.maps[wwid] = replace(san.maps[wwid], name="other")
    elif news == "session":
        san.login("192.168.3.1")
    else:
        san.logout(1)
    large.look()
    assert waiting(large) == set()
    assert [large.path(SECOND, name).disk.state for name in MAPS[1:]] == [NEW, NEW]

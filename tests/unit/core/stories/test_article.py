"""The scenario everything here is about: one of two links goes down for a while, under a map that is written to."""

from __future__ import annotations

import pytest

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.model.budget import Bounds
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import (
    Cause,
    CheckerState,
    DeviceState,
    DmState,
    Health,
    MapHealth,
    Phase,
    SessionStatus,
    Verdict,
)
from tests.story import TARGET, San, Story, moment

FIRST, SECOND = "192.168.1.1:3260", "192.168.2.1:3260"


def article() -> Story:
    """The SAN of the article, healthy."""
    return Story(San.of(["mpio"], ["192.168.1.1", "192.168.2.1"])).begun()


@pytest.fixture(name="story", scope="module")
def told() -> Story:
    """The whole scenario; the link goes down at 0 and up at 45."""
    story = article().expects(recheck_interval=5)
    story.at(15.0).session(2, SessionStatus.FAILED, alive=-0.3).device("sdb", DeviceState.BLOCKED)
    story.at(20.0).dm("sdb", DmState.FAILED).device("sdb", DeviceState.TRANSPORT_OFFLINE)
    story.at(20.2).session(2, SessionStatus.FREE).checker("sdb", CheckerState.FAULTY)
    story.at(45.5).session(2, SessionStatus.LOGGED_IN).device("sdb", DeviceState.RUNNING)
    story.at(52.0).checker("sdb", CheckerState.READY).dm("sdb", DmState.ACTIVE)
    return story.at(60).listing().look()


def test_the_path_stalls_fails_recovers_and_is_up_again(story: Story) -> None:
    assert story.healths_of(SECOND) == [
        (15.0, Health.STALLED),
        (20.0, Health.FAILED),
        (45.5, Health.RECOVERING),
        (52.0, Health.UP),
    ]
    assert story.healths_of(FIRST) == []


def test_each_transition_is_reported_once_and_in_order(story: Story) -> None:
    assert story.alerts() == [
        (15.0, "path_stalled", SECOND),
        (15.0, "map_at_risk", "mpio"),
        (20.0, "path_failed", SECOND),
        (45.5, "path_recovering", SECOND),
        (52.0, "path_reinstated", SECOND),
        (52.0, "map_recovered", "mpio"),
    ]


def test_the_sentences_are_these(story: Story) -> None:
    assert [told.alert.message for told in story.parts] == [
        "mpio: path 192.168.2.1:3260 (sdb) stalled: its session is FAILED, 15.3 s after its last sign "
        "of life. I/O on it is held for up to 5 s (recovery_tmo), then the path fails. 1 of 2 paths usable.",
        "mpio: 192.168.1.1:3260 (sda) is the only path left of 2 (192.168.2.1:3260 stalled); if it fails, "
        "I/O fails at once.",
        "mpio: path 192.168.2.1:3260 (sdb) failed after 5.0 s stalled, 20.3 s after its last sign of life "
        "(budget: at most 21 s): dm has failed it, its session is down; cause: connection error, its sibling is fine. "
        "1 of 2 paths usable.",
        "mpio: path 192.168.2.1:3260 (sdb) recovering: its transport is back after 30.5 s, "
        "waiting for multipathd to reinstate it, within 12 s. 1 of 2 paths usable.",
        "mpio: path 192.168.2.1:3260 (sdb) is up again after 37.0 s (stalled 5.0 s, reinstated 6.5 s after its "
        "transport was back); cause: connection error; within budget: failover took 20.3 s of at most 21 s. "
        "2 of 2 paths usable.",
        "mpio: healthy again after 37.0 s, all 2 paths up.",
    ]


def test_the_priorities_follow_the_contract(story: Story) -> None:
    assert [told.alert.priority for told in story.parts] == [Priority.INFO] * 6
    assert story.incidents() == [
        (
            16.0,
            Priority.ERR,
            "mpio: path 192.168.2.1:3260 (sdb) is stalled; cause: connection error. mpio has one usable path left, "
            "192.168.1.1:3260 (sda); if it fails, I/O fails at once.",
        ),
        (
            52.0,
            Priority.NOTICE,
            "mpio: path 192.168.2.1:3260 (sdb) is up again after 37.0 s; cause: connection error; failover within "
            "budget (20.3 s); the map is healthy.",
        ),
    ]


def test_an_entry_of_a_path_carries_every_field_the_slice_knows(story: Story) -> None:
    outage = story.last_outage(SECOND)
    assert outage is not None
    assert story.told_of("path_failed").fields == {
        "MAP": "mpio",
        "WWID": "36000mpio",
        "PATH": SECOND,
        "DEV": "sdb",
        "HCTL": "2:0:0:0",
        "TARGET": TARGET,
        "PORTAL": SECOND,
        "HEALTH": "failed",
        "PREVIOUS_HEALTH": "stalled",
        "CAUSE": "connection_error",
        "OUTAGE": outage.id,
        "INCIDENT": outage.id,
        "ELAPSED_SEC": "5.000",
        "BUDGET_SEC": "21.000",
        "SILENCE_SEC": "15.300",
        "PATHS_USABLE": "1",
        "PATHS_EXPECTED": "2",
    }


def test_an_entry_of_a_map_carries_its_own_fields(story: Story) -> None:
    assert story.told_of("map_at_risk").fields == {
        "MAP": "mpio",
        "WWID": "36000mpio",
        "PATHS_USABLE": "1",
        "PATHS_EXPECTED": "2",
        "HEALTH": "at_risk",
        "PREVIOUS_HEALTH": "healthy",
        "INCIDENT": story.told_of("path_failed").fields["INCIDENT"],
    }


def test_all_entries_of_the_outage_share_its_id(story: Story) -> None:
    ids = {told.alert.fields["OUTAGE"] for told in story.told if told.event.startswith("path_")}
    assert len(ids) == 1
    assert {told.alert.fields["INCIDENT"] for told in story.told} == ids


def test_the_outage_keeps_every_instant_its_cause_and_the_timeouts_in_force(story: Story) -> None:
    outage = story.last_outage(SECOND)
    assert outage == Outage(
        id=outage.id if outage else "",
        began=moment(15.0),
        cause=Cause.CONNECTION_ERROR,
        timeouts={"noop_out_interval": 5, "noop_out_timeout": 10, "replacement_timeout": 5},
        bounds=Bounds(detection=16, replacement=5, failover=21, reinstatement=12),
        last_alive=moment(-0.3),
        errors=outage.errors if outage else None,
        stalled=moment(15.0),
        failed=moment(20.0),
        transport_lost=True,
        transport_up=moment(45.5),
        reinstated=moment(52.0),
        counted=True,
        announced=Cause.CONNECTION_ERROR,
        judgement=outage.judgement if outage else None,
    )
    assert outage.judgement is not None
    assert outage.judgement.verdict is Verdict.WITHIN_BUDGET
    assert outage.judgement.phases == pytest.approx(
        {Phase.DETECTION: 15.3, Phase.REPLACEMENT: 5.0, Phase.FAILOVER: 20.3, Phase.REINSTATEMENT: 6.5}
    )
    assert story.path(SECOND).outage is None


def test_one_failure_and_one_reinstatement_are_counted(story: Story) -> None:
    path = story.path(SECOND)
    assert dict(path.failures) == {Cause.CONNECTION_ERROR: 1}
    assert path.reinstatements == 1
    assert not story.path(FIRST).failures


def test_the_map_is_at_risk_for_as_long_as_the_path_is_not_up() -> None:
    story = article()
    assert story.health(SECOND) == (Health.UP, MapHealth.HEALTHY)
    story.at(15).session(2, SessionStatus.FAILED)
    assert story.health(SECOND) == (Health.STALLED, MapHealth.AT_RISK)
    story.at(20).dm("sdb", DmState.FAILED)
    assert story.health(SECOND) == (Health.FAILED, MapHealth.AT_RISK)
    story.at(45).session(2, SessionStatus.LOGGED_IN).device("sdb", DeviceState.RUNNING)
    assert story.health(SECOND) == (Health.RECOVERING, MapHealth.AT_RISK)
    story.at(52).dm("sdb", DmState.ACTIVE)
    assert story.health(SECOND) == (Health.UP, MapHealth.HEALTHY)


def test_a_second_outage_has_another_id_and_starts_from_nothing(story: Story) -> None:
    first = story.last_outage(SECOND)
    story.at(100).session(2, SessionStatus.FAILED)
    second = story.path(SECOND).outage
    assert first
    assert second
    assert second.id != first.id
    assert (second.began, second.failed, second.reinstated) == (moment(100), None, None)

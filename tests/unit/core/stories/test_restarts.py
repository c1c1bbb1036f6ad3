"""An outage goes on over restarts and reboots: the same id, nothing announced twice, no invented durations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import pytest

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import (
    IncidentChanged,
    IncidentEnded,
    Kept,
    MapChanged,
    NexusAnnounced,
    OutageChanged,
    OutageDropped,
    OutageEnded,
)
from mpathd_watch.core.events import DmStatusRead, Forget, Remembered, SettingsChanged, SourceUp
from mpathd_watch.core.model.budget import Bounds
from mpathd_watch.core.model.facts import DmStatus
from mpathd_watch.core.model.incident import Incident
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import ExpectedMap, ExpectedPath, KeptMap, Memory, OpenOutage, by_path
from mpathd_watch.core.model.outage import Gap, Outage, Span
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.model.vocabulary import (
    AccessState,
    Cause,
    CheckerState,
    DmState,
    Health,
    MapHealth,
    SessionStatus,
    SourceName,
    Verdict,
)
from mpathd_watch.core.recording.codec import decode, encode
from mpathd_watch.core.state import State
from mpathd_watch.core.verdicts.health import Evidence
from mpathd_watch.core.verdicts.outage import advance, judge
from mpathd_watch.immutable import replace
from tests.story import San, Story, moment

PORTALS = ["192.168.1.1", "192.168.2.1"]
LOST = "192.168.2.1:3260"
SETTINGS = SettingsChanged(settle_seconds=5.0)
UPTIME = 5_000_000.0
"""Seconds that the host had been up when it was booted again."""


def kept_of(effects: Sequence[Kept]) -> tuple[dict[str, OpenOutage], dict[str, KeptMap], dict[str, str]]:
    """What of these effects is in force at their end, as a store has it."""
    outages: dict[str, OpenOutage] = {}
    maps: dict[str, KeptMap] = {}
    lost: dict[str, str] = {}
    for kept in effects:
        match kept:
            case OutageChanged():
                outages[kept.open.outage.id] = kept.open
            case OutageEnded():
                outages.pop(kept.outage.id, None)
            case OutageDropped():
                outages.pop(kept.id, None)
            case MapChanged():
                maps[kept.wwid] = kept.now
            case NexusAnnounced():
                lost.pop(kept.label, None)
                if kept.shared is not None:
                    lost[kept.label] = kept.shared
            case _:
                pass
    return outages, maps, lost


def incidents_of(effects: Sequence[Kept]) -> dict[str, Incident]:
    """The incidents that go on after these effects, as a store has them."""
    incidents: dict[str, Incident] = {}
    for kept in effects:
        match kept:
            case IncidentChanged():
                incidents[kept.incident.id] = kept.incident
            case IncidentEnded():
                incidents.pop(kept.incident.id, None)
            case _:
                pass
    return incidents


def memory_of(story: Story, alive: float) -> Memory:
    """What a store holds of a story, by its effects alone, as it comes out of a file."""
    outages, maps, lost = kept_of(story.kept)
    known = story.state.maps
    expected = {
        wwid: ExpectedMap(map_.name, frozen(dict.fromkeys(map_.paths, ExpectedPath()))) for wwid, map_ in known.items()
    }
    memory = Memory(
        frozen(expected),
        by_path(outages.values()),
        frozen(maps),
        frozen(lost),
        frozen(incidents_of(story.kept)),
        alive=moment(alive),
        same_boot=True,
    )
    again = decode(Memory, encode(memory))
    assert again == memory
    return again


def of_another_boot(memory: Memory) -> Memory:
    """The memory as it is if the host has been booted since: its CLOCK_MONOTONIC was another one."""

    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            moved_values = {key: moved(each) for key, each in value.items()}
            if value.keys() == {"monotonic", "wall"}:
                moved_values["monotonic"] += UPTIME
            return moved_values
        return [moved(each) for each in value] if isinstance(value, list) else value

    return replace(decode(Memory, moved(encode(memory))), same_boot=False)


def restarted(story: Story, after: float, *, booted: bool = False, ran: float = 0.0) -> Story:
    """The daemon ends ``ran`` seconds from now without noticing, and starts again ``after`` seconds later."""
    memory = memory_of(story, story.seconds + ran)
    story.seconds += ran + after
    for sid in story.san.answering:
        story.heard(sid, story.seconds)
    story.state = State()
    story.feed(SETTINGS)
    story.feed(Remembered(of_another_boot(memory) if booted else memory))
    story.feed(SourceUp(SourceName.UEVENT))
    story.feed(SourceUp(SourceName.SYSFS))
    story.look()
    story.feed(SourceUp(SourceName.MULTIPATHD))
    story.listing()
    return story


def back(story: Story) -> Story:
    """The target answers again, and the session is logged in."""
    story.san.answering.add(2)
    story.heard(2, story.seconds)
    return story.session(2, SessionStatus.LOGGED_IN)


Act = Callable[[Story], object]
OUTAGE: tuple[tuple[float, Act], ...] = (
    (5.0, lambda story: story.cut(2)),
    (15.0, lambda story: story.session(2, SessionStatus.FAILED)),
    (20.0, lambda story: story.session(2, SessionStatus.FREE)),
    (22.0, lambda story: story.dm("sdb", DmState.FAILED)),
    (40.0, back),
    (42.0, lambda story: story.dm("sdb", DmState.ACTIVE)),
)
"""The timeline of an outage: silent, stalled, failed by the session and by dm, transport back, reinstated."""


def played(restart_after: Sequence[int] = (), *, booted: bool = False, maps: Sequence[str] = ("mpio",)) -> Story:
    """The whole outage, with a restart of half a second after each of these of its acts."""
    story = Story(San.of(maps, PORTALS)).begun().live().at(0)
    for number, (second, act) in enumerate(OUTAGE):
        act(story.at(second))
        if number in restart_after:
            restarted(story.at(second + 0.6), 0.5, booted=booted).poll()
    return story.at(60)


def news(story: Story) -> list[tuple[str, str]]:
    """What was announced, and about whom; what incidents have come to is apart from that."""
    return [(event, who) for _, event, who in story.alerts()]


def woken(story: Story) -> list[tuple[str, Priority, str]]:
    """What people were woken by, and by which incident."""
    return [
        (told.event, told.alert.priority, told.alert.fields["INCIDENT"])
        for told in story.told
        if told.alert.priority < Priority.INFO
    ]


UNBROKEN = played()
EVERYWHERE = tuple(range(len(OUTAGE)))


@pytest.mark.parametrize("booted", [False, True])
@pytest.mark.parametrize("acts", [*((number,) for number in EVERYWHERE), EVERYWHERE, (1, 3), (2, 4)])
def test_a_restart_in_any_phase_goes_on_with_the_outage_and_announces_nothing_twice(
    acts: Sequence[int], booted: bool
) -> None:
    story = played(acts, booted=booted)
    assert news(story) == news(UNBROKEN)
    assert woken(story) == woken(UNBROKEN)
    assert [event for event, _, _ in woken(story)] == ["path_suspect", "incident_began", "incident_ended"]
    assert incidents_of(story.kept) == {}
    assert len(story.ended) == len(UNBROKEN.ended) == 1
    found, right = story.ended[0].outage, UNBROKEN.ended[0].outage
    assert (found.id, found.began.wall, found.cause) == (right.id, right.began.wall, right.cause)
    assert kept_of(story.kept)[0] == {}
    for stage in ("suspected", "stalled", "failed", "transport_up", "reinstated"):
        was, seen = getattr(right, stage), getattr(found, stage)
        assert (was is None) == (seen is None)
        assert seen is None or abs(seen.wall - was.wall) <= 1.1


@pytest.mark.parametrize("acts", [(number,) for number in EVERYWHERE])
def test_with_two_maps_the_loss_of_a_session_is_announced_once(acts: Sequence[int]) -> None:
    maps = ("mpatha", "mpathb")
    story, unbroken = played(acts, maps=maps), played(maps=maps)
    assert news(story) == news(unbroken)
    assert woken(story) == woken(unbroken)
    assert story.told_of("incident_began").fields["PATHS"] == "2"


def test_the_incidents_of_a_memory_are_those_with_an_outage_that_goes_on() -> None:
    story = Story(San.of(["mpatha"], PORTALS)).begun().live().at(0).cut(2).at(15).session(2, SessionStatus.FAILED)
    memory = memory_of(story, 15.0)
    incidents = frozenset(story.state.incidents)
    assert len(incidents) == 1
    assert memory.going_on == incidents
    assert replace(memory, outages={}).going_on == frozenset()
    assert replace(memory, incidents={}).going_on == frozenset()


def test_a_session_that_was_lost_with_another_is_back_only_once() -> None:
    story = Story(San.of(["mpatha", "mpathb"], PORTALS)).begun().live().at(0)
    for sid in (1, 2):
        story.cut(sid)
    story.at(15).session(1, SessionStatus.FAILED)
    story.session(2, SessionStatus.FAILED)
    assert set(memory_of(story, 15.0).lost.values()) != {""}
    back(story.at(17))
    assert [label for label in memory_of(story, 17.0).lost if label.startswith(LOST)] == []
    restarted(story.at(18), 0.5).poll()
    assert [event for event, _ in news(story)].count("session_restored") == 1


def test_a_port_group_that_was_announced_is_not_announced_again() -> None:
    story = Story(San.of(["mpatha", "mpathb"], PORTALS).grouped()).begun().live().at(0)
    story.access(g2=AccessState.UNAVAILABLE)
    story.dm("sdb", DmState.FAILED).dm("sdd", DmState.FAILED).at(1)
    before = news(story)
    assert [event for event, _ in before].count("port_group_down") == 1
    restarted(story.at(5), 0.5).at(10)
    assert news(story) == before
    story.access(g2=AccessState.OPTIMIZED)
    story.dm("sdb", DmState.ACTIVE).dm("sdd", DmState.ACTIVE)
    assert [event for event, _ in news(story)].count("port_group_up") == 1


def test_what_dm_had_failed_is_not_up_as_long_as_nobody_shows_it() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.dm("sdb", DmState.FAILED).at(1)
    memory, before = memory_of(story, 1.0), news(story)
    story.seconds = 2.0
    story.state = State()
    story.feed(SETTINGS)
    story.feed(Remembered(memory))
    story.feed(SourceUp(SourceName.UEVENT))
    story.feed(SourceUp(SourceName.SYSFS))
    story.multipathd_down().look()
    outage = story.path(LOST).outage
    assert outage is not None
    assert outage.id in {known.outage.id for paths in memory.outages.values() for known in paths.values()}
    assert story.path(LOST).health is Health.UNKNOWN
    states = {device.dev_t: story.san.dm[name] for name, device in story.san.devices.items()}
    story.feed(DmStatusRead((DmStatus("mpio", None, states),), moment(2).monotonic))
    assert story.path(LOST).health is Health.FAILED
    assert [event for event, _ in news(story) if event.startswith("path_")] == [
        event for event, _ in before if event.startswith("path_")
    ]


def test_nobody_has_watched_a_path_until_its_health_is_known() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.dm("sdb", DmState.FAILED).at(1)
    memory = memory_of(story, 1.0)
    story.san.dm["sdb"] = DmState.ACTIVE
    story.seconds = 100.0
    story.state = State()
    story.feed(SETTINGS)
    story.feed(Remembered(memory))
    story.feed(SourceUp(SourceName.UEVENT))
    story.feed(SourceUp(SourceName.SYSFS))
    story.multipathd_down().look()
    story.at(105).feed(SourceUp(SourceName.MULTIPATHD))
    story.listing()
    outage = story.ended[0].outage
    assert outage.reinstated == moment(105)
    assert outage.between(outage.began, outage.reinstated) == Span(1.0, 105.0)


def test_an_outage_of_another_boot_that_waits_for_its_path_stays_one_of_another_boot() -> None:
    """Simulator, r3-112: by the clock of this boot, it began a moment ago."""
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.cut(2).at(15).session(2, SessionStatus.FAILED)
    restarted_with(story.at(16), 5.0, lambda: story.san.logout(2), booted=True)
    restarted(story.at(30), 0.5)
    [known] = story.state.memory.outages[story.san.wwid("mpio")].values()
    assert known.outage.began.monotonic < 0
    assert any(gap.booted for gap in known.outage.unwatched)


def test_what_fails_while_no_daemon_runs_is_a_range() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.cut(2).at(15).session(2, SessionStatus.FAILED)
    story.at(16)
    san = story.san
    restarted_with(story, 100.0, lambda: fail(san))
    outage = story.path(LOST).outage
    assert outage is not None
    assert outage.stalled is not None
    assert outage.failed is not None
    assert outage.between(outage.stalled, outage.failed) == Span(1.0, 101.0)
    back(story.at(200))
    story.at(201).dm("sdb", DmState.ACTIVE)
    judgement = story.ended[0].outage.judgement
    assert judgement is not None
    assert judgement.verdict is Verdict.UNOBSERVED
    assert "did not run" in story.told_of("path_reinstated", LOST).message


def test_a_path_that_recovers_has_failed_even_if_it_failed_again_later() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.cut(2).at(15).session(2, SessionStatus.FAILED)
    story.at(16)
    san = story.san

    def fails_and_returns() -> None:
        fail(san)
        san.answering.add(2)
        san.sessions[2] = replace(san.sessions[2], state=SessionStatus.LOGGED_IN, alive=moment(23).monotonic)

    restarted_with(story, 8.0, fails_and_returns)
    assert story.path(LOST).health is Health.RECOVERING
    story.at(25).session(2, SessionStatus.FAILED)
    back(story.at(28))
    story.at(30).dm("sdb", DmState.ACTIVE)
    outage = story.ended[0].outage
    assert outage.stalled is not None
    assert outage.failed is not None
    assert outage.between(outage.stalled, outage.failed) == Span(1.0, 9.0)
    assert outage.judgement is not None
    assert outage.judgement.verdict is Verdict.UNOBSERVED


def fail(san: San) -> None:
    """The kernel gives the session up, and dm fails the path, while nobody watches."""
    san.sessions[2] = replace(san.sessions[2], state=SessionStatus.FREE)
    san.dm["sdb"] = DmState.FAILED
    san.checkers["sdb"] = CheckerState.FAULTY


def restarted_with(story: Story, after: float, meanwhile: Callable[[], None], *, booted: bool = False) -> Story:
    """A restart during which something happens."""
    memory_before = story.seconds
    meanwhile()
    assert story.seconds == memory_before
    return restarted(story, after, booted=booted)


def test_across_a_boot_nothing_bounds_what_was_not_watched_whatever_the_wall_clock_says() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.cut(2).at(15).session(2, SessionStatus.FAILED)
    story.at(16)
    san = story.san
    restarted_with(story, 3.0, lambda: fail(san), booted=True)
    outage = story.path(LOST).outage
    assert outage is not None
    assert outage.stalled is not None
    assert outage.failed is not None
    span = outage.between(outage.stalled, outage.failed)
    assert (span.least, span.most) == (1.0, inf)


def test_a_memory_from_before_the_clock_of_this_boot_is_one_of_another_boot() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.cut(2).at(15).session(2, SessionStatus.FAILED)
    memory = replace(of_another_boot(memory_of(story.at(16), 16.0)), same_boot=True)
    story.state = State()
    story.feed(Remembered(memory))
    taken = story.state.memory
    assert not taken.same_boot
    assert taken.alive == Instant(0.0, moment(16).wall)
    assert all(known.outage.began.monotonic <= 0 for paths in taken.outages.values() for known in paths.values())


def test_an_outage_that_began_while_no_daemon_ran_began_in_that_time() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    san = story.san
    restarted_with(story, 50.0, lambda: fail(san))
    outage = story.path(LOST).outage
    assert outage is not None
    assert outage.inherited
    assert outage.unwatched == (Gap(moment(0), moment(50)),)
    assert outage.earliest(outage.began) == moment(0)


def test_without_a_memory_the_outage_is_as_old_as_the_first_look() -> None:
    story = Story(San.of(["mpio"], PORTALS))
    fail(story.san)
    outage = story.begun().path(LOST).outage
    assert outage is not None
    assert outage.unwatched == ()


def test_a_path_that_was_only_suspect_and_is_up_leaves_no_trace() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.cut(2).at(13)
    assert story.path(LOST).health is Health.SUSPECT
    san = story.san

    def answers() -> None:
        san.answering.add(2)
        story.heard(2, 13.0 + 2.0)

    restarted_with(story, 2.0, answers).at(20)
    assert story.health(LOST) == (Health.UP, MapHealth.HEALTHY)
    assert not story.ended
    assert kept_of(story.kept)[0] == {}
    assert "whether it failed is not known" in story.told_of("path_reinstated").message


def test_the_gaps_of_an_outage_over_many_restarts_stay_few() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.cut(2).at(15).session(2, SessionStatus.FAILED)
    for number in range(40):
        restarted(story.at(story.seconds + 5), 0.5, booted=number % 2 == 0).poll()
    outage = story.path(LOST).outage
    assert outage is not None
    assert len(outage.unwatched) <= 16


def test_a_path_that_is_back_although_its_return_was_not_watched_may_have_taken_too_long() -> None:
    story = played_until_failed()
    san = story.san

    def all_is_well() -> None:
        san.answering.add(2)
        san.sessions[2] = replace(san.sessions[2], state=SessionStatus.LOGGED_IN)
        san.dm["sdb"], san.checkers["sdb"] = DmState.ACTIVE, CheckerState.READY

    restarted_with(story, 300.0, all_is_well)
    assert story.path(LOST).health is Health.UP
    judgement = story.ended[0].outage.judgement
    assert judgement is not None
    assert judgement.verdict is Verdict.UNOBSERVED
    quick = restarted_with(played_until_failed(), 0.5, lambda: None)
    back(quick).at(quick.seconds + 1)
    restarted_with(quick.at(quick.seconds + 1), 0.5, lambda: quick.san.dm.update(sdb=DmState.ACTIVE))
    assert quick.ended[0].outage.judgement != judgement


def played_until_failed() -> Story:
    """Stalled, and failed in time."""
    story = Story(San.of(["mpio"], PORTALS)).begun().live().expects(5).at(0)
    story.cut(2).at(15).session(2, SessionStatus.FAILED)
    story.at(20).session(2, SessionStatus.FREE)
    story.at(22).dm("sdb", DmState.FAILED)
    return story.at(25)


def test_without_a_former_daemon_nothing_goes_on() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.cut(2).at(15).session(2, SessionStatus.FAILED)
    memory = replace(memory_of(story.at(16), 16.0), alive=None)
    story.state = State()
    story.feed(Remembered(memory))
    assert story.state.memory == Memory(memory.expected)


def test_what_is_remembered_of_a_path_that_is_not_there_waits_for_it() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.cut(2).at(15).session(2, SessionStatus.FAILED)
    began = story.path(LOST).outage
    disk = story.san.devices["sdb"]
    restarted_with(story.at(16), 5.0, lambda: story.san.logout(2))
    assert story.path(LOST).awaited
    assert story.path(LOST).outage is None
    assert story.state.memory.outages
    story.san.login("192.168.2.1", state=SessionStatus.FAILED)
    story.san.add_disk(story.san.wwid("mpio"), 2 if 2 in story.san.sessions else 3)
    story.look().listing()
    outage = story.path(LOST).outage
    assert disk.name == "sdb"
    assert began is not None
    assert outage is not None
    assert outage.id == began.id
    assert not story.state.memory.outages


@pytest.mark.parametrize("booted", [(False, False), (True, False), (False, True)])
def test_an_outage_that_waits_for_its_path_over_two_restarts_is_unwatched_since_the_first(
    booted: tuple[bool, bool],
) -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.cut(2).at(15).session(2, SessionStatus.FAILED)
    restarted_with(story.at(16), 5.0, lambda: story.san.logout(2), booted=booted[0])
    assert story.path(LOST).outage is None

    def returns() -> None:
        story.san.login("192.168.2.1")
        story.san.add_disk(story.san.wwid("mpio"), max(story.san.sessions))

    restarted_with(story.at(24), 5.0, returns, booted=booted[1])
    outage = story.ended[0].outage
    assert outage.stalled is not None
    assert outage.reinstated is not None
    held = outage.between(outage.stalled, outage.reinstated)
    assert held.least == 1.0
    assert held.most == (inf if any(booted) else 14.0)


def test_a_lost_session_is_kept_no_more_once_nothing_is_expected_of_it() -> None:
    story = Story(San.of(["mpio", "other"], PORTALS)).begun().live().at(0)
    story.cut(2).at(15).session(2, SessionStatus.FAILED)
    assert memory_of(story, 16.0).lost
    story.at(20).san.logout(2)
    story.look()
    for wwid in story.san.maps:
        story.feed(Forget(wwid, LOST))
    story.look()
    assert not memory_of(story, 20.0).lost


def test_a_failure_whose_detection_nobody_watched_is_unobserved() -> None:
    began, failed = moment(0), moment(36)
    outage = Outage(
        "id",
        began,
        Cause.CARRIER_LOST,
        bounds=Bounds(16, 5, 21, 22),
        suspected=began,
        failed=failed,
        reinstated=moment(60),
    )
    assert judge(outage, 2.0).verdict is Verdict.NO_BUDGET
    assert judge(replace(outage, unwatched=(Gap(moment(20), failed),)), 2.0).verdict is Verdict.UNOBSERVED
    by_hand = replace(outage, cause=Cause.ADMINISTRATOR, unwatched=(Gap(moment(20), failed),))
    assert judge(by_hand, 2.0).verdict is Verdict.NO_BUDGET


def test_what_was_seen_before_the_outage_went_on_may_have_been_at_any_moment_of_the_gap() -> None:
    began, back = moment(0), moment(24)
    gap = Gap(moment(20), moment(25))
    outage = Outage("id", began, stalled=moment(19), transport_up=back, reinstated=moment(25), unwatched=(gap,))
    assert outage.between(moment(19), back) == Span(1.0, 5.0)
    assert outage.between(began, moment(19)) == Span(19.0, 19.0)


def test_a_path_in_use_again_that_is_suspect_was_held_no_longer_than_nobody_watched() -> None:
    outage = Outage(
        "id",
        moment(0),
        Cause.NOP_TIMEOUT,
        bounds=Bounds(16, 5, 21, 22),
        last_alive=moment(-12),
        stalled=moment(0),
        transport_lost=True,
        unwatched=(Gap(moment(1), moment(60)),),
    )
    in_use = Evidence(transport_good=False, transport_lost=False, cause=Cause.UNKNOWN)
    suspect = advance(outage, Health.SUSPECT, in_use, moment(60))
    assert judge(advance(suspect, Health.UP, in_use, moment(90)), 2.0).verdict is Verdict.UNOBSERVED
    assert judge(advance(outage, Health.UP, in_use, moment(90)), 2.0).verdict is Verdict.OVER_BUDGET


@pytest.mark.parametrize(("booted", "text"), [(False, "again after 28.0 s,"), (True, "again after at least ")])
def test_how_long_a_map_was_not_healthy_is_exact_only_within_one_boot(booted: bool, text: str) -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.cut(2).at(15).session(2, SessionStatus.FAILED)
    restarted(story.at(20), 10.0, booted=booted)
    began = story.map().troubled
    assert began is not None
    back(story.at(story.seconds + 5)).look()
    assert text in story.told_of("map_recovered").message


def test_what_the_siblings_show_is_kept_once_as_the_path_goes_out() -> None:
    story = Story(San.of(["mpio"], PORTALS).wired()).begun().live().at(0)
    story.cut(2).at(15).session(2, SessionStatus.FAILED)
    story.at(20).session(2, SessionStatus.FREE)
    kept = [each for each in story.kept if isinstance(each, OutageChanged) and each.evidence]
    assert [(each.open.path, each.open.health) for each in kept] == [(LOST, Health.STALLED)]
    assert kept[0].evidence == "NIC eth2 has carrier, its sibling through eth1 is fine"


def test_of_a_map_whose_trouble_has_no_beginning_no_duration_is_claimed() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    wwid = story.san.wwid("mpio")
    edited = KeptMap(MapHealth.AT_RISK, moment(0), MapHealth.AT_RISK)
    memory = replace(memory_of(story, 0.0), maps=frozen({wwid: edited}))
    story.state = State()
    story.feed(SETTINGS)
    for event in (Remembered(memory), SourceUp(SourceName.UEVENT), SourceUp(SourceName.SYSFS)):
        story.feed(event)
    story.look().listing()
    assert story.told_of("map_recovered").message == "mpio: healthy again, all 2 paths up."


def without_learning(story: Story) -> Story:
    """A new daemon for which no path had been there long enough to be learned, half a second later."""
    memory = replace(memory_of(story, story.seconds), expected=frozen({}))
    story.seconds += 0.5
    story.state = State()
    story.feed(SETTINGS)
    story.feed(Remembered(memory))
    for source in (SourceName.UEVENT, SourceName.SYSFS, SourceName.MULTIPATHD):
        story.feed(SourceUp(source))
    return story.look().listing()


def test_a_path_that_went_before_it_was_learned_stays_missing_over_a_restart() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.at(5).san.logout(2)
    began = story.look().path(LOST).outage
    without_learning(story.at(6))
    story.at(story.seconds + Settings().start_grace_seconds + 1)
    outage = story.path(LOST).outage
    assert story.path(LOST).health is Health.MISSING
    assert began is not None
    assert outage is not None
    assert outage.id == began.id


def test_the_outages_of_a_map_that_is_neither_there_nor_expected_end_with_the_start() -> None:
    story = Story(San.of(["mpio", "other"], PORTALS)).begun().live().at(0)
    story.at(5).san.logout(2)
    story.look()
    dropped = story.path(LOST, "other").outage
    del story.san.maps[story.san.wwid("other")]
    without_learning(story.at(6))
    assert len(story.state.memory.outages) == 2
    story.at(story.seconds + Settings().start_grace_seconds + 1)
    assert not story.state.memory.outages
    assert dropped is not None
    assert OutageDropped(dropped.id, real=True) in story.kept


def test_a_path_that_is_forgotten_while_its_outage_waits_has_no_outage_any_more() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0)
    story.at(5).san.logout(2)
    began = story.look().path(LOST).outage
    without_learning(story.at(6)).feed(Forget(story.san.wwid("mpio"), LOST))
    assert began is not None
    assert OutageDropped(began.id, real=True) in story.kept
    assert not story.state.memory.outages
    assert LOST not in story.state.maps[story.san.wwid("mpio")].paths


def test_an_incident_of_which_no_outage_is_left_is_over() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0).dm("sdb", DmState.FAILED).at(2)
    memory = replace(memory_of(story, 2.0), outages=by_path([]))
    (incident,) = memory.incidents.values()
    story = Story(San.of(["mpio"], PORTALS), memory=memory).begun()
    assert not story.state.incidents
    (ended,) = (kept for kept in story.kept if isinstance(kept, IncidentEnded))
    assert ended.incident.id == incident.id
    assert [told.event for told in story.told] == ["map_recovered"]


def test_an_outage_that_an_earlier_version_kept_without_an_incident_may_be_forgotten() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().live().at(0).dm("sdb", DmState.FAILED).at(2)
    memory = memory_of(story, 2.0)
    kept = [replace(each, incident="") for paths in memory.outages.values() for each in paths.values()]
    memory = replace(memory, outages=by_path(kept), incidents=frozen({}), expected=frozen({}))
    story = Story(San.of(["other"], PORTALS), memory=memory).begun().at(Settings().start_grace_seconds + 1)
    assert not story.state.memory.outages
    assert OutageDropped(kept[0].outage.id, real=True) in story.kept
    assert not story.state.incidents
